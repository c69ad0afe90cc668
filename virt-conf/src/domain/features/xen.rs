//! `<xen>`: features of Xen guests.

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use super::{known_children, switch};
use crate::Result;

text_enum! {
    /// `<passthrough mode='…'>`
    pub enum PassthroughMode { SyncPt = "sync_pt", SharePt = "share_pt" }
}

/// `<passthrough>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XenPassthrough {
    /// `state`
    pub state: bool,
    /// `mode`
    pub mode: Option<PassthroughMode>,
}

/// `<xen>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XenFeatures {
    /// `<e820_host>`
    pub e820_host: Option<bool>,
    /// `<passthrough>`
    pub passthrough: Option<XenPassthrough>,
}

impl XenFeatures {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut xen = Self::default();
        for child in known_children(el, &["e820_host", "passthrough"], "unsupported Xen feature:")? {
            let state = child.required("state", child.attr_on_off("state")?)?;
            if child.is("e820_host") {
                xen.e820_host = Some(state);
            } else {
                let mode = if state { child.attr_enum("mode")? } else { None };
                xen.passthrough = Some(XenPassthrough { state, mode });
            }
        }
        Ok(xen)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("xen", |w| {
            switch(w, "e820_host", self.e820_host);
            if let Some(passthrough) = self.passthrough {
                w.element("passthrough", |w| {
                    w.attr_on_off("state", Some(passthrough.state));
                    w.attr_opt("mode", passthrough.mode);
                });
            }
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("e820_host", STATE), Opt("passthrough", &[Attr("state", OnOff), Attr("mode", OneOf(PassthroughMode::NAMES))]),
    ];
}
