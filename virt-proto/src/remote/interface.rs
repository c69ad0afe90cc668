// tidy: table
//! The host's network interfaces.

use crate::remote::{INTERFACE_LIST_MAX, Interface, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// How many host interfaces are active.
    126 ConnectNumOfInterfaces "virConnectNumOfInterfaces" {
        reply ConnectNumOfInterfacesRet { num: i32 }
        priority High
        access [Connect.search_interfaces]
        filter Interface.getattr
        since "<=1.2.7"
    }

    /// Names of the active host interfaces.
    127 ConnectListInterfaces "virConnectListInterfaces" {
        args ConnectListInterfacesArgs { maxnames: i32 }
        reply ConnectListInterfacesRet { names: Vec<String>[INTERFACE_LIST_MAX] }
        priority High
        access [Connect.search_interfaces]
        filter Interface.getattr
        since "<=1.2.7"
    }

    /// Finds a host interface by its name.
    128 InterfaceLookupByName "virInterfaceLookupByName" {
        args InterfaceLookupByNameArgs { name: String }
        reply InterfaceLookupByNameRet { iface: Interface }
        priority High
        access [Interface.getattr]
        since "<=1.2.7"
    }

    /// Finds a host interface by its address.
    129 InterfaceLookupByMacString "virInterfaceLookupByMACString" {
        args InterfaceLookupByMacStringArgs { mac: String }
        reply InterfaceLookupByMacStringRet { iface: Interface }
        priority High
        access [Interface.getattr]
        since "<=1.2.7"
    }

    /// The host interface's document.
    130 InterfaceGetXmlDesc "virInterfaceGetXMLDesc" {
        args InterfaceGetXmlDescArgs { iface: Interface, flags: u32 }
        reply InterfaceGetXmlDescRet { xml: String }
        access [Interface.read]
        since "<=1.2.7"
    }

    /// Defines a host interface, or changes its definition.
    131 InterfaceDefineXml "virInterfaceDefineXML" {
        args InterfaceDefineXmlArgs { xml: String, flags: u32 }
        reply InterfaceDefineXmlRet { iface: Interface }
        priority High
        access [Interface.write, Interface.save]
        since "<=1.2.7"
    }

    /// Removes a host interface's definition.
    132 InterfaceUndefine "virInterfaceUndefine" {
        args InterfaceUndefineArgs { iface: Interface }
        priority High
        access [Interface.delete]
        since "<=1.2.7"
    }

    /// Brings a host interface up.
    133 InterfaceCreate "virInterfaceCreate" {
        args InterfaceCreateArgs { iface: Interface, flags: u32 }
        access [Interface.start]
        since "<=1.2.7"
    }

    /// Takes a host interface down.
    134 InterfaceDestroy "virInterfaceDestroy" {
        args InterfaceDestroyArgs { iface: Interface, flags: u32 }
        priority High
        access [Interface.stop]
        since "<=1.2.7"
    }

    /// How many host interfaces are defined and not active.
    137 ConnectNumOfDefinedInterfaces "virConnectNumOfDefinedInterfaces" {
        reply ConnectNumOfDefinedInterfacesRet { num: i32 }
        priority High
        access [Connect.search_interfaces]
        filter Interface.getattr
        since "<=1.2.7"
    }

    /// Names of the host interfaces that are defined and not active.
    138 ConnectListDefinedInterfaces "virConnectListDefinedInterfaces" {
        args ConnectListDefinedInterfacesArgs { maxnames: i32 }
        reply ConnectListDefinedInterfacesRet { names: Vec<String>[INTERFACE_LIST_MAX] }
        priority High
        access [Connect.search_interfaces]
        filter Interface.getattr
        since "<=1.2.7"
    }

    /// Whether the host interface is up.
    156 InterfaceIsActive "virInterfaceIsActive" {
        args InterfaceIsActiveArgs { iface: Interface }
        reply InterfaceIsActiveRet { active: i32 }
        priority High
        access [Interface.read]
        since "<=1.2.7"
    }

    /// Keeps the host's network configuration, to be able to return to it.
    220 InterfaceChangeBegin "virInterfaceChangeBegin" {
        args InterfaceChangeBeginArgs { flags: u32 }
        access [Connect.interface_transaction]
        since "<=1.2.7"
    }

    /// Forgets the configuration that was kept.
    221 InterfaceChangeCommit "virInterfaceChangeCommit" {
        args InterfaceChangeCommitArgs { flags: u32 }
        access [Connect.interface_transaction]
        since "<=1.2.7"
    }

    /// Returns to the configuration that was kept.
    222 InterfaceChangeRollback "virInterfaceChangeRollback" {
        args InterfaceChangeRollbackArgs { flags: u32 }
        access [Connect.interface_transaction]
        since "<=1.2.7"
    }

    /// The host interfaces that the flags select, or how many there are.
    284 ConnectListAllInterfaces "virConnectListAllInterfaces" {
        args ConnectListAllInterfacesArgs { need_results: i32, flags: u32 }
        reply ConnectListAllInterfacesRet { ifaces: Vec<Interface>[INTERFACE_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_interfaces]
        filter Interface.getattr
        since "<=1.2.7"
    }
}
