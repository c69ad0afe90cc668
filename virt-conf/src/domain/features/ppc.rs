//! Features of the pSeries machine: the hash page table and mitigations of speculative execution.

use virt_types::{KIB, text_enum};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::scaled::child_bytes;
use crate::error::unsupported;

text_enum! {
    /// `<hpt resizing='…'>`
    pub enum HptResizing { Enabled = "enabled", Disabled = "disabled", Required = "required" }
}

text_enum! {
    /// `<cfpc value='…'/>`: cache flush on privilege change.
    pub enum Cfpc { Broken = "broken", Workaround = "workaround", Fixed = "fixed" }
}

text_enum! {
    /// `<sbbc value='…'/>`: speculation barrier bounds checking.
    pub enum Sbbc { Broken = "broken", Workaround = "workaround", Fixed = "fixed" }
}

text_enum! {
    /// `<ibs value='…'/>`: indirect branch speculation.
    pub enum Ibs {
        Broken = "broken", Workaround = "workaround", FixedIbs = "fixed-ibs", FixedCcd = "fixed-ccd",
        FixedNa = "fixed-na",
    }
}

/// `<hpt>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hpt {
    /// `resizing`
    pub resizing: Option<HptResizing>,
    /// `<maxpagesize>` in KiB; 0 where not given.
    pub maxpagesize: u64,
}

impl Hpt {
    pub(super) fn parse(el: Element<'_>) -> Result<Option<Self>> {
        let resizing = el.attr_enum("resizing")?;
        let maxpagesize = child_bytes(el, "maxpagesize", KIB, u64::MAX)
            .map_err(|_| unsupported("Unable to parse HPT maxpagesize setting").at(el.place()))?
            .map_or(0, |bytes| bytes.div_ceil(KIB));
        let hpt = Self { resizing, maxpagesize };
        Ok((hpt != Self::default()).then_some(hpt))
    }

    pub(super) fn format(self, w: &mut Writer) {
        w.element("hpt", |w| {
            w.attr_opt("resizing", self.resizing);
            if self.maxpagesize > 0 {
                w.text_element_with("maxpagesize", |w| w.attr("unit", "KiB"), self.maxpagesize);
            }
        });
    }
}

grammar! {
    pub(super) HPT = [Attr("resizing", OneOf(HptResizing::NAMES)), Opt("maxpagesize", SIZE)];
}
