//! Devices of the host.

use virt_driver::{BoxFuture, NodeDeviceEvent, ObjectEventFilter, Subscription};
use virt_proto::remote::*;
use virt_types::Result;

use super::listing::{count, names};
use super::macros::binding;

/// The most names that an older call can give (`REMOTE_NODE_DEVICE_LIST_MAX`).
const ALL: i32 = 65_536;

binding! {
    /// Devices of the host.
    node_devices: NodeDevices;
    both {
        [list] ConnectListAllNodeDevices = list(flags: u32) -> Vec<String> as devices;
        NodeDeviceLookupByName = lookup_by_name(name: &'a str) -> String as dev;
        NodeDeviceLookupScsiHostByWwn = lookup_scsi_host_by_wwn(wwnn: &'a str, wwpn: &'a str, flags: u32) -> String as dev;
        NodeDeviceGetXmlDesc = xml_desc(name: &'a str, flags: u32) -> String as xml;
        NodeDeviceGetParent = parent(name: &'a str) -> Option<String> as parent_name;
        NodeDeviceDetachFlags = detach(name: &'a str, driver_name: Option<&'a str>, flags: u32);
        NodeDeviceReAttach = reattach(name: &'a str);
        NodeDeviceReset = reset(name: &'a str);
        NodeDeviceCreateXml = create_xml(xml_desc: &'a str, flags: u32) -> String as dev;
        NodeDeviceDestroy = destroy(name: &'a str);
        NodeDeviceDefineXml = define_xml(xml_desc: &'a str, flags: u32) -> String as dev;
        NodeDeviceUndefine = undefine(name: &'a str, flags: u32);
        NodeDeviceCreate = create(name: &'a str, flags: u32);
        NodeDeviceUpdate = update(name: &'a str, xml_desc: &'a str, flags: u32);
        NodeDeviceGetAutostart = autostart(name: &'a str) -> bool as autostart;
        NodeDeviceSetAutostart = set_autostart(name: &'a str, autostart: bool);
        NodeDeviceIsPersistent = is_persistent(name: &'a str) -> bool as persistent;
        NodeDeviceIsActive = is_active(name: &'a str) -> bool as active;
    }
    served {
        NodeNumOfDevices(cap: Option<String>, flags: u32) = list_with_capability(cap.as_deref(), flags)
            => |found| Reply { num: count(&found) };
        NodeListDevices(cap: Option<String>, maxnames: i32, flags: u32) = list_with_capability(cap.as_deref(), flags)
            => |found| Reply { names: names(found, maxnames, |name| name) };
        NodeDeviceNumOfCaps(name: String) = capabilities(&name) => |found| Reply { num: count(&found) };
        NodeDeviceListCaps(name: String, maxnames: i32) = capabilities(&name)
            => |found| Reply { names: names(found, maxnames, |name| name) };
        NodeDeviceDettach(name: String) = detach(&name, None, 0) => |()| ();
    }
    by_hand {
        ConnectNodeDeviceEventRegisterAny => super::events::node_devices::register;
        ConnectNodeDeviceEventDeregisterAny => super::events::node_devices::deregister;
    }
    client {
        fn list_with_capability<'a>(&'a self, capability: Option<&'a str>, flags: u32) -> BoxFuture<'a, Result<Vec<String>>> {
            let args = NodeListDevicesArgs { cap: capability.map(str::to_owned), maxnames: ALL, flags };
            Box::pin(async move { Ok(self.call::<NodeListDevices>(args).await?.names) })
        }

        fn capabilities<'a>(&'a self, device: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
            let args = NodeDeviceListCapsArgs { name: device.to_owned(), maxnames: ALL };
            Box::pin(async move { Ok(self.call::<NodeDeviceListCaps>(args).await?.names) })
        }

        fn subscribe<'a>(
            &'a self,
            filter: ObjectEventFilter<String>,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<NodeDeviceEvent>>> {
            Box::pin(self.subscribe_node_devices(filter, capacity))
        }
    }
}
