//! `<xen>`: features of Xen guests.

use virt_types::text_enum;

text_enum! {
    /// `<passthrough mode='…'>`
    pub enum PassthroughMode { SyncPt = "sync_pt", SharePt = "share_pt" }
}

/// `<passthrough>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XenPassthrough {
    /// `state`
    pub state: bool,
    /// `mode`
    pub mode: Option<PassthroughMode>,
}

/// `<xen>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XenFeatures {
    /// `<e820_host>`
    pub e820_host: Option<bool>,
    /// `<passthrough>`
    pub passthrough: Option<XenPassthrough>,
}
