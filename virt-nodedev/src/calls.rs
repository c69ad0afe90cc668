//! The calls of the contract. What would change a device answers `VIR_ERR_NO_SUPPORT`, or libvirt's refusal where it
//! makes no sense.

use virt_conf::nodedev::{Capability, CapabilityType, NodeDevice, Origin};
use virt_driver::flags::check_bits;
use virt_driver::{BoxFuture, NodeDeviceEvent, NodeDevices, ObjectEventFilter, Subscription};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use crate::describe::COMPUTER;
use crate::driver::{HostDevices, check_pci, find};
use crate::error::refuse;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// `VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE` and `…_ACTIVE`, behind a bit for each type.
const INACTIVE: u32 = 1 << 30;
const ACTIVE: u32 = 1 << 31;

fn check(flags: u32, known: u32, function: &str) -> Result<()> {
    check_bits(flags, known, ErrorDomain::Nodedev, function)
}

fn kinds(device: &NodeDevice) -> impl Iterator<Item = CapabilityType> {
    device.capabilities.iter().flat_map(Capability::listed_as)
}

/// Whether a device has one of the types that the flags choose, by a bit for each. All devices are there.
fn matches(device: &NodeDevice, flags: u32) -> bool {
    let types = flags & !(ACTIVE | INACTIVE);
    let bit = |kind| CapabilityType::SPELLINGS.iter().position(|(known, _)| *known == kind);
    let of_type = types == 0 || kinds(device).filter_map(bit).any(|bit| types & 1 << bit != 0);
    let states = flags & (ACTIVE | INACTIVE);
    of_type && (states == 0 || states & ACTIVE != 0)
}

fn unsupported() -> Error {
    refuse(ErrorCode::ConfigUnsupported, "Unsupported device type")
}

/// Whether it can be made from its document at all: only mediated devices and virtual Fibre Channel hosts can.
fn is_mdev(device: &NodeDevice) -> bool {
    device.capabilities.iter().any(|capability| matches!(capability, Capability::Mdev(_)))
}

impl HostDevices {
    async fn check_new(&self, xml: &str, call: &str) -> Result<String> {
        let device = NodeDevice::parse(xml, Origin::New)?;
        if !is_mdev(&device) {
            return Err(unsupported());
        }
        let unsupported = |detail: String| refuse(ErrorCode::ConfigUnsupported, detail);
        let parent = device.parent.ok_or_else(|| unsupported("missing parent device".to_owned()))?;
        if !self.devices().await?.contains_key(&parent) {
            return Err(unsupported(format!("invalid parent device '{parent}'")));
        }
        Err(Error::no_support(call))
    }

    /// Refuses to undo what nobody made.
    async fn check_made(&self, name: &str, call: &str) -> Result<()> {
        let devices = self.devices().await?;
        let device = find(&devices, name)?;
        Err(if is_mdev(device) { Error::no_support(call) } else { unsupported() })
    }

    async fn check_pci(&self, name: &str, call: &str) -> Result<()> {
        check_pci(find(&*self.devices().await?, name)?)?;
        Err(Error::no_support(call))
    }
}

impl NodeDevices for HostDevices {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let types = (1 << CapabilityType::SPELLINGS.len()) - 1;
            check(flags, types | ACTIVE | INACTIVE, "nodeConnectListAllNodeDevices")?;
            let devices = self.devices().await?;
            Ok(devices.values().filter(|device| matches(device, flags)).map(|d| d.name.clone()).collect())
        })
    }

    fn list_with_capability<'a>(
        &'a self,
        capability: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            check(flags, 0, "nodeListDevices")?;
            let devices = self.devices().await?;
            let has = |device: &&std::sync::Arc<NodeDevice>| {
                capability.is_none_or(|name| kinds(device).any(|kind| kind.text() == name))
            };
            Ok(devices.values().filter(has).map(|device| device.name.clone()).collect())
        })
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, String> {
        Box::pin(async move { Ok(find(&*self.devices().await?, name)?.name.clone()) })
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<String>,
        capacity: usize,
    ) -> Answer<'a, Subscription<NodeDeviceEvent>> {
        Box::pin(async move {
            // Whoever wants events wants those of changes, not of the first look.
            self.devices().await?;
            Ok(self.add_subscriber(filter, capacity))
        })
    }

    fn xml_desc<'a>(&'a self, device: &'a str, flags: u32) -> Answer<'a, String> {
        Box::pin(async move {
            check(flags, 0, "nodeDeviceGetXMLDesc")?;
            Ok(find(&*self.devices().await?, device)?.format())
        })
    }

    fn parent<'a>(&'a self, device: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let parent = find(&*self.devices().await?, device)?.parent.clone();
            let alone = || refuse(ErrorCode::InternalError, "no parent for this device");
            parent.map(Some).ok_or_else(alone)
        })
    }

    fn capabilities<'a>(&'a self, device: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            Ok(kinds(find(&*self.devices().await?, device)?).map(|kind| kind.to_string()).collect())
        })
    }

    fn detach<'a>(&'a self, device: &'a str, _: Option<&'a str>, _: u32) -> Answer<'a, ()> {
        Box::pin(self.check_pci(device, "virNodeDeviceDetachFlags"))
    }

    fn reattach<'a>(&'a self, device: &'a str) -> Answer<'a, ()> {
        Box::pin(self.check_pci(device, "virNodeDeviceReAttach"))
    }

    fn reset<'a>(&'a self, device: &'a str) -> Answer<'a, ()> {
        Box::pin(self.check_pci(device, "virNodeDeviceReset"))
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, String> {
        Box::pin(async move {
            check(flags, 1, "nodeDeviceCreateXML")?;
            self.check_new(xml, "virNodeDeviceCreateXML").await
        })
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, String> {
        Box::pin(async move {
            check(flags, 1, "nodeDeviceDefineXML")?;
            self.check_new(xml, "virNodeDeviceDefineXML").await
        })
    }

    fn destroy<'a>(&'a self, device: &'a str) -> Answer<'a, ()> {
        Box::pin(self.check_made(device, "virNodeDeviceDestroy"))
    }

    fn undefine<'a>(&'a self, device: &'a str, flags: u32) -> Answer<'a, ()> {
        Box::pin(async move {
            check(flags, 0, "nodeDeviceUndefine")?;
            self.check_made(device, "virNodeDeviceUndefine").await
        })
    }

    fn create<'a>(&'a self, device: &'a str, flags: u32) -> Answer<'a, ()> {
        Box::pin(async move {
            check(flags, 0, "nodeDeviceCreate")?;
            find(&*self.devices().await?, device)?;
            Err(refuse(ErrorCode::OperationInvalid, "Device is already active"))
        })
    }

    fn autostart<'a>(&'a self, device: &'a str) -> Answer<'a, bool> {
        self.is_persistent(device)
    }

    fn set_autostart<'a>(&'a self, device: &'a str, _: bool) -> Answer<'a, ()> {
        Box::pin(async move {
            find(&*self.devices().await?, device)?;
            Err(refuse(ErrorCode::OperationUnsupported, "Unsupported device type"))
        })
    }

    fn is_persistent<'a>(&'a self, device: &'a str) -> Answer<'a, bool> {
        // The host is always there; of others nothing is kept.
        Box::pin(async move { Ok(find(&*self.devices().await?, device)?.name == COMPUTER) })
    }

    fn is_active<'a>(&'a self, device: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { find(&*self.devices().await?, device).map(|_| true) })
    }
}
