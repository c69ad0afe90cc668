//! `<cachetune>` and `<memorytune>`: shares of CPU caches and memory bandwidth (the kernel's resctrl).

use virt_types::text_enum;

use crate::common::Bitmap;

text_enum! {
    /// What a cache holds.
    pub enum CacheType { Both = "both", Code = "code", Data = "data" }
}

/// `<cache>`: a part of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheAlloc {
    /// `level`
    pub level: u32,
    /// `type`
    pub kind: CacheType,
    /// `id`
    pub id: u32,
    /// Size in bytes.
    pub size: u64,
}

/// `<node>`: a part of a memory controller's bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeBandwidth {
    /// `id`
    pub id: u32,
    /// `bandwidth`, percent or MiB/s as the host has it.
    pub bandwidth: u32,
}

/// Of which element a monitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitorKind {
    /// `<cachetune>`
    Cache,
    /// `<memorytune>`
    Bandwidth,
}

/// `<monitor>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// Of which element it is.
    pub kind: MonitorKind,
    /// `vcpus`
    pub vcpus: Bitmap,
    /// Its directory's name in a running guest.
    pub id: Option<String>,
}

/// What a set of vCPUs gets; `<cachetune>` and `<memorytune>` of one set are one group of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resctrl {
    /// `vcpus`
    pub vcpus: Bitmap,
    /// `id`: the group's name in a running guest.
    pub id: Option<String>,
    /// `<cache>`
    pub caches: Vec<CacheAlloc>,
    /// `<node>`
    pub nodes: Vec<NodeBandwidth>,
    /// `<monitor>`
    pub monitors: Vec<Monitor>,
}
