//! A device's place as device properties.

use virt_conf::common::address::{Drive, Pci};
use virt_conf::common::{Address, DeviceInfo, device_info};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, PciModel, ScsiModel};
use virt_types::Result;

use crate::error::internal;
use crate::machine;
use crate::plan::Props;

/// What a drive address means depends on the bus of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveBus {
    /// IDE: bus and unit.
    Ide,
    /// SATA: unit alone, which is the port.
    Sata,
    /// Floppy: unit alone.
    Fdc,
    /// SCSI: channel, target, unit.
    Scsi,
}

/// The properties that say where a device sits. A drive address is [`drive_props`]'s.
///
/// # Errors
/// For a controller that does not exist or has no alias yet.
pub fn props(domain: &Domain, info: &DeviceInfo) -> Result<Props> {
    let props = Props::new();
    Ok(match &info.address {
        Address::Pci(pci) => {
            let slot = match pci.at.function {
                0 => format!("0x{:x}", pci.at.slot),
                function => format!("0x{:x}.0x{function:x}", pci.at.slot),
            };
            props
                .str("bus", pci_bus(domain, pci)?)
                .opt_bool("multifunction", pci.multifunction)
                .str("addr", slot)
                .opt_u64("acpi-index", info.acpi_index)
        }
        Address::Usb(usb) => {
            let bus = controller_alias(domain, ControllerType::Usb, usb.bus)?;
            let props = props.str("bus", format!("{bus}.0"));
            if usb.has_port() { props.str("port", usb.port_text()) } else { props }
        }
        Address::SpaprVio(vio) => props.opt_u64("reg", vio.reg.filter(|reg| *reg > 0)),
        Address::Ccw(ccw) => {
            let (cssid, ssid, devno) = ccw.at.unwrap_or_default();
            props.str("devno", format!("{cssid:x}.{ssid:x}.{devno:04x}"))
        }
        Address::Isa(isa) => {
            props.u64("iobase", isa.iobase).opt_u64("irq", Some(isa.irq).filter(|irq| *irq > 0))
        }
        Address::Dimm(dimm) => {
            props.u64("slot", dimm.slot).opt_u64("addr", Some(dimm.base).filter(|base| *base > 0))
        }
        Address::VirtioSerial(port) => {
            let bus = controller_alias(domain, ControllerType::VirtioSerial, port.controller)?;
            props.str("bus", format!("{bus}.{}", port.bus)).u64("nr", port.port)
        }
        Address::Drive(_) => {
            return Err(internal("address type drive is not supported for bus 'none'"));
        }
        Address::None
        | Address::Ccid(_)
        | Address::VirtioS390
        | Address::VirtioMmio
        | Address::Unassigned => props,
    })
}

/// The properties that say where a disk or a passed-through SCSI unit sits.
///
/// # Errors
/// For a controller that does not exist or has no alias yet.
pub fn drive_props(domain: &Domain, drive: &Drive, bus: DriveBus) -> Result<Props> {
    let props = Props::new();
    Ok(match bus {
        DriveBus::Ide => {
            let alias = match machine::has_builtin_ide(domain) {
                true => "ide",
                false => controller_alias(domain, ControllerType::Ide, drive.controller)?,
            };
            props.str("bus", format!("{alias}.{}", drive.bus)).u64("unit", drive.unit)
        }
        DriveBus::Sata => {
            let alias = match machine::is_q35(domain) && drive.controller == 0 {
                true => "ide",
                false => controller_alias(domain, ControllerType::Sata, drive.controller)?,
            };
            props.str("bus", format!("{alias}.{}", drive.unit))
        }
        DriveBus::Fdc => props.u64("unit", drive.unit),
        DriveBus::Scsi => scsi_props(domain, drive)?,
    })
}

fn scsi_props(domain: &Domain, drive: &Drive) -> Result<Props> {
    let index = drive.controller;
    let controller = domain
        .controller(ControllerType::Scsi, index)
        .ok_or_else(|| internal(format!("unable to find a SCSI controller for idx={index}")))?;
    let alias = controller.info.alias.as_deref().unwrap_or_default();
    Ok(match controller.scsi_model() {
        Some(ScsiModel::Lsilogic | ScsiModel::Ncr53c90 | ScsiModel::Dc390 | ScsiModel::Am53c974) => {
            Props::new().str("bus", format!("{alias}.{}", drive.bus)).u64("scsi-id", drive.unit)
        }
        Some(
            ScsiModel::Auto
            | ScsiModel::Buslogic
            | ScsiModel::Lsisas1068
            | ScsiModel::Vmpvscsi
            | ScsiModel::Ibmvscsi
            | ScsiModel::VirtioScsi
            | ScsiModel::Lsisas1078
            | ScsiModel::VirtioTransitional
            | ScsiModel::VirtioNonTransitional,
        ) => Props::new()
            .str("bus", format!("{alias}.0"))
            .u64("channel", drive.bus)
            .u64("scsi-id", drive.target)
            .u64("lun", drive.unit),
        None => return Err(internal("Unexpected SCSI controller model -1")),
    })
}

/// The alias of a controller that a device's address names.
///
/// # Errors
/// Where there is no such controller, or it has no alias yet.
pub fn controller_alias(domain: &Domain, kind: ControllerType, index: u32) -> Result<&str> {
    let controller = domain.controller(kind, index).ok_or_else(|| {
        internal(format!("Could not find {kind} controller with index {index} required for device"))
    })?;
    controller
        .info
        .alias
        .as_deref()
        .ok_or_else(|| internal(format!("Device alias was not set for {kind} controller with index {index}")))
}

/// QEMU's name of the PCI bus that an address is on.
fn pci_bus(domain: &Domain, pci: &Pci) -> Result<String> {
    let (index, at) = (pci.at.bus, pci.at);
    let controller = domain.controller(ControllerType::Pci, index).ok_or_else(|| {
        internal(format!(
            "Could not find PCI controller with index '{index}' required for device at address '{at}'"
        ))
    })?;
    let alias = controller.info.alias.as_deref().ok_or_else(|| {
        internal(format!(
            "Device alias was not set for PCI controller with index '{index}' required for device at address '{at}'"
        ))
    })?;
    let options = controller.pci();
    // The roots are part of the board, so a user's alias never reaches QEMU.
    if device_info::is_user_alias(alias) {
        match options.and_then(|pci| pci.model) {
            Some(PciModel::PciRoot) if !machine::is_pseries(domain) => {
                let numbered = machine::has_numbered_pci_buses(domain);
                return Ok(if numbered { "pci.0" } else { "pci" }.to_owned());
            }
            Some(PciModel::PcieRoot) => return Ok("pcie.0".to_owned()),
            _ => {}
        }
    }
    // A further host bridge of a pseries guest names its bus after itself; the first is always `pci.0`.
    let further = options.is_some_and(|pci| pci.target_index.is_some_and(|target| target > 0));
    Ok(if controller.is_pseries_host_bridge() && further { format!("{alias}.0") } else { alias.to_owned() })
}

#[cfg(test)]
mod tests {
    use virt_conf::common::address::{Ccw, Dimm, Isa, SpaprVio, Usb, VirtioSerial};
    use virt_conf::domain::device::{Controller, ControllerKind, PciController};
    use virt_types::Arch;

    use super::*;

    fn domain() -> Domain {
        let mut domain = Domain::default();
        domain.os.arch = Arch::X86_64;
        domain.os.machine = Some("pc-q35-7.2".to_owned());
        let controllers: [(ControllerKind, u32, &str); 5] = [
            (ControllerKind::Pci(PciController::of(PciModel::PcieRoot)), 0, "pcie.0"),
            (ControllerKind::Pci(PciController::of(PciModel::PcieRootPort)), 1, "pci.1"),
            (ControllerKind::bare(ControllerType::Usb), 0, "usb"),
            (ControllerKind::bare(ControllerType::VirtioSerial), 2, "virtio-serial2"),
            (ControllerKind::Scsi { model: Some(ScsiModel::Lsilogic) }, 0, "scsi0"),
        ];
        for (kind, index, alias) in controllers {
            let mut controller = Controller::new(kind, index);
            controller.info.alias = Some(alias.to_owned());
            domain.devices.controllers.push(controller);
        }
        domain
    }

    #[test]
    fn each_address_has_its_properties() {
        let domain = domain();
        for (address, expected) in [
            (Address::Pci(Pci::new(1, 0, 0)), r#"{"bus":"pci.1","addr":"0x0"}"#),
            (
                Address::Pci(Pci { multifunction: Some(true), ..Pci::new(0, 0x1d, 7) }),
                r#"{"bus":"pcie.0","multifunction":true,"addr":"0x1d.0x7"}"#,
            ),
            (Address::Usb(Usb { bus: 0, port: [1, 2, 0, 0] }), r#"{"bus":"usb.0","port":"1.2"}"#),
            (Address::SpaprVio(SpaprVio { reg: Some(0x3000) }), r#"{"reg":12288}"#),
            (Address::Ccw(Ccw { at: Some((0xfe, 0, 0x1a)) }), r#"{"devno":"fe.0.001a"}"#),
            (Address::Isa(Isa { iobase: 0x505, irq: 0 }), r#"{"iobase":1285}"#),
            (Address::Dimm(Dimm { slot: 0, base: 0x1000 }), r#"{"slot":0,"addr":4096}"#),
            (
                Address::VirtioSerial(VirtioSerial { controller: 2, bus: 0, port: 1 }),
                r#"{"bus":"virtio-serial2.0","nr":1}"#,
            ),
            (Address::VirtioMmio, "{}"),
        ] {
            let info = DeviceInfo { address, ..DeviceInfo::default() };
            assert_eq!(props(&domain, &info).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_drive_address_means_what_the_bus_makes_of_it() {
        let domain = domain();
        let drive = Drive { controller: 0, bus: 1, target: 2, unit: 3 };
        for (bus, expected) in [
            (DriveBus::Sata, r#"{"bus":"ide.3"}"#),
            (DriveBus::Fdc, r#"{"unit":3}"#),
            (DriveBus::Scsi, r#"{"bus":"scsi0.1","scsi-id":3}"#),
        ] {
            assert_eq!(drive_props(&domain, &drive, bus).unwrap().to_string(), expected);
        }
        let missing = drive_props(&domain, &drive, DriveBus::Ide).unwrap_err();
        assert_eq!(missing.detail(), "Could not find ide controller with index 0 required for device");
    }
}
