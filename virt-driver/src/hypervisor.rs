//! Calls on the connection itself: the hypervisor and the host below it.

use virt_types::TypedParams;

use crate::Subscription;
use crate::contract::contract;

/// The figures of `virNodeGetInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// The CPU's model or architecture, at most 31 bytes on the wire.
    pub model: String,
    /// Memory, in KiB.
    pub memory: u64,
    /// Online CPUs.
    pub cpus: u32,
    /// Frequency in MHz, 0 if unknown.
    pub mhz: u32,
    /// NUMA cells, 1 for a host without.
    pub nodes: u32,
    /// Sockets per cell.
    pub sockets: u32,
    /// Cores per socket.
    pub cores: u32,
    /// Threads per core.
    pub threads: u32,
}

/// How a CPU description compares with the host's CPU (`virCPUCompareResult`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum CpuComparison {
    /// The host can not run it.
    Incompatible = 0,
    /// The host's CPU is the same.
    Identical = 1,
    /// The host's CPU has more.
    Superset = 2,
}

impl CpuComparison {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The value with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Incompatible),
            1 => Some(Self::Identical),
            2 => Some(Self::Superset),
            _ => None,
        }
    }
}

/// A named figure of the host, such as `kernel` (CPU time in nanoseconds) or `free` (memory in KiB).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStat {
    /// The name, at most 79 bytes on the wire.
    pub field: String,
    /// The value.
    pub value: u64,
}

/// Which CPUs of the host are online (`virNodeGetCPUMap`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCpuMap {
    /// How many there can be.
    pub present: u32,
    /// How many are online.
    pub online: u32,
    /// Which are online, little endian bits.
    pub map: Vec<u8>,
}

/// The security model of the host (`virSecurityModel`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityModel {
    /// Its name, such as `selinux`.
    pub model: String,
    /// Its domain of interpretation.
    pub doi: String,
}

/// Why a connection ended (`virConnectCloseReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum CloseReason {
    /// The transport failed.
    Error = 0,
    /// The peer closed it.
    Eof = 1,
    /// The peer did not answer in time.
    Keepalive = 2,
    /// The caller closed it.
    Client = 3,
}

impl CloseReason {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The value with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Error),
            1 => Some(Self::Eof),
            2 => Some(Self::Keepalive),
            3 => Some(Self::Client),
            _ => None,
        }
    }
}

contract! {
    /// The hypervisor of a connection and the host that it runs on.
    pub trait Hypervisor {
        /// The name of the hypervisor, such as `QEMU`.
        "virConnectGetType" fn type_name() -> String;
        /// The version of the hypervisor as 1,000,000 × major + 1,000 × minor + release.
        "virConnectGetVersion" fn version() -> u64;
        /// The version of the API that is spoken, in the same form.
        "virConnectGetLibVersion" fn lib_version() -> u64;
        /// The host's name.
        "virConnectGetHostname" fn hostname() -> String;
        /// The connection's canonical URI.
        "virConnectGetURI" fn uri() -> String;
        /// What the host and the hypervisor can do, as XML.
        "virConnectGetCapabilities" fn capabilities() -> String;
        /// What a domain of this emulator, architecture, machine and type may have, as XML.
        "virConnectGetDomainCapabilities" fn domain_capabilities(
            emulator: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virt_type: Option<&'a str>, flags: u32,
        ) -> String;
        /// SMBIOS data of the host, as XML.
        "virConnectGetSysinfo" fn sysinfo(flags: u32) -> String;
        /// The most virtual CPUs that a domain of this type may have.
        "virConnectGetMaxVcpus" fn max_vcpus(virt_type: Option<&'a str>) -> u32;
        /// CPU models known for an architecture.
        "virConnectGetCPUModelNames" fn cpu_models(arch: &'a str, flags: u32) -> Vec<String>;
        /// CPUs, memory and topology of the host.
        "virNodeGetInfo" fn node_info() -> NodeInfo;
        /// Free memory of the host, in bytes.
        "virNodeGetFreeMemory" fn free_memory() -> u64;
        /// Whether the connection still works.
        "virConnectIsAlive" fn is_alive() -> bool;
        /// Whether the transport is encrypted.
        "virConnectIsEncrypted" fn is_encrypted() -> bool;
        /// Whether nobody else can listen to the transport.
        "virConnectIsSecure" fn is_secure() -> bool;
        /// Turns a hypervisor's own configuration, such as a command line, into domain XML.
        "virConnectDomainXMLFromNative" fn domain_xml_from_native(format: &'a str, config: &'a str, flags: u32) -> String;
        /// Turns domain XML into the hypervisor's own configuration.
        "virConnectDomainXMLToNative" fn domain_xml_to_native(format: &'a str, xml: &'a str, flags: u32) -> String;

        /// Whether the driver has a feature (`VIR_DRV_FEATURE_…`); an unknown number is a no.
        "virConnectSupportsFeature" fn supports_feature(feature: i32) -> bool;
        /// Tells when the connection ends, once.
        "virConnectRegisterCloseCallback" fn subscribe_close() -> Subscription<CloseReason>;
        /// How the host's CPU compares with one in XML.
        "virConnectCompareCPU" fn compare_cpu(xml: &'a str, flags: u32) -> CpuComparison;
        /// How the CPU that this emulator can give compares with one in XML.
        "virConnectCompareHypervisorCPU" fn compare_hypervisor_cpu(
            emulator: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virt_type: Option<&'a str>, xml: &'a str,
            flags: u32,
        ) -> CpuComparison;
        /// The most that all these host CPUs have, as XML.
        "virConnectBaselineCPU" fn baseline_cpu(xmls: &'a [String], flags: u32) -> String;
        /// The most that all these CPUs have and this emulator can give, as XML.
        "virConnectBaselineHypervisorCPU" fn baseline_hypervisor_cpu(
            emulator: Option<&'a str>, arch: Option<&'a str>, machine: Option<&'a str>, virt_type: Option<&'a str>, xmls: &'a [String],
            flags: u32,
        ) -> String;

        /// CPU time of one host CPU, or of all together with -1, in nanoseconds.
        "virNodeGetCPUStats" fn cpu_stats(cpu: i32, flags: u32) -> Vec<NodeStat>;
        /// Memory of one NUMA cell, or of all together with -1, in KiB.
        "virNodeGetMemoryStats" fn memory_stats(cell: i32, flags: u32) -> Vec<NodeStat>;
        /// Free memory of NUMA cells from `start` on, at most `count`, in bytes.
        "virNodeGetCellsFreeMemory" fn cells_free_memory(start: i32, count: i32) -> Vec<u64>;
        /// Free pages of each of these sizes (KiB), for each of `count` cells from `start` on; -1 for the whole host.
        "virNodeGetFreePages" fn free_pages(sizes: &'a [u32], start: i32, count: u32, flags: u32) -> Vec<u64>;
        /// Sets, or with bit 1 of `flags` adds to, the pool of pages of each size (KiB) in each of `count` cells from `start` on;
        /// answers in how many pools that was done.
        "virNodeAllocPages" fn allocate_pages(
            sizes: &'a [u32], counts: &'a [u64], start: i32, count: u32, flags: u32,
        ) -> u32;
        /// Which CPUs are there and online.
        "virNodeGetCPUMap" fn cpu_map(flags: u32) -> NodeCpuMap;
        /// The security model.
        "virNodeGetSecurityModel" fn security_model() -> SecurityModel;
        /// Settings of the host's memory, such as those of page merging.
        "virNodeGetMemoryParameters" fn memory_parameters(flags: u32) -> TypedParams;
        /// Changes settings of the host's memory.
        "virNodeSetMemoryParameters" fn set_memory_parameters(params: &'a TypedParams, flags: u32) -> ();
        /// Puts the host to sleep for so many seconds: 0 memory, 1 disk, 2 hybrid (`virNodeSuspendTarget`).
        "virNodeSuspendForDuration" fn suspend_host(target: u32, duration: u64, flags: u32) -> ();
        /// What the host's memory encryption can do.
        "virNodeGetSEVInfo" fn sev_info(flags: u32) -> TypedParams;
    }
}
