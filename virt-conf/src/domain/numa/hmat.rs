//! What the ACPI heterogeneous memory attribute table says of a guest's nodes.

use virt_types::text_enum;

text_enum! {
    /// `<cache associativity='…'>`
    pub enum CacheAssociativity { None = "none", Direct = "direct", Full = "full" }
}

text_enum! {
    /// `<cache policy='…'>`
    pub enum CachePolicy { None = "none", Writeback = "writeback", Writethrough = "writethrough" }
}

text_enum! {
    /// To what a latency or bandwidth applies.
    pub enum LatencyKind { Access = "access", Read = "read", Write = "write" }
}

/// `<cache>`: a memory-side cache of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumaCache {
    /// `level`
    pub level: u32,
    /// `<size>` in KiB.
    pub size: u64,
    /// `<line>` in bytes.
    pub line: u64,
    /// `associativity`
    pub associativity: CacheAssociativity,
    /// `policy`
    pub policy: CachePolicy,
}

/// `<latency>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// `initiator`
    pub initiator: u32,
    /// `target`
    pub target: u32,
    /// `cache`: the level that is asked; 0 for memory itself.
    pub cache: u32,
    /// `type`
    pub kind: LatencyKind,
    /// `value` in nanoseconds.
    pub value: u64,
}

/// `<bandwidth>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// `initiator`
    pub initiator: u32,
    /// `target`
    pub target: u32,
    /// `cache`: the level that is asked; 0 for memory itself.
    pub cache: u32,
    /// `type`
    pub kind: LatencyKind,
    /// `value` in KiB a second.
    pub value: u64,
}

/// `<interconnects>`: latencies and bandwidths between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interconnects {
    /// `<latency>`
    pub latencies: Vec<Latency>,
    /// `<bandwidth>`
    pub bandwidths: Vec<Bandwidth>,
}
