//! The models that QEMU's boards take where the document names none.

use virt_conf::ParseFlags;
use virt_conf::common::Address;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Controller, ControllerKind, PciController, PciModel, ScsiModel, UsbModel};
use virt_types::{Arch, Result};

use crate::caps::{Cap, Capabilities};
use crate::device::QemuContext;
use crate::error::{internal, unsupported, xml_error};
use crate::machine;

/// Ports that an xHCI controller has at most.
const XHCI_MAX_PORTS: u32 = 15;

pub(super) fn complete(controller: &mut Controller, cx: &QemuContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let (index, index_text) = (controller.index, controller.index_text());
    let placed = controller.info.address != Address::None;
    match &mut controller.kind {
        ControllerKind::Scsi { model } => {
            if matches!(model, None | Some(ScsiModel::Auto)) {
                *model = Some(default_scsi_model(domain, cx.caps).ok_or_else(|| {
                    internal(format!("Unable to determine model for SCSI controller idx={index_text}"))
                })?);
            }
        }
        ControllerKind::Usb { model, ports } => {
            if model.is_none() {
                *model =
                    default_usb_model(domain, cx.caps, placed, cx.flags.contains(ParseFlags::ABI_UPDATE));
            }
            match model {
                Some(UsbModel::Qusb1 | UsbModel::Qusb2) => {
                    return Err(unsupported(format!(
                        "USB controller model type 'qusb1' or 'qusb2' is not supported in {}",
                        domain.virt_type
                    )));
                }
                Some(model) if model.is_xhci() && ports.is_some_and(|ports| ports > XHCI_MAX_PORTS) => {
                    return Err(unsupported(format!(
                        "'{model}' controller only supports up to '{XHCI_MAX_PORTS}' ports"
                    )));
                }
                _ => {}
            }
        }
        ControllerKind::Pci(pci) => refuse_pci(pci, index, domain)?,
        ControllerKind::Ide { .. }
        | ControllerKind::Fdc
        | ControllerKind::Sata
        | ControllerKind::VirtioSerial { .. }
        | ControllerKind::Ccid
        | ControllerKind::Xenbus { .. }
        | ControllerKind::Isa => {}
    }
    Ok(())
}

/// Refuses PCI controllers that the machine has no room for.
fn refuse_pci(pci: &PciController, index: Option<u32>, domain: &Domain) -> Result<()> {
    let Some(model) = pci.model else { return Ok(()) };
    match model {
        // An index that is still to be given will be that of a further root.
        PciModel::PciRoot | PciModel::PcieRoot if index != Some(0) && !machine::is_pseries(domain) => {
            return Err(xml_error("pci-root and pcie-root controllers should have index 0"));
        }
        PciModel::PciExpanderBus if !machine::is_i440fx(domain) => {
            return Err(unsupported(
                "pci-expander-bus controllers are only supported on 440fx-based machinetypes",
            ));
        }
        PciModel::PcieExpanderBus if !machine::is_q35(domain) && !machine::is_arm_virt(domain) => {
            return Err(unsupported(
                "pcie-expander-bus controllers are not supported with this machine type",
            ));
        }
        _ => {}
    }
    let cells = domain.numa.cells.len();
    match pci.numa_node {
        Some(node) if usize::try_from(node).is_ok_and(|node| node >= cells) => Err(xml_error(format!(
            "{model} with index {} is configured for a NUMA node ({node}) not present in the domain's <cpu><numa> array ({cells})",
            index.unwrap_or_default()
        ))),
        _ => Ok(()),
    }
}

/// The SCSI controller that a board takes; `None` where this QEMU has none that fits.
#[must_use]
pub fn default_scsi_model(domain: &Domain, caps: &Capabilities) -> Option<ScsiModel> {
    if machine::is_pseries(domain) {
        Some(ScsiModel::Ibmvscsi)
    } else if domain.os.arch.is_s390() {
        Some(ScsiModel::VirtioScsi)
    } else if caps.has(Cap::Lsi) {
        Some(ScsiModel::Lsilogic)
    } else if caps.has(Cap::VirtioScsi) {
        Some(ScsiModel::VirtioScsi)
    } else {
        machine::has_builtin_esp(domain).then_some(ScsiModel::Ncr53c90)
    }
}

/// The USB controller that a board takes; `None` leaves it to the board itself.
fn default_usb_model(
    domain: &Domain,
    caps: &Capabilities,
    placed: bool,
    abi_update: bool,
) -> Option<UsbModel> {
    let first = |models: &[UsbModel]| {
        models.iter().copied().find(|model| usb_cap(*model).is_some_and(|cap| caps.has(cap)))
    };
    let piix3 = first(&[UsbModel::Piix3Uhci]);
    match domain.os.arch {
        Arch::S390 | Arch::S390x if !placed => Some(UsbModel::None),
        // A guest that is already defined keeps the controller it has had since before xHCI.
        Arch::Ppc64 | Arch::Ppc64le if abi_update => {
            first(&[UsbModel::QemuXhci, UsbModel::NecXhci, UsbModel::PciOhci])
        }
        Arch::Ppc64 | Arch::Ppc64le => first(&[UsbModel::PciOhci]),
        Arch::Aarch64 => first(&[UsbModel::QemuXhci, UsbModel::NecXhci]).or(piix3),
        _ => piix3,
    }
}

/// The capability that a USB controller needs.
pub(super) const fn usb_cap(model: UsbModel) -> Option<Cap> {
    Some(match model {
        UsbModel::Piix3Uhci => Cap::Piix3UsbUhci,
        UsbModel::Piix4Uhci => Cap::Piix4UsbUhci,
        UsbModel::Ehci => Cap::UsbEhci,
        UsbModel::Ich9Ehci1 | UsbModel::Ich9Uhci1 | UsbModel::Ich9Uhci2 | UsbModel::Ich9Uhci3 => {
            Cap::Ich9UsbEhci1
        }
        UsbModel::Vt82c686bUhci => Cap::Vt82c686bUsbUhci,
        UsbModel::PciOhci => Cap::PciOhci,
        UsbModel::NecXhci => Cap::NecUsbXhci,
        UsbModel::QemuXhci => Cap::QemuXhci,
        UsbModel::Qusb1 | UsbModel::Qusb2 | UsbModel::None => return None,
    })
}

/// QEMU's name of a USB controller.
pub(super) const fn usb_driver(model: UsbModel) -> &'static str {
    match model {
        UsbModel::Piix3Uhci => "piix3-usb-uhci",
        UsbModel::Piix4Uhci => "piix4-usb-uhci",
        UsbModel::Ehci => "usb-ehci",
        UsbModel::Ich9Ehci1 => "ich9-usb-ehci1",
        UsbModel::Ich9Uhci1 => "ich9-usb-uhci1",
        UsbModel::Ich9Uhci2 => "ich9-usb-uhci2",
        UsbModel::Ich9Uhci3 => "ich9-usb-uhci3",
        UsbModel::Vt82c686bUhci => "vt82c686b-usb-uhci",
        UsbModel::PciOhci => "pci-ohci",
        UsbModel::NecXhci => "nec-usb-xhci",
        UsbModel::QemuXhci => "qemu-xhci",
        UsbModel::Qusb1 => "qusb1",
        UsbModel::Qusb2 => "qusb2",
        UsbModel::None => "none",
    }
}
