//! `<cpu>`: the CPU that a guest sees.

mod topology;

use virt_types::text_enum;

pub use topology::{CacheMode, CpuCache, MaxPhysAddr, MaxPhysAddrMode, Topology};

text_enum! {
    /// `mode`: from what the guest's CPU is made.
    pub enum CpuMode {
        #[default] Custom = "custom", HostModel = "host-model", HostPassthrough = "host-passthrough", Maximum = "maximum",
    }
}

text_enum! {
    /// `match`: how a custom CPU is compared with the host's.
    pub enum CpuMatch { #[default] Exact = "exact", Minimum = "minimum", Strict = "strict" }
}

text_enum! {
    /// `check`: how closely the guest's CPU is checked at start.
    pub enum CpuCheck { None = "none", Partial = "partial", Full = "full" }
}

text_enum! {
    /// `<model fallback='…'>`: whether another model may stand in.
    pub enum CpuFallback { #[default] Allow = "allow", Forbid = "forbid" }
}

text_enum! {
    /// `<feature policy='…'>`
    pub enum FeaturePolicy {
        Force = "force", Require = "require", Optional = "optional", Disable = "disable", Forbid = "forbid",
    }
}

/// `<feature>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuFeature {
    /// `name`
    pub name: String,
    /// `policy`
    pub policy: FeaturePolicy,
}

/// `<cpu>`, but for `<numa>`, which is [`Numa`](super::Numa).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cpu {
    /// `mode`: custom where only a model is named.
    pub mode: CpuMode,
    /// `match`: for custom CPUs.
    pub matching: Option<CpuMatch>,
    /// `check`; absent for the driver's default.
    pub check: Option<CpuCheck>,
    /// `migratable`: for host-passthrough and maximum.
    pub migratable: Option<bool>,
    /// `<model>`
    pub model: Option<String>,
    /// `<model fallback='…'>`
    pub fallback: CpuFallback,
    /// `<model vendor_id='…'>`: twelve characters.
    pub vendor_id: Option<String>,
    /// `<vendor>`
    pub vendor: Option<String>,
    /// `<topology>`
    pub topology: Option<Topology>,
    /// `<cache>`
    pub cache: Option<CpuCache>,
    /// `<maxphysaddr>`
    pub maxphysaddr: Option<MaxPhysAddr>,
    /// `<feature>`
    pub features: Vec<CpuFeature>,
}
