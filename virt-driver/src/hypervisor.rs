//! Calls on the connection itself: the hypervisor and the host below it.

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
    }
}
