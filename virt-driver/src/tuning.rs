//! Calls that place and limit domains on their host.

use virt_types::{Impact, TypedParams};

use crate::DomainRef;
use crate::contract::contract;

/// One virtual CPU (`virVcpuInfo`), and where it may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VcpuInfo {
    /// Its number.
    pub number: u32,
    /// 0 offline, 1 running, 2 blocked (`virVcpuState`).
    pub state: i32,
    /// CPU time used, in nanoseconds.
    pub cpu_time: u64,
    /// The host CPU that it is on, -1 offline, -2 unknown.
    pub cpu: i32,
    /// Host CPUs that it may run on, little endian bits.
    pub cpu_map: Vec<u8>,
}

/// A thread that does I/O for a domain, and where it may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IothreadInfo {
    /// Its number.
    pub id: u32,
    /// Host CPUs that it may run on, little endian bits.
    pub cpu_map: Vec<u8>,
}

contract! {
    /// Placement and limits of domains. CPU maps are little endian bits, one per host CPU.
    pub trait DomainTuning {
        /// Each virtual CPU: its state, and where it is and may be.
        "virDomainGetVcpus" fn vcpu_infos(domain: &'a DomainRef) -> Vec<VcpuInfo>;
        /// Where each virtual CPU may run.
        "virDomainGetVcpuPinInfo" fn vcpu_pins(domain: &'a DomainRef, impact: Impact) -> Vec<Vec<u8>>;
        /// Says where a virtual CPU may run.
        "virDomainPinVcpuFlags" fn pin_vcpu(domain: &'a DomainRef, vcpu: u32, cpu_map: &'a [u8], impact: Impact) -> ();
        /// Where the rest of the hypervisor's process may run; none if it was never said.
        "virDomainGetEmulatorPinInfo" fn emulator_pin(domain: &'a DomainRef, impact: Impact) -> Option<Vec<u8>>;
        /// Says where the rest of the hypervisor's process may run.
        "virDomainPinEmulator" fn pin_emulator(domain: &'a DomainRef, cpu_map: &'a [u8], impact: Impact) -> ();
        /// Switches single virtual CPUs, such as `1-3,5`.
        "virDomainSetVcpu" fn set_vcpu(domain: &'a DomainRef, cpus: &'a str, online: bool, impact: Impact) -> ();

        /// The threads that do I/O.
        "virDomainGetIOThreadInfo" fn iothreads(domain: &'a DomainRef, impact: Impact) -> Vec<IothreadInfo>;
        /// Says where such a thread may run.
        "virDomainPinIOThread" fn pin_iothread(domain: &'a DomainRef, id: u32, cpu_map: &'a [u8], impact: Impact) -> ();
        /// Makes such a thread.
        "virDomainAddIOThread" fn add_iothread(domain: &'a DomainRef, id: u32, impact: Impact) -> ();
        /// Ends such a thread.
        "virDomainDelIOThread" fn delete_iothread(domain: &'a DomainRef, id: u32, impact: Impact) -> ();
        /// Sets how such a thread polls.
        "virDomainSetIOThreadParams" fn set_iothread_parameters(
            domain: &'a DomainRef, id: u32, params: &'a TypedParams, impact: Impact,
        ) -> ();

        /// Memory limits.
        "virDomainGetMemoryParameters" fn memory_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams;
        /// Sets memory limits.
        "virDomainSetMemoryParameters" fn set_memory_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> ();
        /// The NUMA policy.
        "virDomainGetNumaParameters" fn numa_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams;
        /// Sets the NUMA policy.
        "virDomainSetNumaParameters" fn set_numa_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> ();
        /// Weights and limits of block I/O.
        "virDomainGetBlkioParameters" fn blkio_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams;
        /// Sets weights and limits of block I/O.
        "virDomainSetBlkioParameters" fn set_blkio_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> ();
        /// The limits of a disk; without a disk those that any can have, of which a peer tells only the number.
        "virDomainGetBlockIoTune" fn block_io_tune(domain: &'a DomainRef, disk: Option<&'a str>, impact: Impact) -> TypedParams;
        /// Sets the limits of a disk.
        "virDomainSetBlockIoTune" fn set_block_io_tune(
            domain: &'a DomainRef, disk: &'a str, params: &'a TypedParams, impact: Impact,
        ) -> ();
        /// Sets the limits of a group of disks, and makes it.
        "virDomainSetThrottleGroup" fn set_throttle_group(
            domain: &'a DomainRef, group: &'a str, params: &'a TypedParams, impact: Impact,
        ) -> ();
        /// Removes such a group.
        "virDomainDelThrottleGroup" fn delete_throttle_group(domain: &'a DomainRef, group: Option<&'a str>, impact: Impact) -> ();
        /// The bandwidth of an interface.
        "virDomainGetInterfaceParameters" fn interface_parameters(
            domain: &'a DomainRef, device: &'a str, impact: Impact,
        ) -> TypedParams;
        /// Sets the bandwidth of an interface.
        "virDomainSetInterfaceParameters" fn set_interface_parameters(
            domain: &'a DomainRef, device: &'a str, params: &'a TypedParams, impact: Impact,
        ) -> ();
        /// Which performance events are counted.
        "virDomainGetPerfEvents" fn perf_events(domain: &'a DomainRef, impact: Impact) -> TypedParams;
        /// Switches the counting of performance events.
        "virDomainSetPerfEvents" fn set_perf_events(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> ();
    }
}
