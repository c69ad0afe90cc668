//! `<capability>`: what a device is and can do.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::s390::{parse_adapter, parse_domain};
use super::{
    CcwAddress, Css, DrmType, Mdev, MdevType, NetCapability, Origin, PciCapability, REFUSE, Scsi, ScsiHost,
    ScsiTarget, Storage, System, UsbDevice, UsbInterface, mdev,
};
use crate::Result;

text_enum! {
    /// The types of capabilities.
    pub enum CapabilityType {
        System = "system", Pci = "pci", UsbDevice = "usb_device", UsbInterface = "usb", Net = "net",
        ScsiHost = "scsi_host", ScsiTarget = "scsi_target", Scsi = "scsi", Storage = "storage",
        FcHost = "fc_host", Vports = "vports", ScsiGeneric = "scsi_generic", Drm = "drm",
        MdevTypes = "mdev_types", Mdev = "mdev", Ccw = "ccw", Css = "css", Vdpa = "vdpa", ApCard = "ap_card",
        ApQueue = "ap_queue", ApMatrix = "ap_matrix", Vpd = "vpd",
    }
}

/// What a device is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    /// The computer.
    System(System),
    /// A function on a PCI bus.
    Pci(Box<PciCapability>),
    /// A USB device.
    UsbDevice(UsbDevice),
    /// An interface of a USB device.
    UsbInterface(UsbInterface),
    /// A network device.
    Net(NetCapability),
    /// A SCSI host.
    ScsiHost(ScsiHost),
    /// A SCSI target.
    ScsiTarget(ScsiTarget),
    /// A SCSI device.
    Scsi(Scsi),
    /// A block device.
    Storage(Storage),
    /// A SCSI generic device: its path. Never read from a document.
    ScsiGeneric(String),
    /// A node of a graphics card.
    Drm(DrmType),
    /// A device that mediated ones can be made on. Never read from a document.
    MdevTypes(Vec<MdevType>),
    /// A mediated device.
    Mdev(Mdev),
    /// A channel-attached device.
    Ccw(CcwAddress),
    /// A subchannel.
    Css(Css),
    /// A vDPA device: its path. Never read from a document.
    Vdpa(Option<String>),
    /// A cryptographic card: its adapter.
    ApCard(u32),
    /// A queue of a cryptographic card: adapter and domain.
    ApQueue(u32, u32),
    /// What queues are handed over with; the types of mediated devices that can be made.
    ApMatrix(Option<Vec<MdevType>>),
}

impl Capability {
    pub(super) fn parse(el: Element<'_>, device: &str, origin: Origin) -> Result<Self> {
        let kind: CapabilityType = el.required("type", el.attr_enum("type")?)?;
        Ok(match kind {
            CapabilityType::System => Self::System(System::parse(el, device)?),
            CapabilityType::Pci => Self::Pci(Box::new(PciCapability::parse(el, device)?)),
            CapabilityType::UsbDevice => Self::UsbDevice(UsbDevice::parse(el, device)?),
            CapabilityType::UsbInterface => Self::UsbInterface(UsbInterface::parse(el, device)?),
            CapabilityType::Net => Self::Net(NetCapability::parse(el, device)?),
            CapabilityType::ScsiHost => Self::ScsiHost(ScsiHost::parse(el, device, origin)?),
            CapabilityType::ScsiTarget => Self::ScsiTarget(ScsiTarget::parse(el, device)?),
            CapabilityType::Scsi => Self::Scsi(Scsi::parse(el, device)?),
            CapabilityType::Storage => Self::Storage(Storage::parse(el, device)?),
            CapabilityType::Drm => {
                let text = el.child_text("type").unwrap_or_else(|| "(null)".to_owned());
                let unknown = || REFUSE.unsupported(format!("unknown drm type '{text}' for '{device}'"));
                Self::Drm(DrmType::from_text(&text).ok_or_else(|| unknown().at(el.place()))?)
            }
            CapabilityType::Mdev => Self::Mdev(Mdev::parse(el, device)?),
            CapabilityType::Ccw => Self::Ccw(CcwAddress::parse(el, device)?),
            CapabilityType::Css => Self::Css(Css::parse(el, device)?),
            CapabilityType::ApCard => Self::ApCard(parse_adapter(el, device)?),
            CapabilityType::ApQueue => Self::ApQueue(parse_adapter(el, device)?, parse_domain(el, device)?),
            CapabilityType::ApMatrix => Self::ApMatrix(mdev::parse_inner_types(el)?),
            CapabilityType::FcHost
            | CapabilityType::Vports
            | CapabilityType::ScsiGeneric
            | CapabilityType::MdevTypes
            | CapabilityType::Vdpa
            | CapabilityType::Vpd => {
                let number = CapabilityType::SPELLINGS.iter().position(|(other, _)| *other == kind);
                let detail = format!("unknown capability type '{}' for '{device}'", number.unwrap_or(0));
                return Err(REFUSE.internal(detail).at(el.place()));
            }
        })
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> CapabilityType {
        match self {
            Self::System(_) => CapabilityType::System,
            Self::Pci(_) => CapabilityType::Pci,
            Self::UsbDevice(_) => CapabilityType::UsbDevice,
            Self::UsbInterface(_) => CapabilityType::UsbInterface,
            Self::Net(_) => CapabilityType::Net,
            Self::ScsiHost(_) => CapabilityType::ScsiHost,
            Self::ScsiTarget(_) => CapabilityType::ScsiTarget,
            Self::Scsi(_) => CapabilityType::Scsi,
            Self::Storage(_) => CapabilityType::Storage,
            Self::ScsiGeneric(_) => CapabilityType::ScsiGeneric,
            Self::Drm(_) => CapabilityType::Drm,
            Self::MdevTypes(_) => CapabilityType::MdevTypes,
            Self::Mdev(_) => CapabilityType::Mdev,
            Self::Ccw(_) => CapabilityType::Ccw,
            Self::Css(_) => CapabilityType::Css,
            Self::Vdpa(_) => CapabilityType::Vdpa,
            Self::ApCard(_) => CapabilityType::ApCard,
            Self::ApQueue(..) => CapabilityType::ApQueue,
            Self::ApMatrix(_) => CapabilityType::ApMatrix,
        }
    }

    /// The types that a device with this capability is listed under: its own, and those of what is within.
    #[must_use]
    pub fn listed_as(&self) -> Vec<CapabilityType> {
        let mut kinds = vec![self.kind()];
        match self {
            Self::ScsiHost(host) => {
                kinds.extend(host.fc_host.is_some().then_some(CapabilityType::FcHost));
                kinds.extend(host.vport_ops.is_some().then_some(CapabilityType::Vports));
            }
            Self::Pci(pci) => {
                kinds.extend(pci.mdev_types.is_some().then_some(CapabilityType::MdevTypes));
                kinds.extend(pci.vpd.is_some().then_some(CapabilityType::Vpd));
            }
            Self::Css(css) => kinds.extend(css.mdev_types.is_some().then_some(CapabilityType::MdevTypes)),
            Self::ApMatrix(types) => kinds.extend(types.is_some().then_some(CapabilityType::MdevTypes)),
            _ => {}
        }
        kinds
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("capability", |w| {
            w.attr("type", self.kind());
            match self {
                Self::System(system) => system.format(w),
                Self::Pci(pci) => pci.format(w),
                Self::UsbDevice(usb) => usb.format(w),
                Self::UsbInterface(usb) => usb.format(w),
                Self::Net(net) => net.format(w),
                Self::ScsiHost(host) => host.format(w),
                Self::ScsiTarget(target) => target.format(w),
                Self::Scsi(scsi) => scsi.format(w),
                Self::Storage(storage) => storage.format(w),
                Self::ScsiGeneric(path) => w.text_element("char", path),
                Self::Drm(kind) => w.text_element("type", kind),
                Self::MdevTypes(types) => mdev::format_types(types, w),
                Self::Mdev(mdev) => mdev.format(w),
                Self::Ccw(address) => address.format(w),
                Self::Css(css) => css.format(w),
                Self::Vdpa(path) => w.text_element_opt("chardev", path.as_ref()),
                Self::ApCard(adapter) => w.text_element("ap-adapter", format_args!("0x{adapter:02x}")),
                Self::ApQueue(adapter, domain) => {
                    w.text_element("ap-adapter", format_args!("0x{adapter:02x}"));
                    w.text_element("ap-domain", format_args!("0x{domain:04x}"));
                }
                Self::ApMatrix(types) => types.iter().for_each(|types| mdev::format_types(types, w)),
            }
        });
    }
}
