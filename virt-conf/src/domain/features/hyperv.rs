//! `<hyperv>`: enlightenments for Windows guests (Microsoft's Hypervisor Top Level Functional Specification).

use virt_types::text_enum;

text_enum! {
    /// Whether the enlightenments are listed or all that the host has.
    pub enum HypervMode { #[default] Custom = "custom", Passthrough = "passthrough" }
}

/// `<hyperv>`; each member is the state of the element of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hyperv {
    /// `mode`
    pub mode: HypervMode,
    /// `<relaxed>`
    pub relaxed: Option<bool>,
    /// `<vapic>`
    pub vapic: Option<bool>,
    /// `<spinlocks>`
    pub spinlocks: Option<bool>,
    /// `<spinlocks retries='…'>`
    pub spinlock_retries: u32,
    /// `<vpindex>`
    pub vpindex: Option<bool>,
    /// `<runtime>`
    pub runtime: Option<bool>,
    /// `<synic>`
    pub synic: Option<bool>,
    /// `<stimer>`
    pub stimer: Option<bool>,
    /// `<stimer><direct>`
    pub stimer_direct: Option<bool>,
    /// `<reset>`
    pub reset: Option<bool>,
    /// `<vendor_id>`
    pub vendor_id: Option<bool>,
    /// `<vendor_id value='…'>`
    pub vendor_id_value: Option<String>,
    /// `<frequencies>`
    pub frequencies: Option<bool>,
    /// `<reenlightenment>`
    pub reenlightenment: Option<bool>,
    /// `<tlbflush>`
    pub tlbflush: Option<bool>,
    /// `<ipi>`
    pub ipi: Option<bool>,
    /// `<evmcs>`
    pub evmcs: Option<bool>,
    /// `<avic>`
    pub avic: Option<bool>,
}
