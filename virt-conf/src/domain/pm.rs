//! `<pm>`: which sleep states the firmware offers.

use virt_xml::{Element, Writer};

use crate::Result;

/// `<pm>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pm {
    /// `<suspend-to-mem>` (S3)
    pub suspend_to_mem: Option<bool>,
    /// `<suspend-to-disk>` (S4)
    pub suspend_to_disk: Option<bool>,
}

impl Pm {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("pm") else { return Ok(Self::default()) };
        let enabled = |name| match el.child(name) {
            None => Ok(None),
            Some(state) => state.attr_yes_no("enabled"),
        };
        Ok(Self { suspend_to_mem: enabled("suspend-to-mem")?, suspend_to_disk: enabled("suspend-to-disk")? })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("pm", |w| {
            w.element_if_any("suspend-to-mem", |w| w.attr_yes_no("enabled", self.suspend_to_mem));
            w.element_if_any("suspend-to-disk", |w| w.attr_yes_no("enabled", self.suspend_to_disk));
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("suspend-to-mem", &[Attr("enabled", YesNo)]), Opt("suspend-to-disk", &[Attr("enabled", YesNo)]),
    ];
}
