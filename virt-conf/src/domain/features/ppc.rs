//! Features of the pSeries machine: the hash page table and mitigations of speculative execution.

use virt_types::text_enum;

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
