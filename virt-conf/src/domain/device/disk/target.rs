//! `<target>`: the drive as the guest sees it.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Disk, DiskDevice};
use crate::Result;
use crate::common::address::AddressType;
use crate::error::{internal, unsupported, xml_error};

text_enum! {
    /// What the drive is attached to.
    pub enum DiskBus {
        Ide = "ide", Fdc = "fdc", Scsi = "scsi", Virtio = "virtio", Xen = "xen", Usb = "usb", Uml = "uml",
        Sata = "sata", Sd = "sd",
    }
}

text_enum! {
    /// Whether the tray is out.
    pub enum Tray { #[default] Closed = "closed", Open = "open" }
}

/// `<target>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskTarget {
    /// `dev`: a name that orders the disks; guests give their own.
    pub dev: Option<String>,
    /// `bus`; absent until the name or the driver decides.
    pub bus: Option<DiskBus>,
    /// `tray`.
    pub tray: Tray,
    /// `removable`.
    pub removable: Option<bool>,
    /// `rotation_rate`: 1 for a disk that does not rotate, else rotations a minute.
    pub rotation_rate: Option<u32>,
}

impl DiskTarget {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            dev: el.attr("dev").map(str::to_owned),
            bus: el.attr_enum("bus")?,
            tray: el.attr_enum("tray")?.unwrap_or_default(),
            removable: el.attr_on_off("removable")?,
            rotation_rate: el.attr_u32("rotation_rate", Base::Ten)?.filter(|rate| *rate > 0),
        })
    }

    pub(super) fn format(&self, w: &mut Writer, removable_media: bool) {
        w.element("target", |w| {
            w.attr("dev", self.dev.as_deref().unwrap_or("(null)"));
            w.attr_opt("bus", self.bus);
            w.attr_opt("tray", Some(self.tray).filter(|tray| removable_media && *tray == Tray::Open));
            w.attr_on_off("removable", self.removable.filter(|_| self.bus == Some(DiskBus::Usb)));
            w.attr_opt("rotation_rate", self.rotation_rate);
        });
    }

    /// Chooses the bus by device and name.
    pub(super) fn fill(&mut self, device: DiskDevice) {
        if let Some(rest) = self.dev.as_ref().and_then(|dev| dev.strip_prefix("ioemu:")) {
            self.dev = Some(rest.to_owned());
        }
        if self.bus.is_some() {
            return;
        }
        let by_name = [
            ("hd", DiskBus::Ide),
            ("sd", DiskBus::Scsi),
            ("vd", DiskBus::Virtio),
            ("xvd", DiskBus::Xen),
            ("ubd", DiskBus::Uml),
        ];
        let dev = self.dev.as_deref().unwrap_or_default();
        self.bus = Some(match device {
            DiskDevice::Floppy => DiskBus::Fdc,
            _ => by_name
                .iter()
                .find(|(prefix, _)| dev.starts_with(prefix))
                .map_or(DiskBus::Ide, |(_, bus)| *bus),
        });
    }

    /// Refuses buses, places and names that do not fit together.
    pub(super) fn validate(&self, disk: &Disk) -> Result<()> {
        let (bus, dev) = (disk.bus(), disk.name());
        let place = disk.info.address.kind();
        let on_controller = matches!(bus, DiskBus::Ide | DiskBus::Fdc | DiskBus::Scsi | DiskBus::Sata);
        if on_controller && !matches!(place, AddressType::None | AddressType::Drive) {
            return Err(unsupported(format!(
                "Invalid address type '{place}' for the disk '{dev}' with the bus type '{bus}'"
            )));
        }
        if self.tray == Tray::Open && !disk.is_removable() {
            return Err(unsupported("tray is only valid for cdrom and floppy"));
        }
        let floppy = disk.device == DiskDevice::Floppy;
        if floppy != (bus == DiskBus::Fdc) {
            let what = if floppy { "floppy disk" } else { "disk" };
            return Err(internal(format!("Invalid bus type '{bus}' for {what}")));
        }
        let scsi_disk = bus == DiskBus::Scsi && disk.device == DiskDevice::Disk;
        if self.removable.is_some() && bus != DiskBus::Usb && !scsi_disk {
            return Err(xml_error("removable is only valid for usb or scsi disks"));
        }
        super::source::validate_startup_policy(disk)?;
        let named = |prefixes: &[&str]| prefixes.iter().any(|prefix| dev.starts_with(prefix));
        match disk.device {
            DiskDevice::Disk | DiskDevice::Lun if !named(&["hd", "sd", "vd", "xvd", "ubd"]) => {
                Err(internal(format!("Invalid harddisk device name: {dev}")))
            }
            DiskDevice::Floppy if !named(&["fd"]) => {
                Err(internal(format!("Invalid floppy device name: {dev}")))
            }
            DiskDevice::Disk | DiskDevice::Lun | DiskDevice::Floppy | DiskDevice::Cdrom => Ok(()),
        }
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Must("dev", Str), Attr("bus", OneOf(DiskBus::NAMES)), Attr("tray", OneOf(Tray::NAMES)), Attr("removable", OnOff),
        Attr("rotation_rate", Number(1, 65_534)),
    ];
}
