//! Devices of the host, among them virtual Fibre Channel hosts that can be made.

use virt_conf::nodedev::{Capability, CapabilityType, FcHost, NodeDevice, Origin, ScsiHost};
use virt_driver::{NodeDeviceEvent, NodeDeviceEventKind, NodeDevices, ObjectEventFilter, Subscription};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};
use virt_xml::Element;

use crate::connection::{Answer, TestConnection};
use crate::error::{internal, refuse};
use crate::flags::check;
use crate::host::Host;

/// The devices of a host.
#[derive(Debug, Default)]
pub(crate) struct DeviceList(Vec<NodeDevice>);

/// The virtual host that is made, whatever was asked for; and the one that it looks like.
const MADE: &str = "scsi_host12";
const MODEL: &str = "scsi_host11";

/// `virNodeDeviceEventLifecycleType`
const CREATED: i32 = 0;
const DELETED: i32 = 1;

fn refused(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Nodedev, detail)
}

fn missing(name: &str) -> Error {
    refuse(ErrorCode::NoNodeDevice, format!("no node device with matching name '{name}'"))
}

fn scsi_host(device: &NodeDevice) -> Option<&ScsiHost> {
    device.capabilities.iter().find_map(|capability| match capability {
        Capability::ScsiHost(host) => Some(host),
        _ => None,
    })
}

fn fc_host(device: &NodeDevice) -> Option<&FcHost> {
    scsi_host(device)?.fc_host.as_ref()
}

fn has_vports(device: &NodeDevice) -> bool {
    scsi_host(device).is_some_and(|host| host.vport_ops.is_some())
}

/// The types that a device is listed under.
fn kinds(device: &NodeDevice) -> impl Iterator<Item = CapabilityType> {
    device.capabilities.iter().flat_map(Capability::listed_as)
}

/// The names of a device's virtual host: node and port.
fn names(device: &NodeDevice) -> Result<(String, String)> {
    let no =
        |what: &str| refused(format!("no {what} supplied for '{}', and auto-generation failed", device.name));
    let host = fc_host(device).ok_or_else(|| refused("Device is not a fibre channel HBA"))?;
    let wwnn = host.wwnn.clone().ok_or_else(|| no("WWNN"))?;
    Ok((wwnn, host.wwpn.clone().ok_or_else(|| no("WWPN"))?))
}

impl DeviceList {
    fn find(&self, name: &str) -> Result<&NodeDevice> {
        self.0.iter().find(|device| device.name == name).ok_or_else(|| missing(name))
    }

    /// Takes in a device of the host's document.
    pub(crate) fn read(&mut self, el: Element<'_>) -> Result<()> {
        self.put(NodeDevice::parse_element(el, Origin::Existing)?);
        Ok(())
    }

    fn put(&mut self, device: NodeDevice) {
        match self.0.iter_mut().find(|known| known.name == device.name) {
            Some(known) => *known = device,
            None => self.0.push(device),
        }
    }

    /// Refuses a virtual host for which no parent can be found that carries such.
    fn check_parent(&self, device: &NodeDevice) -> Result<()> {
        let not_found = || refused(format!("Could not find parent device for '{}'", device.name));
        let by = |is: &dyn Fn(&FcHost) -> bool| self.0.iter().find(|other| fc_host(other).is_some_and(is));
        let parent = if let Some(name) = &device.parent {
            self.find(name).ok()
        } else if let Some((wwnn, wwpn)) = &device.parent_wwns {
            by(&|host| host.wwnn.as_ref() == Some(wwnn) && host.wwpn.as_ref() == Some(wwpn))
        } else if let Some(fabric) = &device.parent_fabric_wwn {
            by(&|host| host.fabric_wwn.as_ref() == Some(fabric))
        } else {
            let able = self.0.iter().find(|other| has_vports(other));
            return able.map(drop).ok_or_else(|| refused("Could not find any vport capable device"));
        };
        let parent = parent.ok_or_else(not_found)?;
        if has_vports(parent) {
            return Ok(());
        }
        Err(refused(format!("Parent device {} is not capable of vport operations", parent.name)))
    }

    fn with_capability(&self, capability: Option<&str>) -> Vec<String> {
        let has = |device: &&NodeDevice| {
            capability.is_none_or(|name| kinds(device).any(|kind| kind.text() == name))
        };
        self.0.iter().filter(has).map(|device| device.name.clone()).collect()
    }

    /// The devices of the types that the flags choose: a bit for each, in their order.
    fn list(&self, flags: u32) -> Vec<String> {
        let bit =
            |kind: CapabilityType| CapabilityType::SPELLINGS.iter().position(|(known, _)| *known == kind);
        let has = |device: &&NodeDevice| {
            flags == 0 || kinds(device).filter_map(bit).any(|bit| flags & (1 << bit) != 0)
        };
        self.0.iter().filter(has).map(|device| device.name.clone()).collect()
    }
}

impl Host {
    fn tell_device(&mut self, device: &str, step: i32) {
        let event = NodeDeviceEvent { device: device.to_owned(), kind: NodeDeviceEventKind::Lifecycle(step) };
        self.device_events.publish(&event, |filter| filter.wants(&event.device, event.kind.id()));
    }

    /// Makes a virtual host with these names.
    pub(crate) fn make_vport(&mut self, wwnn: &str, wwpn: &str) -> Result<()> {
        let mut device = self.devices.find(MODEL)?.clone();
        device.name = MADE.into();
        for capability in &mut device.capabilities {
            if let Capability::ScsiHost(ScsiHost { fc_host: Some(host), .. }) = capability {
                host.wwnn = Some(wwnn.to_owned());
                host.wwpn = Some(wwpn.to_owned());
            }
        }
        self.devices.put(device);
        self.tell_device(MADE, CREATED);
        Ok(())
    }

    /// Removes the virtual host that was made.
    pub(crate) fn remove_vport(&mut self) -> Result<()> {
        self.devices.find(MADE)?;
        self.remove_device(MADE);
        Ok(())
    }

    fn remove_device(&mut self, name: &str) {
        self.devices.0.retain(|device| device.name != name);
        self.tell_device(name, DELETED);
    }

    fn create_device(&mut self, xml: &str) -> Result<String> {
        let device = NodeDevice::parse(xml, Origin::New)?;
        let (wwnn, wwpn) = names(&device)?;
        self.devices.check_parent(&device)?;
        self.make_vport(&wwnn, &wwpn)?;
        Ok(MADE.to_owned())
    }

    /// Removes a Fibre Channel host; other devices stay, and nobody is told.
    fn destroy_device(&mut self, name: &str) -> Result<()> {
        let device = self.devices.find(name)?;
        if names(device).is_err() {
            return Ok(());
        }
        let parent = device.parent.clone().unwrap_or_default();
        if self.devices.find(&parent).is_err() {
            return Err(internal(format!("cannot find parent '{parent}' definition")));
        }
        self.remove_device(name);
        Ok(())
    }
}

impl NodeDevices for TestConnection {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<String>> {
        self.answer(|host| {
            let known = (1 << CapabilityType::SPELLINGS.len()) - 1;
            check(flags, known, "testConnectListAllNodeDevices")?;
            Ok(host.devices.list(flags))
        })
    }

    fn list_with_capability<'a>(
        &'a self,
        capability: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, Vec<String>> {
        self.answer(|host| {
            check(flags, 0, "testNodeListDevices")?;
            Ok(host.devices.with_capability(capability))
        })
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, String> {
        self.answer(|host| Ok(host.devices.find(name)?.name.clone()))
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<String>,
        capacity: usize,
    ) -> Answer<'a, Subscription<NodeDeviceEvent>> {
        self.answer(|host| Ok(host.device_events.subscribe(filter, capacity)))
    }

    fn xml_desc<'a>(&'a self, device: &'a str, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testNodeDeviceGetXMLDesc")?;
            Ok(host.devices.find(device)?.format())
        })
    }

    fn parent<'a>(&'a self, device: &'a str) -> Answer<'a, Option<String>> {
        self.answer(|host| Ok(host.devices.find(device)?.parent.clone()))
    }

    fn capabilities<'a>(&'a self, device: &'a str) -> Answer<'a, Vec<String>> {
        self.answer(|host| {
            let capabilities = host.devices.find(device)?.capabilities.iter();
            Ok(capabilities.map(|capability| capability.kind().to_string()).collect())
        })
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0x1, "testNodeDeviceCreateXML")?;
            host.create_device(xml)
        })
    }

    fn destroy<'a>(&'a self, device: &'a str) -> Answer<'a, ()> {
        self.answer(|host| host.destroy_device(device))
    }
}
