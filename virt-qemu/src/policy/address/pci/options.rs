//! What a PCI controller's place decides about it.

use virt_conf::Result;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, PciModel, PciModelName};

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;
use crate::policy::QemuPolicy;

/// QEMU supports this many host bridges of a pseries guest; the first is the board's own.
const HOST_BRIDGES: u32 = 31;

/// Completes the options of every PCI controller.
pub(super) fn complete(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    for position in 0..domain.devices.controllers.len() {
        complete_one(domain, position, policy.caps)?;
    }
    Ok(())
}

fn complete_one(domain: &mut Domain, position: usize, caps: &Capabilities) -> Result<()> {
    let controller = &domain.devices.controllers[position];
    let Some(model) = controller.pci().and_then(|pci| pci.model) else { return Ok(()) };
    let index = controller.index.unwrap_or_default();
    let place = controller.info.address.pci().map(|pci| pci.at).unwrap_or_default();
    let pseries = machine::is_pseries(domain);
    let bus_nr = free_bus_number(domain);
    if let Some(pci) = domain.devices.controllers[position].pci_mut() {
        pci.name = pci.name.or_else(|| default_name(model, pseries, caps));
    }
    // The name tells host bridges, so it comes first.
    let target_index = free_target_index(domain);
    let Some(pci) = domain.devices.controllers[position].pci_mut() else { return Ok(()) };
    match model {
        PciModel::PciBridge => {
            pci.chassis_nr.get_or_insert(index);
            if index <= place.bus {
                return Err(unsupported(format!(
                    "PCI controller at index {index} (0x{index:02x}) has bus='0x{:02x}', but index must be larger than bus",
                    place.bus
                )));
            }
        }
        PciModel::PcieRootPort => {
            pci.chassis.get_or_insert(index);
            pci.port.get_or_insert((place.slot << 3) + place.function);
        }
        PciModel::PcieSwitchDownstreamPort => {
            pci.chassis.get_or_insert(index);
            pci.port.get_or_insert(place.slot);
        }
        PciModel::PciExpanderBus | PciModel::PcieExpanderBus => {
            pci.bus_nr = pci.bus_nr.or(bus_nr);
            if pci.bus_nr.is_none() {
                return Err(unsupported(format!(
                    "No free busNr lower than current lowest busNr is available to auto-assign to bus {}. Must be manually assigned",
                    place.bus
                )));
            }
        }
        PciModel::PciRoot if pseries => {
            pci.target_index = pci.target_index.or(if index == 0 { Some(0) } else { target_index });
            if pci.target_index.is_none() {
                return Err(unsupported(format!("No usable target index found for {}", place.bus)));
            }
        }
        PciModel::PciRoot
        | PciModel::PcieRoot
        | PciModel::DmiToPciBridge
        | PciModel::PcieToPciBridge
        | PciModel::PcieSwitchUpstreamPort => {}
    }
    Ok(())
}

/// The QEMU device that plays a controller's part.
fn default_name(model: PciModel, pseries: bool, caps: &Capabilities) -> Option<PciModelName> {
    match model {
        PciModel::PciBridge => Some(PciModelName::PciBridge),
        PciModel::DmiToPciBridge => Some(PciModelName::I82801b11Bridge),
        PciModel::PcieToPciBridge => Some(PciModelName::PciePciBridge),
        PciModel::PcieRootPort if caps.has(Cap::PcieRootPort) => Some(PciModelName::PcieRootPort),
        PciModel::PcieRootPort => Some(PciModelName::Ioh3420),
        PciModel::PcieSwitchUpstreamPort => Some(PciModelName::X3130Upstream),
        PciModel::PcieSwitchDownstreamPort => Some(PciModelName::Xio3130Downstream),
        PciModel::PciExpanderBus => Some(PciModelName::Pxb),
        PciModel::PcieExpanderBus => Some(PciModelName::PxbPcie),
        PciModel::PciRoot => pseries.then_some(PciModelName::SpaprPciHostBridge),
        PciModel::PcieRoot => None,
    }
}

/// A bus number for a new expander: below all others, with one number between for the bridge that it contains, so
/// that as many as possible are left for buses behind the root.
fn free_bus_number(domain: &Domain) -> Option<u32> {
    let taken = domain.controllers_of(ControllerType::Pci).filter_map(|controller| controller.pci()?.bus_nr);
    let lowest = taken.min().unwrap_or(256);
    (lowest > 2).then(|| lowest - 2)
}

/// The lowest free target index of a further host bridge.
fn free_target_index(domain: &Domain) -> Option<u32> {
    let taken: Vec<_> = domain
        .devices
        .controllers
        .iter()
        .filter(|controller| controller.is_pseries_host_bridge())
        .filter_map(|controller| controller.pci()?.target_index)
        .collect();
    (1..=HOST_BRIDGES).find(|index| !taken.contains(index))
}
