//! Network interfaces of the host.

use virt_driver::InterfaceRef;
use virt_proto::remote::*;

use super::listing::{ACTIVE, INACTIVE, count, names};
use super::macros::binding;

binding! {
    /// Network interfaces of the host.
    interfaces: Interfaces;
    both {
        [list] ConnectListAllInterfaces = list(flags: u32) -> Vec<InterfaceRef> as ifaces;
        InterfaceLookupByName = lookup_by_name(name: &'a str) -> InterfaceRef as iface;
        InterfaceLookupByMacString = lookup_by_mac(mac: &'a str) -> InterfaceRef as iface;
        InterfaceGetXmlDesc = xml_desc(iface: &'a InterfaceRef, flags: u32) -> String as xml;
        InterfaceDefineXml = define_xml(xml: &'a str, flags: u32) -> InterfaceRef as iface;
        InterfaceUndefine = undefine(iface: &'a InterfaceRef);
        InterfaceCreate = create(iface: &'a InterfaceRef, flags: u32);
        InterfaceDestroy = destroy(iface: &'a InterfaceRef, flags: u32);
        InterfaceIsActive = is_active(iface: &'a InterfaceRef) -> bool as active;
        InterfaceChangeBegin = change_begin(flags: u32);
        InterfaceChangeCommit = change_commit(flags: u32);
        InterfaceChangeRollback = change_rollback(flags: u32);
    }
    served {
        ConnectNumOfInterfaces() = list(ACTIVE) => |found| Reply { num: count(&found) };
        ConnectListInterfaces(maxnames: i32) = list(ACTIVE)
            => |found| Reply { names: names(found, maxnames, |interface| interface.name) };
        ConnectNumOfDefinedInterfaces() = list(INACTIVE) => |found| Reply { num: count(&found) };
        ConnectListDefinedInterfaces(maxnames: i32) = list(INACTIVE)
            => |found| Reply { names: names(found, maxnames, |interface| interface.name) };
    }
}
