//! The types of controller, their models and what only one type has.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::pci::PciController;
use crate::Result;
use crate::common::DeviceInfo;
use crate::error::unsupported;

text_enum! {
    /// What a controller controls.
    pub enum ControllerType {
        #[default] Ide = "ide", Fdc = "fdc", Scsi = "scsi", Sata = "sata", VirtioSerial = "virtio-serial",
        Ccid = "ccid", Usb = "usb", Pci = "pci", Xenbus = "xenbus", Isa = "isa",
    }
}

text_enum! {
    /// Models of IDE controllers.
    pub enum IdeModel { Piix3 = "piix3", Piix4 = "piix4", Ich6 = "ich6" }
}

text_enum! {
    /// Models of SCSI controllers.
    pub enum ScsiModel {
        Auto = "auto", Buslogic = "buslogic", Lsilogic = "lsilogic", Lsisas1068 = "lsisas1068",
        Vmpvscsi = "vmpvscsi", Ibmvscsi = "ibmvscsi", VirtioScsi = "virtio-scsi", Lsisas1078 = "lsisas1078",
        VirtioTransitional = "virtio-transitional", VirtioNonTransitional = "virtio-non-transitional",
        Ncr53c90 = "ncr53c90", Dc390 = "dc390", Am53c974 = "am53c974",
    }
}

text_enum! {
    /// Models of USB controllers; `none` says that the guest has no USB.
    pub enum UsbModel {
        Piix3Uhci = "piix3-uhci", Piix4Uhci = "piix4-uhci", Ehci = "ehci", Ich9Ehci1 = "ich9-ehci1",
        Ich9Uhci1 = "ich9-uhci1", Ich9Uhci2 = "ich9-uhci2", Ich9Uhci3 = "ich9-uhci3",
        Vt82c686bUhci = "vt82c686b-uhci", PciOhci = "pci-ohci", NecXhci = "nec-xhci", Qusb1 = "qusb1",
        Qusb2 = "qusb2", QemuXhci = "qemu-xhci", None = "none",
    }
}

text_enum! {
    /// Models of virtio-serial controllers.
    pub enum VirtioSerialModel {
        Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

impl ScsiModel {
    /// Whether it is one of the virtio models.
    #[must_use]
    pub const fn is_virtio(self) -> bool {
        matches!(self, Self::VirtioScsi | Self::VirtioTransitional | Self::VirtioNonTransitional)
    }
}

impl UsbModel {
    /// The first port of its master that a companion of ICH9's EHCI controller serves.
    #[must_use]
    pub const fn companion_port(self) -> Option<u32> {
        match self {
            Self::Ich9Uhci1 => Some(0),
            Self::Ich9Uhci2 => Some(2),
            Self::Ich9Uhci3 => Some(4),
            _ => None,
        }
    }

    /// Whether it is an xHCI controller, whose number of ports can be chosen.
    #[must_use]
    pub const fn is_xhci(self) -> bool {
        matches!(self, Self::NecXhci | Self::QemuXhci)
    }
}

/// A controller's type and model, with what only this type has; an absent model is the hypervisor's choice.
#[derive(Debug, Clone, PartialEq)]
pub enum ControllerKind {
    /// IDE.
    Ide {
        /// `model`.
        model: Option<IdeModel>,
    },
    /// Floppy disks.
    Fdc,
    /// SCSI.
    Scsi {
        /// `model`.
        model: Option<ScsiModel>,
    },
    /// SATA.
    Sata,
    /// virtio consoles and channels.
    VirtioSerial {
        /// `model`.
        model: Option<VirtioSerialModel>,
        /// `ports`: how many there may be.
        ports: Option<u32>,
        /// `vectors`: interrupt vectors; 0 for none.
        vectors: Option<u32>,
    },
    /// Smartcards.
    Ccid,
    /// USB.
    Usb {
        /// `model`.
        model: Option<UsbModel>,
        /// `ports` of an xHCI controller.
        ports: Option<u32>,
    },
    /// PCI.
    Pci(PciController),
    /// Xen's bus of paravirtual devices.
    Xenbus {
        /// `maxGrantFrames`.
        max_grant_frames: Option<u32>,
        /// `maxEventChannels`.
        max_event_channels: Option<u32>,
    },
    /// ISA.
    Isa,
}

impl Default for ControllerKind {
    fn default() -> Self {
        Self::Ide { model: None }
    }
}

impl ControllerKind {
    /// A controller of this type with nothing else said.
    #[must_use]
    pub fn bare(kind: ControllerType) -> Self {
        match kind {
            ControllerType::Ide => Self::Ide { model: None },
            ControllerType::Fdc => Self::Fdc,
            ControllerType::Scsi => Self::Scsi { model: None },
            ControllerType::Sata => Self::Sata,
            ControllerType::VirtioSerial => Self::VirtioSerial { model: None, ports: None, vectors: None },
            ControllerType::Ccid => Self::Ccid,
            ControllerType::Usb => Self::Usb { model: None, ports: None },
            ControllerType::Pci => Self::Pci(PciController::default()),
            ControllerType::Xenbus => Self::Xenbus { max_grant_frames: None, max_event_channels: None },
            ControllerType::Isa => Self::Isa,
        }
    }

    /// A USB controller of this model.
    #[must_use]
    pub const fn usb(model: UsbModel) -> Self {
        Self::Usb { model: Some(model), ports: None }
    }

    /// The type.
    #[must_use]
    pub const fn controller_type(&self) -> ControllerType {
        match self {
            Self::Ide { .. } => ControllerType::Ide,
            Self::Fdc => ControllerType::Fdc,
            Self::Scsi { .. } => ControllerType::Scsi,
            Self::Sata => ControllerType::Sata,
            Self::VirtioSerial { .. } => ControllerType::VirtioSerial,
            Self::Ccid => ControllerType::Ccid,
            Self::Usb { .. } => ControllerType::Usb,
            Self::Pci(_) => ControllerType::Pci,
            Self::Xenbus { .. } => ControllerType::Xenbus,
            Self::Isa => ControllerType::Isa,
        }
    }

    /// The model as it is written.
    #[must_use]
    pub fn model_text(&self) -> Option<&'static str> {
        match self {
            Self::Ide { model } => model.map(TextEnum::text),
            Self::Scsi { model } => model.map(TextEnum::text),
            Self::VirtioSerial { model, .. } => model.map(TextEnum::text),
            Self::Usb { model, .. } => model.map(TextEnum::text),
            Self::Pci(pci) => pci.model.map(TextEnum::text),
            Self::Fdc | Self::Sata | Self::Ccid | Self::Xenbus { .. } | Self::Isa => None,
        }
    }

    /// `ports`, of the types that have it.
    #[must_use]
    pub const fn ports(&self) -> Option<u32> {
        match self {
            Self::VirtioSerial { ports, .. } | Self::Usb { ports, .. } => *ports,
            _ => None,
        }
    }

    /// `vectors`, of the type that has it.
    #[must_use]
    pub const fn vectors(&self) -> Option<u32> {
        match self {
            Self::VirtioSerial { vectors, .. } => *vectors,
            _ => None,
        }
    }

    pub(super) fn parse_options(&mut self, el: Element<'_>, info: &mut DeviceInfo) -> Result<()> {
        match self {
            Self::VirtioSerial { ports, vectors, .. } => {
                *ports = el.attr_u32("ports", Base::Ten)?;
                *vectors = el.attr_u32("vectors", Base::Ten)?;
            }
            Self::Usb { model, ports } => {
                *ports = el.attr_u32("ports", Base::Ten)?;
                if info.usb_master.is_none() {
                    info.usb_master = model.and_then(UsbModel::companion_port);
                }
            }
            Self::Pci(pci) => pci.parse(el)?,
            Self::Xenbus { max_grant_frames, max_event_channels } => {
                *max_grant_frames = el.attr_u32("maxGrantFrames", Base::Ten)?;
                *max_event_channels = el.attr_u32("maxEventChannels", Base::Ten)?;
            }
            Self::Ide { .. } | Self::Fdc | Self::Scsi { .. } | Self::Sata | Self::Ccid | Self::Isa => {}
        }
        Ok(())
    }

    pub(super) fn format_options(&self, w: &mut Writer) {
        w.attr_opt("ports", self.ports());
        w.attr_opt("vectors", self.vectors());
        if let Self::Xenbus { max_grant_frames, max_event_channels } = self {
            w.attr_opt("maxGrantFrames", *max_grant_frames);
            w.attr_opt("maxEventChannels", *max_event_channels);
        }
    }
}

/// A controller of this type and of the model that the element names.
pub(super) fn with_model(kind: ControllerType, el: Element<'_>) -> Result<ControllerKind> {
    fn set<T: TextEnum>(model: &mut Option<T>, text: &str) -> bool {
        *model = T::from_text(text);
        model.is_some()
    }
    let mut kind = ControllerKind::bare(kind);
    let Some(text) = el.attr("model") else { return Ok(kind) };
    let known = match &mut kind {
        ControllerKind::Ide { model } => set(model, text),
        ControllerKind::Scsi { model } => set(model, text),
        ControllerKind::VirtioSerial { model, .. } => set(model, text),
        ControllerKind::Usb { model, .. } => set(model, text),
        ControllerKind::Pci(pci) => set(&mut pci.model, text),
        ControllerKind::Fdc
        | ControllerKind::Sata
        | ControllerKind::Ccid
        | ControllerKind::Xenbus { .. }
        | ControllerKind::Isa => false,
    };
    if known {
        return Ok(kind);
    }
    Err(unsupported(format!("Unknown model type '{text}'")).at(el.place()))
}
