//! Calls on the network interfaces of the host.

use crate::ObjectFilter;
use crate::contract::contract;

/// How a caller names an interface of the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InterfaceRef {
    /// The name.
    pub name: String,
    /// The address, empty if it has none.
    pub mac: String,
}

contract! {
    /// Network interfaces of the host.
    pub trait Interfaces {
        /// The interfaces that match; bit 1 inactive, 2 active.
        "virConnectListAllInterfaces" fn list(flags: ObjectFilter) -> Vec<InterfaceRef>;
        /// The interface with this name.
        "virInterfaceLookupByName" fn lookup_by_name(name: &'a str) -> InterfaceRef;
        /// The interface with this address.
        "virInterfaceLookupByMACString" fn lookup_by_mac(mac: &'a str) -> InterfaceRef;
        /// Its configuration.
        "virInterfaceGetXMLDesc" fn xml_desc(interface: &'a InterfaceRef, flags: u32) -> String;
        /// Defines an interface.
        "virInterfaceDefineXML" fn define_xml(xml: &'a str, flags: u32) -> InterfaceRef;
        /// Removes a configuration.
        "virInterfaceUndefine" fn undefine(interface: &'a InterfaceRef) -> ();
        /// Brings it up.
        "virInterfaceCreate" fn create(interface: &'a InterfaceRef, flags: u32) -> ();
        /// Takes it down.
        "virInterfaceDestroy" fn destroy(interface: &'a InterfaceRef, flags: u32) -> ();
        /// Whether it is up.
        "virInterfaceIsActive" fn is_active(interface: &'a InterfaceRef) -> bool;
        /// Remembers the configuration of all interfaces, for a way back.
        "virInterfaceChangeBegin" fn change_begin(flags: u32) -> ();
        /// Keeps what was changed since.
        "virInterfaceChangeCommit" fn change_commit(flags: u32) -> ();
        /// Goes back to what was remembered.
        "virInterfaceChangeRollback" fn change_rollback(flags: u32) -> ();
    }
}
