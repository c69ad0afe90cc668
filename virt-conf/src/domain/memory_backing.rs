//! `<memoryBacking>`: what stands behind the guest's memory on the host.

use virt_types::text_enum;

use crate::common::Bitmap;

text_enum! {
    /// `<source type='…'/>`
    pub enum MemorySource { File = "file", Anonymous = "anonymous", Memfd = "memfd" }
}

text_enum! {
    /// Whether others may map the memory: `<access mode='…'/>`, `memAccess`.
    pub enum MemoryAccess { Shared = "shared", Private = "private" }
}

text_enum! {
    /// `<allocation mode='…'/>`
    pub enum MemoryAllocation { Immediate = "immediate", Ondemand = "ondemand" }
}

/// `<page size='…' nodeset='…'/>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HugePage {
    /// `size` in KiB; 0 for the host's default size.
    pub size: u64,
    /// `nodeset`: for which guest NUMA nodes; absent for all.
    pub nodeset: Option<Bitmap>,
}

/// `<memoryBacking>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryBacking {
    /// `<hugepages>`: empty for none; `<hugepages/>` is one page of size 0.
    pub hugepages: Vec<HugePage>,
    /// `<nosharepages/>`
    pub nosharepages: bool,
    /// `<locked/>`
    pub locked: bool,
    /// `<source type='…'/>`
    pub source: Option<MemorySource>,
    /// `<access mode='…'/>`
    pub access: Option<MemoryAccess>,
    /// `<allocation mode='…'/>`
    pub allocation: Option<MemoryAllocation>,
    /// `<allocation threads='…'/>`; 0 where not given.
    pub allocation_threads: u32,
    /// `<discard/>`
    pub discard: bool,
}
