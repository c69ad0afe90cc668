//! Calls on the devices of the host.

use crate::contract::contract;
use crate::{ObjectEventFilter, ObjectFilter, Subscription};

/// Something that happened to a device of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDeviceEvent {
    /// The device's name.
    pub device: String,
    /// What happened.
    pub kind: NodeDeviceEventKind,
}

/// What happened to a device (`virNodeDeviceEventID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeDeviceEventKind {
    /// 0 created, 1 deleted, 2 defined, 3 undefined (`virNodeDeviceEventLifecycleType`).
    Lifecycle(i32),
    /// Its description changed.
    Update,
}

impl NodeDeviceEventKind {
    /// The kind under which clients register for it (`virNodeDeviceEventID`).
    #[must_use]
    pub const fn id(self) -> i32 {
        match self {
            Self::Lifecycle(_) => 0,
            Self::Update => 1,
        }
    }
}

contract! {
    /// Devices of the host, named as `virsh nodedev-list` names them.
    pub trait NodeDevices {
        /// The devices that match (`virConnectListAllNodeDeviceFlags`).
        "virConnectListAllNodeDevices" fn list(flags: ObjectFilter) -> Vec<String>;
        /// The devices that can do this, all without a word; `virNodeNumOfDevices` is answered from it.
        "virNodeListDevices" fn list_with_capability(capability: Option<&'a str>, flags: u32) -> Vec<String>;
        /// The device with this name.
        "virNodeDeviceLookupByName" fn lookup_by_name(name: &'a str) -> String;
        /// The SCSI host with these world wide names.
        "virNodeDeviceLookupSCSIHostByWWN" fn lookup_scsi_host_by_wwn(wwnn: &'a str, wwpn: &'a str, flags: u32) -> String;
        /// Events from now on; at most `capacity` are kept for a slow reader.
        "virConnectNodeDeviceEventRegisterAny" fn subscribe(
            filter: ObjectEventFilter<String>, capacity: usize,
        ) -> Subscription<NodeDeviceEvent>;
        /// Its description.
        "virNodeDeviceGetXMLDesc" fn xml_desc(device: &'a str, flags: u32) -> String;
        /// The device that it belongs to.
        "virNodeDeviceGetParent" fn parent(device: &'a str) -> Option<String>;
        /// What it can do.
        "virNodeDeviceListCaps" fn capabilities(device: &'a str) -> Vec<String>;
        /// Takes it from its driver, for a guest; with another driver than the usual one if one is named.
        "virNodeDeviceDetachFlags" fn detach(device: &'a str, driver: Option<&'a str>, flags: u32) -> ();
        /// Gives it back to its driver.
        "virNodeDeviceReAttach" fn reattach(device: &'a str) -> ();
        /// Resets it.
        "virNodeDeviceReset" fn reset(device: &'a str) -> ();
        /// Makes a device until the host reboots.
        "virNodeDeviceCreateXML" fn create_xml(xml: &'a str, flags: u32) -> String;
        /// Removes a device that was made.
        "virNodeDeviceDestroy" fn destroy(device: &'a str) -> ();
        /// Defines a device that outlives a reboot.
        "virNodeDeviceDefineXML" fn define_xml(xml: &'a str, flags: u32) -> String;
        /// Removes a configuration.
        "virNodeDeviceUndefine" fn undefine(device: &'a str, flags: u32) -> ();
        /// Makes a device from its configuration.
        "virNodeDeviceCreate" fn create(device: &'a str, flags: u32) -> ();
        /// Changes a device.
        "virNodeDeviceUpdate" fn update(device: &'a str, xml: &'a str, flags: u32) -> ();
        /// Whether it is made when the host boots.
        "virNodeDeviceGetAutostart" fn autostart(device: &'a str) -> bool;
        /// Makes it come when the host boots, or not.
        "virNodeDeviceSetAutostart" fn set_autostart(device: &'a str, autostart: bool) -> ();
        /// Whether it has a configuration that outlives it.
        "virNodeDeviceIsPersistent" fn is_persistent(device: &'a str) -> bool;
        /// Whether it is there.
        "virNodeDeviceIsActive" fn is_active(device: &'a str) -> bool;
    }
}
