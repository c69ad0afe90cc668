//! `<features>`: what the machine has beyond its devices.

mod container;
mod hyperv;
mod kvm;
mod ppc;
mod xen;

use virt_types::text_enum;

pub use container::{CapabilitiesPolicy, ContainerCapabilities};
pub use hyperv::{Hyperv, HypervMode};
pub use kvm::{DirtyRing, Kvm};
pub use ppc::{Cfpc, Hpt, HptResizing, Ibs, Sbbc};
pub use xen::{PassthroughMode, XenFeatures, XenPassthrough};

text_enum! {
    /// `<gic version='…'/>`: the interrupt controller of ARM machines.
    pub enum GicVersion { Host = "host", V2 = "2", V3 = "3" }
}

text_enum! {
    /// `<ioapic driver='…'/>`: who emulates it.
    pub enum IoapicDriver { Qemu = "qemu", Kvm = "kvm" }
}

text_enum! {
    /// `<msrs unknown='…'/>`: what reading or writing an unknown register does.
    pub enum MsrsUnknown { Ignore = "ignore", Fault = "fault" }
}

/// `<apic>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Apic {
    /// `eoi`: paravirtual end-of-interrupt.
    pub eoi: Option<bool>,
}

/// `<smm>`: system management mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Smm {
    /// `state`
    pub state: bool,
    /// `<tseg>`: bytes of the memory above.
    pub tseg: Option<u64>,
}

/// `<features>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// `<acpi/>`
    pub acpi: bool,
    /// `<apic/>`
    pub apic: Option<Apic>,
    /// `<pae/>`
    pub pae: bool,
    /// `<hap>`
    pub hap: Option<bool>,
    /// `<viridian/>`
    pub viridian: bool,
    /// `<privnet/>`
    pub privnet: bool,
    /// `<hyperv>`
    pub hyperv: Option<Hyperv>,
    /// `<kvm>`
    pub kvm: Option<Kvm>,
    /// `<pvspinlock>`
    pub pvspinlock: Option<bool>,
    /// `<capabilities>`
    pub capabilities: ContainerCapabilities,
    /// `<pmu>`
    pub pmu: Option<bool>,
    /// `<vmport>`
    pub vmport: Option<bool>,
    /// `<gic>`; without a version where the guest takes what the machine has.
    pub gic: Option<Option<GicVersion>>,
    /// `<smm>`
    pub smm: Option<Smm>,
    /// `<ioapic>`
    pub ioapic: Option<IoapicDriver>,
    /// `<hpt>`
    pub hpt: Option<Hpt>,
    /// `<vmcoreinfo>`
    pub vmcoreinfo: Option<bool>,
    /// `<htm>`
    pub htm: Option<bool>,
    /// `<nested-hv>`
    pub nested_hv: Option<bool>,
    /// `<msrs>`
    pub msrs: Option<MsrsUnknown>,
    /// `<ccf-assist>`
    pub ccf_assist: Option<bool>,
    /// `<xen>`
    pub xen: Option<XenFeatures>,
    /// `<cfpc>`
    pub cfpc: Option<Cfpc>,
    /// `<sbbc>`
    pub sbbc: Option<Sbbc>,
    /// `<ibs>`
    pub ibs: Option<Ibs>,
    /// `<tcg>`: `<tb-cache>` in KiB, 0 where not given.
    pub tcg: Option<u64>,
    /// `<async-teardown>`
    pub async_teardown: Option<bool>,
}
