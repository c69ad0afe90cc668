//! `<vcpu>` and `<vcpus>`: how many CPUs a guest has.

use std::collections::BTreeMap;

use virt_types::text_enum;

use crate::common::Bitmap;

text_enum! {
    /// Who places vCPUs on host CPUs.
    pub enum Placement { #[default] Static = "static", Auto = "auto" }
}

/// `<vcpu>` within `<vcpus>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vcpu {
    /// `enabled`
    pub online: bool,
    /// `hotpluggable`
    pub hotpluggable: Option<bool>,
    /// `order`; 0 where not given.
    pub order: u32,
}

/// The CPUs of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vcpus {
    /// How many there may be.
    pub max: u32,
    /// How many there are, where they are not given one by one: use [`Vcpus::online_count`].
    pub current: u32,
    /// `placement`
    pub placement: Placement,
    /// `cpuset`
    pub cpuset: Option<Bitmap>,
    /// `<vcpus>`: the CPUs one by one, by id; those missing are offline.
    pub individual: Option<BTreeMap<u32, Vcpu>>,
}

impl Default for Vcpus {
    fn default() -> Self {
        Self { max: 1, current: 1, placement: Placement::Static, cpuset: None, individual: None }
    }
}
