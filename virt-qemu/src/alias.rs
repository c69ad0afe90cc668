//! The devices' ids in the monitor.
//!
//! Ids are part of what a running guest is known by, so they follow fixed rules; an id that the user chose is kept.

use virt_conf::common::DeviceInfo;
use virt_conf::domain::device::{
    Controller, ControllerKind, ControllerType, InterfaceType, PciModel, ScsiModel,
};
use virt_conf::domain::{DeviceKind, DeviceRef, Domain};

use crate::device;
use crate::machine;

/// How the devices of a kind are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// By their position in the document.
    Position,
    /// By the first number behind all that are in use.
    Next,
}

/// Prefix and numbering of the kinds that need nothing else.
const PLAIN: &[(&str, &str, Numbering)] = &[
    ("filesystem", "fs", Numbering::Next),
    ("smartcard", "smartcard", Numbering::Position),
    ("serial", "serial", Numbering::Position),
    ("parallel", "parallel", Numbering::Position),
    ("channel", "channel", Numbering::Position),
    ("console", "console", Numbering::Position),
    ("input", "input", Numbering::Position),
    ("tpm", "tpm", Numbering::Position),
    ("sound", "sound", Numbering::Position),
    ("video", "video", Numbering::Position),
    ("hostdev", "hostdev", Numbering::Position),
    ("redirdev", "redir", Numbering::Position),
    ("hub", "hub", Numbering::Position),
    ("watchdog", "watchdog", Numbering::Position),
    ("memballoon", "balloon", Numbering::Position),
    ("rng", "rng", Numbering::Next),
    ("shmem", "shmem", Numbering::Position),
    ("iommu", "iommu", Numbering::Position),
    ("vsock", "vsock", Numbering::Position),
    ("crypto", "crypto", Numbering::Next),
];

/// Kinds whose devices may be passed through, which are numbered together.
const HOSTDEV_KINDS: &[DeviceKind] = &[DeviceKind::Interface];

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

/// The id of a device that has none; `None` where the guest's monitor never names it.
fn alias(domain: &Domain, device: DeviceRef<'_>, position: usize) -> Option<String> {
    match device {
        DeviceRef::Controller(controller) => return Some(controller_alias(domain, controller)),
        DeviceRef::Disk(disk) => return Some(device::disk::alias(disk, domain)),
        DeviceRef::Interface(interface) if interface.actual_kind() != InterfaceType::Hostdev => {
            return Some(format!("net{}", next_number(domain, &[DeviceKind::Interface], "net")));
        }
        DeviceRef::Interface(_) => {
            return Some(format!("hostdev{}", next_number(domain, HOSTDEV_KINDS, "hostdev")));
        }
        DeviceRef::Console(console) if position == 0 && console.is_serial() => {
            // The first console is another name for the first serial port.
            let serial = domain.devices.serials.first().and_then(|serial| serial.info.alias.clone());
            return Some(serial.unwrap_or_else(|| "console0".to_owned()));
        }
        _ => {}
    }
    let element = device.kind().element();
    let (_, prefix, numbering) = PLAIN.iter().find(|(name, ..)| *name == element)?;
    Some(match numbering {
        Numbering::Position => format!("{prefix}{position}"),
        Numbering::Next => format!("{prefix}{}", next_number(domain, &[device.kind()], prefix)),
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
    fn a_chosen_id_is_kept_and_counts_as_a_position() {
        let mut domain = domain("pc", Vec::new());
        domain.devices.videos = vec![Video::default(), Video::default()];
        domain.devices.inputs = vec![Input::default(), Input::default()];
        domain.devices.inputs[0].info.alias = Some("ua-mouse".to_owned());
        assert_eq!(aliases(&mut domain), ["ua-mouse", "input1", "video0", "video1"]);
    }
}
