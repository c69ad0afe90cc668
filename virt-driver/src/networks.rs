//! Calls on virtual networks and their ports.

use virt_types::{TypedParams, Uuid};

use crate::contract::contract;
use crate::{MetadataKind, ObjectEventFilter, ObjectFilter, ObjectRef, Subscription};

/// How a caller names a port of a network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkPortRef {
    /// The network.
    pub network: ObjectRef,
    /// The identity of the port.
    pub uuid: Uuid,
}

/// An address that a network's DHCP server gave away (`virNetworkDHCPLease`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpLease {
    /// The bridge.
    pub interface: String,
    /// When it ends, in seconds since 1970.
    pub expiry: i64,
    /// 0 IPv4, 1 IPv6.
    pub family: i32,
    /// The interface's address.
    pub mac: Option<String>,
    /// The identity association of IPv6.
    pub iaid: Option<String>,
    /// The address.
    pub address: String,
    /// Bits of the network in it.
    pub prefix: u32,
    /// The host name that goes with it.
    pub hostname: Option<String>,
    /// The client's identity.
    pub client_id: Option<String>,
}

/// Something that happened to a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkEvent {
    /// The network.
    pub network: ObjectRef,
    /// What happened.
    pub kind: NetworkEventKind,
}

/// What happened to a network (`virNetworkEventID`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkEventKind {
    /// 0 defined, 1 undefined, 2 started, 3 stopped (`virNetworkEventLifecycleType`).
    Lifecycle(i32),
    /// A title, description or metadata element changed (`virNetworkMetadataType`, and the name space of an element).
    MetadataChange {
        /// Which metadata.
        kind: i32,
        /// The name space of an element.
        uri: Option<String>,
    },
}

impl NetworkEventKind {
    /// The kind under which clients register for it (`virNetworkEventID`).
    #[must_use]
    pub const fn id(&self) -> i32 {
        match self {
            Self::Lifecycle(_) => 0,
            Self::MetadataChange { .. } => 1,
        }
    }
}

contract! {
    /// Virtual networks.
    pub trait Networks {
        /// The networks that match; bit 1 inactive, 2 active, 4 persistent, 8 transient, 16 autostart, 32 not.
        "virConnectListAllNetworks" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// The network with this identity.
        "virNetworkLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> ObjectRef;
        /// The network with this name.
        "virNetworkLookupByName" fn lookup_by_name(name: &'a str) -> ObjectRef;
        /// Events from now on; at most `capacity` are kept for a slow reader.
        "virConnectNetworkEventRegisterAny" fn subscribe(filter: ObjectEventFilter<Uuid>, capacity: usize) -> Subscription<NetworkEvent>;
        /// Defines a persistent network.
        "virNetworkDefineXMLFlags" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Starts a transient network.
        "virNetworkCreateXMLFlags" fn create_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Removes a configuration.
        "virNetworkUndefine" fn undefine(network: &'a ObjectRef) -> ();
        /// Starts a network.
        "virNetworkCreate" fn create(network: &'a ObjectRef) -> ();
        /// Stops a network.
        "virNetworkDestroy" fn destroy(network: &'a ObjectRef) -> ();
        /// Changes a part of it: `command` (`virNetworkUpdateCommand`) says how, `section` (`virNetworkUpdateSection`) which,
        /// `parent_index` of which parent, -1 for the one that fits.
        "virNetworkUpdate" fn update(
            network: &'a ObjectRef, command: u32, section: u32, parent_index: i32, xml: &'a str, flags: u32,
        ) -> ();
        /// Its configuration.
        "virNetworkGetXMLDesc" fn xml_desc(network: &'a ObjectRef, flags: u32) -> String;
        /// The name of its bridge.
        "virNetworkGetBridgeName" fn bridge_name(network: &'a ObjectRef) -> String;
        /// Whether it runs.
        "virNetworkIsActive" fn is_active(network: &'a ObjectRef) -> bool;
        /// Whether it has a configuration that outlives it.
        "virNetworkIsPersistent" fn is_persistent(network: &'a ObjectRef) -> bool;
        /// Whether it starts with the engine.
        "virNetworkGetAutostart" fn autostart(network: &'a ObjectRef) -> bool;
        /// Makes it start with the engine, or not.
        "virNetworkSetAutostart" fn set_autostart(network: &'a ObjectRef, autostart: bool) -> ();
        /// The addresses given away, all or to one interface.
        "virNetworkGetDHCPLeases" fn dhcp_leases(network: &'a ObjectRef, mac: Option<&'a str>, flags: u32) -> Vec<DhcpLease>;
        /// Title, description or the metadata element of a name space.
        "virNetworkGetMetadata" fn metadata(network: &'a ObjectRef, kind: MetadataKind, uri: Option<&'a str>, flags: u32) -> String;
        /// Sets title, description or the metadata element of a name space; without a value it is removed.
        "virNetworkSetMetadata" fn set_metadata(
            network: &'a ObjectRef, kind: MetadataKind, value: Option<&'a str>, key: Option<&'a str>, uri: Option<&'a str>, flags: u32,
        ) -> ();

        /// The ports of a network.
        "virNetworkListAllPorts" fn ports(network: &'a ObjectRef, flags: u32) -> Vec<NetworkPortRef>;
        /// The port with this identity.
        "virNetworkPortLookupByUUID" fn port_by_uuid(network: &'a ObjectRef, uuid: Uuid) -> NetworkPortRef;
        /// Makes a port.
        "virNetworkPortCreateXML" fn create_port(network: &'a ObjectRef, xml: &'a str, flags: u32) -> NetworkPortRef;
        /// A port's configuration.
        "virNetworkPortGetXMLDesc" fn port_xml_desc(port: &'a NetworkPortRef, flags: u32) -> String;
        /// A port's bandwidth.
        "virNetworkPortGetParameters" fn port_parameters(port: &'a NetworkPortRef, flags: u32) -> TypedParams;
        /// Sets a port's bandwidth.
        "virNetworkPortSetParameters" fn set_port_parameters(port: &'a NetworkPortRef, params: &'a TypedParams, flags: u32) -> ();
        /// Removes a port.
        "virNetworkPortDelete" fn delete_port(port: &'a NetworkPortRef, flags: u32) -> ();
    }
}
