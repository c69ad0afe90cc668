// tidy: table
//! Devices of the host.

use crate::remote::{NODE_DEVICE_CAPS_LIST_MAX, NODE_DEVICE_LIST_MAX, NodeDevice, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// How many host devices of a capability there are.
    111 NodeNumOfDevices "virNodeNumOfDevices" {
        args NodeNumOfDevicesArgs { cap: Option<String>, flags: u32 }
        reply NodeNumOfDevicesRet { num: i32 }
        priority High
        access [Connect.search_node_devices]
        filter NodeDevice.getattr
        since "<=1.2.7"
    }

    /// Names of the host devices of a capability.
    112 NodeListDevices "virNodeListDevices" {
        args NodeListDevicesArgs { cap: Option<String>, maxnames: i32, flags: u32 }
        reply NodeListDevicesRet { names: Vec<String>[NODE_DEVICE_LIST_MAX] }
        priority High
        access [Connect.search_node_devices]
        filter NodeDevice.getattr
        since "<=1.2.7"
    }

    /// Finds a host device by its name.
    113 NodeDeviceLookupByName "virNodeDeviceLookupByName" {
        args NodeDeviceLookupByNameArgs { name: String }
        reply NodeDeviceLookupByNameRet { dev: NodeDevice }
        priority High
        access [NodeDevice.getattr]
        since "<=1.2.7"
    }

    /// The host device's document.
    114 NodeDeviceGetXmlDesc "virNodeDeviceGetXMLDesc" {
        args NodeDeviceGetXmlDescArgs { name: String, flags: u32 }
        reply NodeDeviceGetXmlDescRet { xml: String }
        access [NodeDevice.read]
        since "<=1.2.7"
    }

    /// Name of the device that a host device belongs to.
    115 NodeDeviceGetParent "virNodeDeviceGetParent" {
        args NodeDeviceGetParentArgs { name: String }
        reply NodeDeviceGetParentRet { parent_name: Option<String> }
        priority High
        access [NodeDevice.read]
        since "<=1.2.7"
    }

    /// How many capabilities a host device has.
    116 NodeDeviceNumOfCaps "virNodeDeviceNumOfCaps" {
        args NodeDeviceNumOfCapsArgs { name: String }
        reply NodeDeviceNumOfCapsRet { num: i32 }
        priority High
        access [NodeDevice.read]
        since "<=1.2.7"
    }

    /// Names of the capabilities of a host device.
    117 NodeDeviceListCaps "virNodeDeviceListCaps" {
        args NodeDeviceListCapsArgs { name: String, maxnames: i32 }
        reply NodeDeviceListCapsRet { names: Vec<String>[NODE_DEVICE_CAPS_LIST_MAX] }
        priority High
        access [NodeDevice.read]
        since "<=1.2.7"
    }

    /// Takes a host device from its driver, for guests.
    118 NodeDeviceDettach "virNodeDeviceDettach" {
        args NodeDeviceDettachArgs { name: String }
        access [NodeDevice.detach]
        since "<=1.2.7"
    }

    /// Gives a host device back to its driver.
    119 NodeDeviceReAttach "virNodeDeviceReAttach" {
        args NodeDeviceReAttachArgs { name: String }
        access [NodeDevice.detach]
        since "<=1.2.7"
    }

    /// Resets a host device.
    120 NodeDeviceReset "virNodeDeviceReset" {
        args NodeDeviceResetArgs { name: String }
        access [NodeDevice.detach]
        since "<=1.2.7"
    }

    /// Makes a virtual host device, without defining it.
    123 NodeDeviceCreateXml "virNodeDeviceCreateXML" {
        args NodeDeviceCreateXmlArgs { xml_desc: String, flags: u32 }
        reply NodeDeviceCreateXmlRet { dev: NodeDevice }
        access [NodeDevice.write, NodeDevice.start]
        since "<=1.2.7"
    }

    /// Removes a virtual host device.
    124 NodeDeviceDestroy "virNodeDeviceDestroy" {
        args NodeDeviceDestroyArgs { name: String }
        priority High
        access [NodeDevice.stop]
        since "<=1.2.7"
    }

    /// The host devices that the flags select, or how many there are.
    285 ConnectListAllNodeDevices "virConnectListAllNodeDevices" {
        args ConnectListAllNodeDevicesArgs { need_results: i32, flags: u32 }
        reply ConnectListAllNodeDevicesRet { devices: Vec<NodeDevice>[NODE_DEVICE_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_node_devices]
        filter NodeDevice.getattr
        since "<=1.2.7"
    }

    /// Finds a Fibre Channel host by its world wide names.
    297 NodeDeviceLookupScsiHostByWwn "virNodeDeviceLookupSCSIHostByWWN" {
        args NodeDeviceLookupScsiHostByWwnArgs { wwnn: String, wwpn: String, flags: u32 }
        reply NodeDeviceLookupScsiHostByWwnRet { dev: NodeDevice }
        priority High
        access [NodeDevice.getattr]
        since "<=1.2.7"
    }

    /// Takes a host device from its driver and gives it to a named one.
    301 NodeDeviceDetachFlags "virNodeDeviceDetachFlags" {
        args NodeDeviceDetachFlagsArgs { name: String, driver_name: Option<String>, flags: u32 }
        access [NodeDevice.detach]
        since "<=1.2.7"
    }

    /// Defines a mediated device.
    428 NodeDeviceDefineXml "virNodeDeviceDefineXML" {
        args NodeDeviceDefineXmlArgs { xml_desc: String, flags: u32 }
        reply NodeDeviceDefineXmlRet { dev: NodeDevice }
        access [NodeDevice.write, NodeDevice.save]
        since "9.0.0"
    }

    /// Removes a mediated device's definition.
    429 NodeDeviceUndefine "virNodeDeviceUndefine" {
        args NodeDeviceUndefineArgs { name: String, flags: u32 }
        priority High
        access [NodeDevice.delete]
        since "9.0.0"
    }

    /// Starts a defined mediated device.
    430 NodeDeviceCreate "virNodeDeviceCreate" {
        args NodeDeviceCreateArgs { name: String, flags: u32 }
        priority High
        access [NodeDevice.start]
        since "9.0.0"
    }

    /// Whether the mediated device is started with its parent.
    433 NodeDeviceGetAutostart "virNodeDeviceGetAutostart" {
        args NodeDeviceGetAutostartArgs { name: String }
        reply NodeDeviceGetAutostartRet { autostart: i32 }
        priority High
        access [NodeDevice.read]
        since "9.0.0"
    }

    /// Sets whether the mediated device is started with its parent.
    434 NodeDeviceSetAutostart "virNodeDeviceSetAutostart" {
        args NodeDeviceSetAutostartArgs { name: String, autostart: i32 }
        priority High
        access [NodeDevice.write]
        since "9.0.0"
    }

    /// Whether the host device is defined.
    435 NodeDeviceIsPersistent "virNodeDeviceIsPersistent" {
        args NodeDeviceIsPersistentArgs { name: String }
        reply NodeDeviceIsPersistentRet { persistent: i32 }
        priority High
        access [NodeDevice.read]
        since "9.0.0"
    }

    /// Whether the host device is there.
    436 NodeDeviceIsActive "virNodeDeviceIsActive" {
        args NodeDeviceIsActiveArgs { name: String }
        reply NodeDeviceIsActiveRet { active: i32 }
        priority High
        access [NodeDevice.read]
        since "9.0.0"
    }

    /// Changes a mediated device, its definition, or both.
    447 NodeDeviceUpdate "virNodeDeviceUpdate" {
        args NodeDeviceUpdateArgs { name: String, xml_desc: String, flags: u32 }
        priority High
        access [
            NodeDevice.write,
            NodeDevice.save unless NODE_DEVICE_CONFIG_OR_LIVE,
            NodeDevice.save if NODE_DEVICE_CONFIG,
        ]
        since "11.3.0"
    }
}
