//! Which disk of the domain the guest means.

use serde_json::Value;
use virt_conf::common::address::Pci;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, Disk, DiskBus};
use virt_qmp::command::Object;
use virt_types::Result;

use super::nonsense;

/// Where the guest's agent says that a disk sits (`GuestDiskAddress`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DiskAddress {
    controller: [u32; 4],
    bus: u32,
    target: u32,
    unit: u32,
    pub(super) serial: Option<String>,
    pub(super) device: Option<String>,
}

impl DiskAddress {
    pub(super) fn read(object: &Object) -> Result<Self> {
        let pci = object.get("pci-controller").and_then(Value::as_object);
        let pci = pci.ok_or_else(|| nonsense("'pci-controller' missing"))?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            controller: [
                number(pci, "domain")?,
                number(pci, "bus")?,
                number(pci, "slot")?,
                number(pci, "function")?,
            ],
            bus: number(object, "bus")?,
            target: number(object, "target")?,
            unit: number(object, "unit")?,
            serial: text("serial"),
            device: text("dev"),
        })
    }

    /// The domain's disk there.
    pub(super) fn find<'a>(&self, live: &'a Domain) -> Option<&'a Disk> {
        live.devices.disks.iter().find(|disk| match disk.drive() {
            None => disk.info.address.pci().is_some_and(|pci| self.is_at(pci)),
            Some(drive) => {
                let kind = controller_of(disk.bus());
                let controller = live.devices.controllers.iter().find(|controller| {
                    Some(controller.controller_type()) == kind && controller.index == Some(drive.controller)
                });
                let at_controller = controller
                    .and_then(|controller| controller.info.address.pci())
                    .is_some_and(|pci| self.is_at(pci));
                at_controller && (drive.bus, drive.target, drive.unit) == (self.bus, self.target, self.unit)
            }
        })
    }

    fn is_at(&self, pci: &Pci) -> bool {
        let address = pci.at;
        [address.domain, address.bus, address.slot, address.function] == self.controller
    }
}

/// The kind of controller that disks of a bus hang on.
fn controller_of(bus: DiskBus) -> Option<ControllerType> {
    match bus {
        DiskBus::Ide => Some(ControllerType::Ide),
        DiskBus::Fdc => Some(ControllerType::Fdc),
        DiskBus::Scsi => Some(ControllerType::Scsi),
        DiskBus::Sata => Some(ControllerType::Sata),
        _ => None,
    }
}

fn number(object: &Object, name: &str) -> Result<u32> {
    let found = object.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    found.ok_or_else(|| nonsense(format!("'{name}' missing")))
}
