//! What QEMU, or this build of it, refuses of controllers.

use virt_conf::common::Address;
use virt_conf::domain::device::{Controller, ControllerKind, ScsiModel, UsbModel};
use virt_types::Result;

use super::{check_pci, model};
use crate::caps::{Cap, Capabilities};
use crate::device::QemuContext;
use crate::error::{internal, unsupported};
use crate::machine;

pub(super) fn check(controller: &Controller, cx: &QemuContext<'_>) -> Result<()> {
    if let ControllerKind::Scsi { model } = controller.kind {
        let model = model.ok_or_else(|| internal("Unexpected SCSI controller model -1"))?;
        scsi_model(model, cx.caps)?;
    }
    driver_options(controller)?;
    match &controller.kind {
        ControllerKind::Ide { .. } => ide(controller, cx),
        ControllerKind::Scsi { model } => scsi(controller, *model, cx),
        ControllerKind::Pci(pci) => check_pci::check(controller, pci, cx),
        ControllerKind::Sata if controller.index == Some(0) && machine::is_q35(cx.domain) => Ok(()),
        ControllerKind::Sata if !cx.caps.has(Cap::Ich9Ahci) => {
            Err(unsupported("SATA is not supported with this QEMU binary"))
        }
        ControllerKind::Sata
        | ControllerKind::Fdc
        | ControllerKind::VirtioSerial { .. }
        | ControllerKind::Ccid
        | ControllerKind::Usb { .. }
        | ControllerKind::Xenbus { .. }
        | ControllerKind::Isa => Ok(()),
    }
}

fn scsi_model(model: ScsiModel, caps: &Capabilities) -> Result<()> {
    let (cap, sentence) = match model {
        ScsiModel::Lsilogic => (Cap::Lsi, "the LSI 53C895A SCSI controller"),
        ScsiModel::VirtioScsi | ScsiModel::VirtioTransitional | ScsiModel::VirtioNonTransitional => {
            (Cap::VirtioScsi, "virtio scsi controller")
        }
        ScsiModel::Lsisas1068 => (Cap::Mptsas1068, "the LSI SAS1068 (MPT Fusion) controller"),
        ScsiModel::Lsisas1078 => (Cap::Megasas, "the LSI SAS1078 (MegaRAID) controller"),
        ScsiModel::Vmpvscsi => (Cap::Pvscsi, "the pvscsi (VMware paravirtual SCSI) controller"),
        ScsiModel::Auto | ScsiModel::Buslogic => {
            return Err(unsupported(format!("Unsupported controller model: {model}")));
        }
        ScsiModel::Ibmvscsi | ScsiModel::Ncr53c90 | ScsiModel::Dc390 | ScsiModel::Am53c974 => return Ok(()),
    };
    if caps.has(cap) { Ok(()) } else { Err(unsupported(format!("This QEMU doesn't support {sentence}"))) }
}

fn driver_options(controller: &Controller) -> Result<()> {
    if controller.scsi_model().is_some_and(ScsiModel::is_virtio) {
        return Ok(());
    }
    let driver = &controller.driver;
    for (name, given) in [
        ("queues", driver.queues.is_some()),
        ("cmd_per_lun", driver.cmd_per_lun.is_some()),
        ("max_sectors", driver.max_sectors.is_some()),
        ("ioeventfd", driver.ioeventfd.is_some()),
    ] {
        if given {
            return Err(unsupported(format!("'{name}' is only supported by virtio-scsi controller")));
        }
    }
    if driver.iothread.is_some() {
        return Err(unsupported("'iothread' is only supported for virtio-scsi controller"));
    }
    Ok(())
}

fn ide(controller: &Controller, cx: &QemuContext<'_>) -> Result<()> {
    match machine::has_builtin_ide(cx.domain) {
        true if controller.index == Some(0) => Ok(()),
        true => Err(unsupported("Only a single IDE controller is supported for this machine type")),
        false => Err(unsupported("IDE controllers are unsupported for this QEMU binary or machine type")
            .with_hint("use bus='sata' or bus='virtio'")),
    }
}

fn scsi(controller: &Controller, model: Option<ScsiModel>, cx: &QemuContext<'_>) -> Result<()> {
    match model {
        Some(model) if model.is_virtio() => {
            let on_a_bus =
                matches!(controller.info.address, Address::None | Address::Pci(_) | Address::Ccw(_));
            if controller.driver.iothread.is_some() && !on_a_bus {
                return Err(unsupported(
                    "virtio-scsi IOThreads only available for virtio pci and virtio ccw controllers",
                ));
            }
            if let Some(number) = controller.driver.iothread
                && cx.domain.iothreads.find(number).is_none()
            {
                let detail = format!("controller iothread '{number}' not defined in iothreadid");
                return Err(unsupported(detail));
            }
            Ok(())
        }
        Some(ScsiModel::Ncr53c90) if controller.index != Some(0) => {
            Err(unsupported("ncr53c90 can only be used as first SCSI controller"))
        }
        Some(ScsiModel::Ncr53c90) if !machine::has_builtin_esp(cx.domain) => {
            Err(unsupported("ncr53c90 SCSI controller is not a built-in for this machine"))
        }
        _ => Ok(()),
    }
}

/// Refuses a USB controller that this QEMU lacks; libvirt notices only when it writes the command line.
pub(super) fn usb(model: Option<UsbModel>, ports: Option<u32>, caps: &Capabilities) -> Result<UsbModel> {
    let model = model.ok_or_else(|| unsupported("no model provided for USB controller"))?;
    if !model::usb_cap(model).is_some_and(|cap| caps.has(cap)) {
        return Err(unsupported(format!("USB controller model '{model}' not supported in this QEMU binary")));
    }
    if ports.is_some() && !model.is_xhci() {
        return Err(unsupported(format!(
            "usb controller type '{model}' doesn't support 'ports' with this QEMU binary"
        )));
    }
    Ok(model)
}
