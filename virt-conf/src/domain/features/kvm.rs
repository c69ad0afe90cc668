//! `<kvm>`: what KVM tells its guests.

/// `<dirty-ring>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirtyRing {
    /// `state`
    pub state: bool,
    /// `size`: entries per vCPU; 0 where not given.
    pub size: u32,
}

/// `<kvm>`; each member is the state of the element of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kvm {
    /// `<hidden>`
    pub hidden: Option<bool>,
    /// `<hint-dedicated>`
    pub hint_dedicated: Option<bool>,
    /// `<poll-control>`
    pub poll_control: Option<bool>,
    /// `<pv-ipi>`
    pub pv_ipi: Option<bool>,
    /// `<dirty-ring>`
    pub dirty_ring: Option<DirtyRing>,
}
