//! Calls that reach into the running guest, most of them through its agent.

use virt_types::TypedParams;

use crate::DomainRef;
use crate::contract::contract;

/// A file system in a guest (`virDomainFSInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystemInfo {
    /// Where it is mounted.
    pub mountpoint: String,
    /// The device's name in the guest.
    pub name: String,
    /// Its type, such as `ext4`.
    pub kind: String,
    /// The disks below it, by target.
    pub disks: Vec<String>,
}

/// An interface of a guest (`virDomainInterface`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestInterface {
    /// The name.
    pub name: String,
    /// The hardware address.
    pub mac: Option<String>,
    /// Its addresses.
    pub addresses: Vec<GuestAddress>,
}

/// An address of a guest's interface (`virDomainIPAddress`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAddress {
    /// 0 IPv4, 1 IPv6.
    pub family: i32,
    /// The address.
    pub address: String,
    /// Bits of the network in it.
    pub prefix: u32,
}

contract! {
    /// What only the guest can tell or do.
    pub trait Guests {
        /// Sets a user's password; bit 1 of `flags` says that it is encrypted already.
        "virDomainSetUserPassword" fn set_user_password(domain: &'a DomainRef, user: &'a str, password: &'a str, flags: u32) -> ();
        /// Stops writing to file systems, all or these; answers how many.
        "virDomainFSFreeze" fn freeze(domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32;
        /// Lets the guest write again; answers to how many file systems.
        "virDomainFSThaw" fn thaw(domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32;
        /// Gives unused blocks back, at least `minimum` bytes in a row.
        "virDomainFSTrim" fn trim(domain: &'a DomainRef, mountpoint: Option<&'a str>, minimum: u64, flags: u32) -> ();
        /// The file systems.
        "virDomainGetFSInfo" fn file_systems(domain: &'a DomainRef, flags: u32) -> Vec<FileSystemInfo>;
        /// The interfaces and their addresses, from the DHCP server's leases (0), the agent (1) or the ARP table (2).
        "virDomainInterfaceAddresses" fn interface_addresses(domain: &'a DomainRef, source: u32, flags: u32) -> Vec<GuestInterface>;
        /// Which virtual CPUs the guest uses.
        "virDomainGetGuestVcpus" fn vcpus(domain: &'a DomainRef, flags: u32) -> TypedParams;
        /// Makes the guest use virtual CPUs, such as `1-3,5`, or not.
        "virDomainSetGuestVcpus" fn set_vcpus(domain: &'a DomainRef, cpus: &'a str, online: bool, flags: u32) -> ();
        /// The keys that let a user in.
        "virDomainAuthorizedSSHKeysGet" fn ssh_keys(domain: &'a DomainRef, user: &'a str, flags: u32) -> Vec<String>;
        /// Sets, adds or removes keys (`virDomainAuthorizedSSHKeysSetFlags`).
        "virDomainAuthorizedSSHKeysSet" fn set_ssh_keys(domain: &'a DomainRef, user: &'a str, keys: &'a [String], flags: u32) -> ();
        /// How long the agent may take to answer, in seconds; -2 for ever, -1 the default.
        "virDomainAgentSetResponseTimeout" fn set_agent_timeout(domain: &'a DomainRef, timeout: i32, flags: u32) -> ();
        /// Sends a signal to a process in the guest (`virDomainProcessSignal`).
        "virDomainSendProcessSignal" fn send_signal(domain: &'a DomainRef, pid: i64, signal: u32, flags: u32) -> ();
        /// What is known about the protection of the guest's memory from its host.
        "virDomainGetLaunchSecurityInfo" fn launch_security(domain: &'a DomainRef, flags: u32) -> TypedParams;
        /// Hands a secret to a protected guest.
        "virDomainSetLaunchSecurityState" fn set_launch_security(domain: &'a DomainRef, params: &'a TypedParams, flags: u32) -> ();
    }
}
