//! What kind of place a controller needs.

use virt_conf::domain::device::{
    Controller, ControllerKind, PciModel, ScsiModel, UsbModel, VirtioSerialModel,
};
use virt_conf::domain::passes::address::Connect;
use virt_conf::domain::passes::address::pci::connects_to;

use crate::policy::{AttachContext, Attachment, Vio, Virtio};

pub(super) fn attachment(controller: &Controller, cx: &AttachContext<'_>) -> Attachment {
    let conventional = Attachment::pci(AttachContext::CONVENTIONAL);
    match &controller.kind {
        ControllerKind::Pci(pci) => match pci.model {
            Some(PciModel::PciRoot | PciModel::PcieRoot) | None => Attachment::default(),
            Some(model) => Attachment::pci(connects_to(model)),
        },
        ControllerKind::Sata => conventional,
        // The first one is the board's own.
        ControllerKind::Ide { .. } if controller.index == Some(0) => Attachment::default(),
        ControllerKind::Ide { .. } => conventional,
        ControllerKind::Usb { model, .. } => match model {
            Some(UsbModel::NecXhci | UsbModel::QemuXhci) => Attachment::pci(cx.express()),
            Some(UsbModel::None) => Attachment::default(),
            Some(UsbModel::Qusb1 | UsbModel::Qusb2) => Attachment::pci(Connect::empty()),
            None
            | Some(
                UsbModel::Piix3Uhci
                | UsbModel::Piix4Uhci
                | UsbModel::Ehci
                | UsbModel::Ich9Ehci1
                | UsbModel::Ich9Uhci1
                | UsbModel::Ich9Uhci2
                | UsbModel::Ich9Uhci3
                | UsbModel::Vt82c686bUhci
                | UsbModel::PciOhci,
            ) => conventional,
        },
        // SCSI controllers of any model follow the virtio devices of their machine.
        ControllerKind::Scsi { model } => Attachment { virtio: Virtio::Any, ..scsi(*model, cx) },
        ControllerKind::VirtioSerial { model, .. } => Attachment::virtio(match model {
            // Transitional devices work in conventional slots only.
            Some(VirtioSerialModel::VirtioTransitional) => AttachContext::CONVENTIONAL,
            None | Some(VirtioSerialModel::Virtio | VirtioSerialModel::VirtioNonTransitional) => cx.express(),
        }),
        ControllerKind::Ccid => Attachment::usb(),
        ControllerKind::Fdc => Attachment::default(),
        ControllerKind::Xenbus { .. } | ControllerKind::Isa => Attachment::pci(Connect::empty()),
    }
}

fn scsi(model: Option<ScsiModel>, cx: &AttachContext<'_>) -> Attachment {
    match model {
        Some(ScsiModel::VirtioScsi | ScsiModel::VirtioNonTransitional) => Attachment::pci(cx.express()),
        Some(ScsiModel::Ibmvscsi) => Attachment {
            vio: Some(Vio { always: true, first_register: 0x2000 }),
            ..Attachment::pci(AttachContext::CONVENTIONAL)
        },
        Some(
            ScsiModel::VirtioTransitional
            | ScsiModel::Auto
            | ScsiModel::Buslogic
            | ScsiModel::Lsilogic
            | ScsiModel::Lsisas1068
            | ScsiModel::Vmpvscsi
            | ScsiModel::Lsisas1078
            | ScsiModel::Dc390
            | ScsiModel::Am53c974,
        ) => Attachment::pci(AttachContext::CONVENTIONAL),
        // The board has it.
        Some(ScsiModel::Ncr53c90) => Attachment::default(),
        None => Attachment::pci(Connect::empty()),
    }
}
