//! `<topology>`, `<cache>`, `<maxphysaddr>`.

use virt_types::text_enum;

text_enum! {
    /// `<cache mode='…'>`
    pub enum CacheMode { Emulate = "emulate", Passthrough = "passthrough", Disable = "disable" }
}

text_enum! {
    /// `<maxphysaddr mode='…'>`
    pub enum MaxPhysAddrMode { Emulate = "emulate", Passthrough = "passthrough" }
}

/// `<topology>`: how vCPUs are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// `sockets`
    pub sockets: u32,
    /// `dies` per socket.
    pub dies: u32,
    /// `cores` per die.
    pub cores: u32,
    /// `threads` per core.
    pub threads: u32,
}

impl Topology {
    /// How many vCPUs it holds.
    #[must_use]
    pub fn vcpus(&self) -> u64 {
        [self.sockets, self.dies, self.cores, self.threads]
            .into_iter()
            .map(u64::from)
            .fold(1, u64::saturating_mul)
    }
}

/// `<cache>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuCache {
    /// `level`; absent for all.
    pub level: Option<u32>,
    /// `mode`
    pub mode: CacheMode,
}

/// `<maxphysaddr>`: the width of guest physical addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPhysAddr {
    /// `mode`
    pub mode: MaxPhysAddrMode,
    /// `bits`: for emulated ones.
    pub bits: Option<u32>,
    /// `limit`: an upper bound for passed-through ones.
    pub limit: Option<u32>,
}
