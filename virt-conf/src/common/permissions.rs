//! `<permissions>`: who may use a file.

use virt_types::ErrorDomain;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::Refuse;

const REFUSE: Refuse = Refuse(ErrorDomain::Storage);

/// Owner and mode of a file; each absent where nobody cares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// `<mode>`: the lowest nine bits.
    pub mode: Option<u32>,
    /// `<owner>`: a user's number.
    pub owner: Option<u32>,
    /// `<group>`: a group's number.
    pub group: Option<u32>,
    /// `<label>`: the security label.
    pub label: Option<String>,
}

impl Permissions {
    /// Reads the `<permissions>` child of an element.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for what is no mode and no number.
    pub fn parse_child(el: Element<'_>) -> Result<Self> {
        let Some(el) = el.child("permissions") else { return Ok(Self::default()) };
        let malformed = |what: &str| REFUSE.xml(format!("malformed {what}")).at(el.place());
        let mode = match el.child_text("mode") {
            None => None,
            Some(text) => {
                let mode = number::parse_u32(&text, Base::Eight).filter(|mode| *mode <= 0o777);
                Some(mode.ok_or_else(|| malformed("octal mode"))?)
            }
        };
        Ok(Self {
            mode,
            owner: parse_id(el, "owner").map_err(|()| malformed("owner element"))?,
            group: parse_id(el, "group").map_err(|()| malformed("group element"))?,
            label: el.child_text("label"),
        })
    }

    /// Writes the element, if there is anything to say.
    pub fn format(&self, w: &mut Writer) {
        w.element_if_any("permissions", |w| {
            w.text_element_opt("mode", self.mode.map(|mode| format!("0{mode:o}")));
            w.text_element_opt("owner", self.owner);
            w.text_element_opt("group", self.group);
            w.text_element_opt("label", self.label.as_ref());
        });
    }
}

/// The number of a user or group; -1 stands for nobody in particular.
fn parse_id(el: Element<'_>, name: &'static str) -> Result<Option<u32>, ()> {
    let Some(child) = el.child(name) else { return Ok(None) };
    match number::parse_i64(&child.text(), Base::Ten).ok_or(())? {
        -1 => Ok(None),
        id => u32::try_from(id).map(|id| Some(id).filter(|id| *id != u32::MAX)).map_err(|_| ()),
    }
}
