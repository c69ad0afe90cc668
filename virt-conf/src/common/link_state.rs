//! `<link>`: whether a network device of the host is up, and how fast.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;

text_enum! {
    /// The state of a network device (RFC 2863).
    pub enum LinkState {
        Unknown = "unknown", NotPresent = "notpresent", Down = "down", LowerLayerDown = "lowerlayerdown",
        Testing = "testing", Dormant = "dormant", Up = "up",
    }
}

/// What is known of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// `state`
    pub state: Option<LinkState>,
    /// `speed` in megabits per second; 0 where not known.
    pub speed: u32,
}

impl Link {
    /// Reads the `<link>` child of an element.
    ///
    /// # Errors
    /// For an unknown state and for what is no number.
    pub fn parse_child(el: Element<'_>) -> Result<Self> {
        let Some(el) = el.child("link") else { return Ok(Self::default()) };
        Ok(Self {
            // An empty text is how libvirt spells that there is none.
            state: if el.attr("state") == Some("") { None } else { el.attr_enum("state")? },
            speed: el.attr_u32("speed", Base::Ten)?.unwrap_or(0),
        })
    }

    /// Writes the element, if there is anything to say.
    pub fn format(self, w: &mut Writer) {
        w.element_if_any("link", |w| {
            w.attr_opt("speed", (self.speed > 0).then_some(self.speed));
            w.attr_opt("state", self.state);
        });
    }
}
