//! Calls on the kinds of objects beside domains.

use virt_types::Uuid;

use crate::contract::contract;

/// How a caller names an object that has an identity: a network, a pool, a secret or a filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The identity.
    pub uuid: Uuid,
    /// The name; for a secret its usage.
    pub name: String,
}

/// How a caller names a volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeRef {
    /// The pool.
    pub pool: String,
    /// The name in the pool.
    pub name: String,
    /// The key, which is unique on the host.
    pub key: String,
}

/// Bits of a listing's filter, as the call of that kind of object defines them.
pub type ObjectFilter = u32;

contract! {
    /// Virtual networks.
    pub trait Networks {
        /// The networks that match.
        "virConnectListAllNetworks" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// The network with this identity.
        "virNetworkLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> ObjectRef;
        /// The network with this name.
        "virNetworkLookupByName" fn lookup_by_name(name: &'a str) -> ObjectRef;
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
        /// Its configuration.
        "virNetworkGetXMLDesc" fn xml_desc(network: &'a ObjectRef, flags: u32) -> String;
        /// Whether it runs.
        "virNetworkIsActive" fn is_active(network: &'a ObjectRef) -> bool;
    }
}

contract! {
    /// Storage pools and their volumes.
    pub trait StoragePools {
        /// The pools that match.
        "virConnectListAllStoragePools" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// The pool with this identity.
        "virStoragePoolLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> ObjectRef;
        /// The pool with this name.
        "virStoragePoolLookupByName" fn lookup_by_name(name: &'a str) -> ObjectRef;
        /// Defines a persistent pool.
        "virStoragePoolDefineXML" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Its configuration.
        "virStoragePoolGetXMLDesc" fn xml_desc(pool: &'a ObjectRef, flags: u32) -> String;
        /// The volumes of a pool.
        "virStoragePoolListAllVolumes" fn volumes(pool: &'a ObjectRef, flags: u32) -> Vec<VolumeRef>;
        /// A volume's configuration.
        "virStorageVolGetXMLDesc" fn volume_xml_desc(volume: &'a VolumeRef, flags: u32) -> String;
    }
}

contract! {
    /// Devices of the host, named as `virsh nodedev-list` names them.
    pub trait NodeDevices {
        /// The devices that match.
        "virConnectListAllNodeDevices" fn list(flags: ObjectFilter) -> Vec<String>;
        /// Its description.
        "virNodeDeviceGetXMLDesc" fn xml_desc(device: &'a str, flags: u32) -> String;
    }
}

contract! {
    /// Secrets.
    pub trait Secrets {
        /// The secrets that match.
        "virConnectListAllSecrets" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// Defines a secret.
        "virSecretDefineXML" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Removes a secret.
        "virSecretUndefine" fn undefine(secret: &'a ObjectRef) -> ();
        /// Its description.
        "virSecretGetXMLDesc" fn xml_desc(secret: &'a ObjectRef, flags: u32) -> String;
        /// Its value.
        "virSecretGetValue" fn value(secret: &'a ObjectRef, flags: u32) -> Vec<u8>;
        /// Sets its value.
        "virSecretSetValue" fn set_value(secret: &'a ObjectRef, value: &'a [u8], flags: u32) -> ();
    }
}

contract! {
    /// Network filters.
    pub trait NwFilters {
        /// Every filter.
        "virConnectListAllNWFilters" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// Defines a filter.
        "virNWFilterDefineXML" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Removes a filter.
        "virNWFilterUndefine" fn undefine(filter: &'a ObjectRef) -> ();
        /// Its rules.
        "virNWFilterGetXMLDesc" fn xml_desc(filter: &'a ObjectRef, flags: u32) -> String;
    }
}

contract! {
    /// Network interfaces of the host, by name.
    pub trait Interfaces {
        /// The interfaces that match.
        "virConnectListAllInterfaces" fn list(flags: ObjectFilter) -> Vec<String>;
        /// Its configuration.
        "virInterfaceGetXMLDesc" fn xml_desc(interface: &'a str, flags: u32) -> String;
        /// Whether it is up.
        "virInterfaceIsActive" fn is_active(interface: &'a str) -> bool;
    }
}
