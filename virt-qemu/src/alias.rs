//! The devices' ids in the monitor.
//!
//! Ids are part of what a running guest is known by, so they follow fixed rules; an id that the user chose is kept.

use virt_conf::common::{Address, DeviceInfo};
use virt_conf::domain::device::{
    Controller, ControllerKind, ControllerType, InterfaceType, MemballoonModel, MemoryDevice, MemoryModel,
    PciModel, ScsiModel,
};
use virt_conf::domain::{DeviceKind, DeviceRef, Domain};

use crate::device;
use crate::machine;

/// Kinds whose devices may be passed through, which are numbered together.
const HOSTDEV_KINDS: &[DeviceKind] = &[DeviceKind::Interface, DeviceKind::Hostdev];

/// Gives an id to every device that has none.
pub fn assign(domain: &mut Domain) {
    for (kind, position) in domain.devices.visits() {
        let Some(device) = domain.devices.get(kind, position) else { continue };
        if device.info().is_none_or(|info| info.alias.is_some()) {
            continue;
        }
        let alias = alias(domain, device, position);
        if let Some(info) = domain.devices.info_mut(kind, position) {
            info.alias = alias;
        }
    }
}

/// Gives an id to a device that a running guest gets. Those that were plugged in before it may have gone, so that its place says
/// nothing.
pub fn assign_new(domain: &mut Domain, kind: DeviceKind, position: usize) {
    let Some(device) = domain.devices.get(kind, position) else { return };
    if device.info().is_none_or(|info| info.alias.is_some()) {
        return;
    }
    let alias = match device {
        DeviceRef::Serial(_)
        | DeviceRef::Parallel(_)
        | DeviceRef::Channel(_)
        | DeviceRef::Console(_)
        | DeviceRef::Input(_)
        | DeviceRef::Redirdev(_)
        | DeviceRef::Shmem(_)
        | DeviceRef::Watchdog(_) => {
            let prefix = kind.element();
            Some(format!("{prefix}{}", next_number(domain, &[kind], prefix)))
        }
        device => alias(domain, device, position),
    };
    if let Some(info) = domain.devices.info_mut(kind, position) {
        info.alias = alias;
    }
}

/// The id of a device that has none; `None` where the guest's monitor never names it.
fn alias(domain: &Domain, device: DeviceRef<'_>, position: usize) -> Option<String> {
    let next = |kinds: &[DeviceKind], prefix| format!("{prefix}{}", next_number(domain, kinds, prefix));
    let placed = |prefix| format!("{prefix}{position}");
    Some(match device {
        DeviceRef::Disk(disk) => device::disk::alias(disk, domain),
        DeviceRef::Controller(controller) => controller_alias(domain, controller),
        DeviceRef::Interface(interface) if interface.actual_kind() != InterfaceType::Hostdev => {
            next(&[DeviceKind::Interface], "net")
        }
        DeviceRef::Interface(_) | DeviceRef::Hostdev(_) => next(HOSTDEV_KINDS, "hostdev"),
        DeviceRef::Filesystem(_) => next(&[DeviceKind::Filesystem], "fs"),
        DeviceRef::Rng(_) => next(&[DeviceKind::Rng], "rng"),
        DeviceRef::Crypto(_) => next(&[DeviceKind::Crypto], "crypto"),
        DeviceRef::MemoryDevice(module) => memory_alias(domain, module),
        DeviceRef::Console(console) if position == 0 && console.is_serial() => {
            // The first console is another name for the first serial port.
            let serial = domain.devices.serials.first().and_then(|serial| serial.info.alias.clone());
            serial.unwrap_or_else(|| placed("console"))
        }
        DeviceRef::Console(_) => placed("console"),
        DeviceRef::Redirdev(_) => placed("redir"),
        DeviceRef::Memballoon(balloon) if balloon.model == MemballoonModel::None => return None,
        DeviceRef::Memballoon(_) => placed("balloon"),
        DeviceRef::Nvram(_)
        | DeviceRef::Panic(_)
        | DeviceRef::Lease(_)
        | DeviceRef::Graphics(_)
        | DeviceRef::Audio(_)
        | DeviceRef::Redirfilter(_) => return None,
        other => placed(other.kind().element()),
    })
}

/// The first number behind all that devices of these kinds have after the prefix.
fn next_number(domain: &Domain, kinds: &[DeviceKind], prefix: &str) -> u32 {
    let numbered =
        |info: &DeviceInfo| -> Option<u32> { info.alias.as_deref()?.strip_prefix(prefix)?.parse().ok() };
    domain
        .devices
        .iter()
        .filter(|device| kinds.contains(&device.kind()))
        .filter_map(|device| numbered(device.info()?))
        .max()
        .map_or(0, |highest| highest + 1)
}

/// Modules in slots are named by their slot, the others are numbered.
fn memory_alias(domain: &Domain, module: &MemoryDevice) -> String {
    let prefix = match module.model() {
        MemoryModel::Dimm => "dimm",
        MemoryModel::Nvdimm => "nvdimm",
        MemoryModel::VirtioPmem => "virtiopmem",
        MemoryModel::VirtioMem => "virtiomem",
        MemoryModel::SgxEpc => "epc",
    };
    let number = match (module.model(), &module.info.address) {
        (MemoryModel::Dimm | MemoryModel::Nvdimm, Address::Dimm(dimm)) => dimm.slot,
        (MemoryModel::Dimm | MemoryModel::Nvdimm, _) => 0,
        _ => next_number(domain, &[DeviceKind::MemoryDevice], prefix),
    };
    format!("{prefix}{number}")
}

/// QEMU's own names for what is part of the board, else type and index.
fn controller_alias(domain: &Domain, controller: &Controller) -> String {
    let index = controller.index.unwrap_or_default();
    let first = index == 0;
    match &controller.kind {
        ControllerKind::Pci(_) if !machine::has_numbered_pci_buses(domain) => "pci".to_owned(),
        ControllerKind::Pci(pci) if pci.model == Some(PciModel::PcieRoot) => format!("pcie.{index}"),
        ControllerKind::Pci(_) => format!("pci.{index}"),
        ControllerKind::Ide { .. } if first && machine::has_builtin_ide(domain) => "ide".to_owned(),
        ControllerKind::Sata if first && machine::is_q35(domain) => "ide".to_owned(),
        ControllerKind::Usb { .. } if first => ControllerType::Usb.to_string(),
        ControllerKind::Scsi { model: Some(ScsiModel::Ncr53c90) } if first => "scsi".to_owned(),
        _ => format!("{}{index}", controller.controller_type()),
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::device::{Input, PciController, Video};
    use virt_types::Arch;

    use super::*;

    fn domain(machine: &str, controllers: Vec<Controller>) -> Domain {
        let mut domain = Domain::default();
        domain.os.arch = Arch::X86_64;
        domain.os.machine = Some(machine.to_owned());
        domain.devices.controllers = controllers;
        domain
    }

    fn aliases(domain: &mut Domain) -> Vec<String> {
        assign(domain);
        domain.devices.iter().filter_map(|device| device.info()?.alias.clone()).collect()
    }

    #[test]
    fn controllers_of_the_board_have_qemus_names() {
        let pci = |model| ControllerKind::Pci(PciController::of(model));
        let controllers = vec![
            Controller::new(pci(PciModel::PcieRoot), 0),
            Controller::new(pci(PciModel::PcieRootPort), 1),
            Controller::new(ControllerKind::Sata, 0),
            Controller::new(ControllerKind::Sata, 1),
            Controller::new(ControllerKind::bare(ControllerType::Usb), 0),
            Controller::new(ControllerKind::bare(ControllerType::VirtioSerial), 0),
        ];
        let mut domain = domain("pc-q35-7.2", controllers);
        assert_eq!(aliases(&mut domain), ["pcie.0", "pci.1", "ide", "sata1", "usb", "virtio-serial0"]);
    }

    #[test]
    fn a_new_device_is_numbered_behind_those_that_are_there() {
        let mut domain = domain("pc", Vec::new());
        domain.devices.inputs = vec![Input::default(), Input::default()];
        domain.devices.inputs[0].info.alias = Some("input4".to_owned());
        assign_new(&mut domain, DeviceKind::Input, 1);
        assign_new(&mut domain, DeviceKind::Input, 0);
        assign_new(&mut domain, DeviceKind::Input, 7);
        let ids: Vec<_> = domain.devices.inputs.iter().map(|input| input.info.alias.as_deref()).collect();
        assert_eq!(ids, [Some("input4"), Some("input5")]);
    }

    #[test]
    fn a_chosen_id_is_kept_and_counts_as_a_position() {
        let mut domain = domain("pc", Vec::new());
        domain.devices.videos = vec![Video::default(), Video::default()];
        domain.devices.inputs = vec![Input::default(), Input::default()];
        domain.devices.inputs[0].info.alias = Some("ua-mouse".to_owned());
        assert_eq!(aliases(&mut domain), ["ua-mouse", "input1", "video0", "video1"]);
    }
}
