//! Virtual networks.

use virt_driver::{
    BoxFuture, DhcpLease, MetadataKind, NetworkEvent, NetworkPortRef, ObjectEventFilter, ObjectRef,
    Subscription,
};
use virt_proto::remote::*;
use virt_types::{Result, TypedParams, Uuid};

use super::listing::{ACTIVE, INACTIVE, count, names};
use super::macros::binding;

binding! {
    /// Virtual networks and their ports.
    networks: Networks;
    both {
        [list] ConnectListAllNetworks = list(flags: u32) -> Vec<ObjectRef> as nets;
        NetworkLookupByUuid = lookup_by_uuid(uuid: Uuid) -> ObjectRef as net;
        NetworkLookupByName = lookup_by_name(name: &'a str) -> ObjectRef as net;
        NetworkDefineXmlFlags = define_xml(xml: &'a str, flags: u32) -> ObjectRef as net;
        NetworkCreateXmlFlags = create_xml(xml: &'a str, flags: u32) -> ObjectRef as net;
        NetworkUndefine = undefine(net: &'a ObjectRef);
        NetworkCreate = create(net: &'a ObjectRef);
        NetworkDestroy = destroy(net: &'a ObjectRef);
        NetworkGetXmlDesc = xml_desc(net: &'a ObjectRef, flags: u32) -> String as xml;
        NetworkGetBridgeName = bridge_name(net: &'a ObjectRef) -> String as name;
        NetworkIsActive = is_active(net: &'a ObjectRef) -> bool as active;
        NetworkIsPersistent = is_persistent(net: &'a ObjectRef) -> bool as persistent;
        NetworkGetAutostart = autostart(net: &'a ObjectRef) -> bool as autostart;
        NetworkSetAutostart = set_autostart(net: &'a ObjectRef, autostart: bool);
        NetworkUpdate = update(
            net: &'a ObjectRef, command: u32, section: u32, parent_index: i32, xml: &'a str, flags: u32,
        );
        [list] NetworkGetDhcpLeases = dhcp_leases(net: &'a ObjectRef, mac: Option<&'a str>, flags: u32) -> Vec<DhcpLease> as leases;
        NetworkGetMetadata = metadata(network: &'a ObjectRef, kind: MetadataKind, uri: Option<&'a str>, flags: u32)
            -> String as metadata;
        NetworkSetMetadata = set_metadata(
            network: &'a ObjectRef, kind: MetadataKind, metadata: Option<&'a str>, key: Option<&'a str>, uri: Option<&'a str>,
            flags: u32,
        );
        [list] NetworkListAllPorts = ports(network: &'a ObjectRef, flags: u32) -> Vec<NetworkPortRef> as ports;
        NetworkPortLookupByUuid = port_by_uuid(network: &'a ObjectRef, uuid: Uuid) -> NetworkPortRef as port;
        NetworkPortCreateXml = create_port(network: &'a ObjectRef, xml: &'a str, flags: u32) -> NetworkPortRef as port;
        NetworkPortGetXmlDesc = port_xml_desc(port: &'a NetworkPortRef, flags: u32) -> String as xml;
        [figures] NetworkPortGetParameters = port_parameters(port: &'a NetworkPortRef, flags: u32) -> TypedParams as params;
        NetworkPortSetParameters = set_port_parameters(port: &'a NetworkPortRef, params: &'a TypedParams, flags: u32);
        NetworkPortDelete = delete_port(port: &'a NetworkPortRef, flags: u32);
    }
    served {
        ConnectNumOfNetworks() = list(ACTIVE) => |found| Reply { num: count(&found) };
        ConnectListNetworks(maxnames: i32) = list(ACTIVE)
            => |found| Reply { names: names(found, maxnames, |network| network.name) };
        ConnectNumOfDefinedNetworks() = list(INACTIVE) => |found| Reply { num: count(&found) };
        ConnectListDefinedNetworks(maxnames: i32) = list(INACTIVE)
            => |found| Reply { names: names(found, maxnames, |network| network.name) };
        NetworkDefineXml(xml: String) = define_xml(&xml, 0) => |network| Reply { net: network.to_wire() };
        NetworkCreateXml(xml: String) = create_xml(&xml, 0) => |network| Reply { net: network.to_wire() };
    }
    by_hand {
        ConnectNetworkEventRegisterAny => super::events::networks::register;
        ConnectNetworkEventDeregisterAny => super::events::networks::deregister;
    }
    client {
        fn subscribe<'a>(
            &'a self,
            filter: ObjectEventFilter<Uuid>,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<NetworkEvent>>> {
            Box::pin(self.subscribe_networks(filter, capacity))
        }
    }
}
