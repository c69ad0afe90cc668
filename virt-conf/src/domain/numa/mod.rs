//! `<cpu><numa>`: the guest's NUMA nodes.

mod hmat;

pub use hmat::{Bandwidth, CacheAssociativity, CachePolicy, Interconnects, Latency, LatencyKind, NumaCache};

use super::memory_backing::MemoryAccess;
use crate::common::Bitmap;

/// `<cell>`: a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumaCell {
    /// `cpus`; absent for a node without any.
    pub cpus: Option<Bitmap>,
    /// `memory` in KiB.
    pub memory: u64,
    /// `memAccess`
    pub access: Option<MemoryAccess>,
    /// `discard`
    pub discard: Option<bool>,
    /// `<distances>`: sibling and value, by sibling; 0 where the document is silent.
    pub distances: Vec<(u32, u32)>,
    /// `<cache>`
    pub caches: Vec<NumaCache>,
}

/// `<numa>`: empty without nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numa {
    /// The nodes, by id.
    pub cells: Vec<NumaCell>,
    /// `<interconnects>`
    pub interconnects: Interconnects,
}
