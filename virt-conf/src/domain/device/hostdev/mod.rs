//! `<hostdev>`: a device of the host that the guest, or the container, gets.

mod capability;
mod mdev;
mod pci;
mod scsi;
mod usb;

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use capability::Capability;
pub use mdev::{Mdev, MdevModel};
pub use pci::{OriginalStates, PciHostdev};
pub use scsi::{Iscsi, ScsiAdapter, ScsiHostdev, ScsiUnit, VhostScsi, VhostScsiModel};
pub use usb::{GuestReset, UsbHostdev};

use super::interface::TeamingType;
use super::{Controller, Device, Domain, FormatContext, ParseContext};
use crate::common::address::{AddressType, Drive};
use crate::common::device_info::Takes;
use crate::common::{Address, DeviceInfo};
use crate::error::{internal, unsupported, xml_error};
use crate::grammar::Part;
use crate::{FormatFlags, Result};

text_enum! {
    /// Whether the hypervisor hands the device over, or the container sees it.
    enum Mode { #[default] Subsystem = "subsystem", Capabilities = "capabilities" }
}

text_enum! {
    /// The kinds of device that a hypervisor hands over.
    pub enum SubsystemType { Usb = "usb", Pci = "pci", Scsi = "scsi", ScsiHost = "scsi_host", Mdev = "mdev" }
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hostdev {
    /// `mode`, `type` and `<source>`.
    pub source: HostdevSource,
    /// `managed`: the engine takes it from the host and gives it back.
    pub managed: bool,
    /// `<teaming type='…'/>`.
    pub teaming: TeamingType,
    /// `<teaming persistent='…'/>`: alias of the card that stays when this one is unplugged.
    pub teaming_persistent: Option<String>,
    /// `<readonly/>`, of SCSI units.
    pub readonly: bool,
    /// `<shareable/>`, of SCSI units.
    pub shareable: bool,
    /// Whether an optional device was not there at the start; only of a running domain.
    pub missing: bool,
    /// Alias, address, boot order and option ROM.
    pub info: DeviceInfo,
}

/// Which device.
#[derive(Debug, Clone, PartialEq)]
pub enum HostdevSource {
    /// A USB device.
    Usb(UsbHostdev),
    /// A PCI device.
    Pci(PciHostdev),
    /// A SCSI unit.
    Scsi(ScsiHostdev),
    /// A target of the host's SCSI target subsystem.
    ScsiHost(VhostScsi),
    /// A mediated device.
    Mdev(Mdev),
    /// What a container sees.
    Capability(Capability),
}

impl Default for HostdevSource {
    fn default() -> Self {
        Self::Usb(UsbHostdev::default())
    }
}

impl HostdevSource {
    /// The kind, of devices that a hypervisor hands over.
    #[must_use]
    pub const fn subsystem(&self) -> Option<SubsystemType> {
        Some(match self {
            Self::Usb(_) => SubsystemType::Usb,
            Self::Pci(_) => SubsystemType::Pci,
            Self::Scsi(_) => SubsystemType::Scsi,
            Self::ScsiHost(_) => SubsystemType::ScsiHost,
            Self::Mdev(_) => SubsystemType::Mdev,
            Self::Capability(_) => return None,
        })
    }

    /// Whether both mean the same device of the host.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Usb(a), Self::Usb(b)) => a.same(b),
            (Self::Pci(a), Self::Pci(b)) => a.address.at == b.address.at,
            (Self::Scsi(a), Self::Scsi(b)) => a.unit.same(&b.unit),
            (Self::ScsiHost(a), Self::ScsiHost(b)) => a.wwpn == b.wwpn,
            (Self::Mdev(a), Self::Mdev(b)) => a.uuid == b.uuid,
            (Self::Capability(a), Self::Capability(b)) => a.same(b),
            _ => false,
        }
    }
}

impl Device for Hostdev {
    const ELEMENT: &'static str = "hostdev";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mut hostdev = match el.attr_enum("mode")?.unwrap_or(Mode::Subsystem) {
            Mode::Subsystem => parse_subsystem(el, cx)?,
            Mode::Capabilities => {
                Self { source: HostdevSource::Capability(Capability::parse(el)?), ..Self::default() }
            }
        };
        hostdev.info = DeviceInfo::parse(el, Takes::BOOT_AND_ROM, cx.flags)?;
        if let HostdevSource::Scsi(_) = hostdev.source {
            hostdev.readonly = el.child("readonly").is_some();
            hostdev.shareable = el.child("shareable").is_some();
        }
        if let Some(teaming) = el.child("teaming") {
            let text = |name| teaming.attr(name).filter(|text| !text.is_empty());
            let (kind, persistent) = (text("type"), text("persistent"));
            if kind.is_some() || persistent.is_some() {
                let kind = kind.unwrap_or("(null)");
                hostdev.teaming =
                    TeamingType::from_text(kind).filter(|kind| *kind != TeamingType::None).ok_or_else(
                        || unsupported(format!("unknown teaming type '{kind}'")).at(teaming.place()),
                    )?;
                hostdev.teaming_persistent = persistent.map(str::to_owned);
            }
        }
        Ok(hostdev)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            match &self.source {
                HostdevSource::Capability(capability) => {
                    w.attr("mode", "capabilities");
                    w.attr("type", capability.type_text());
                    capability.format(w);
                }
                source => {
                    w.attr("mode", "subsystem");
                    w.attr_opt("type", source.subsystem());
                    w.attr_yes_no("managed", Some(self.managed));
                    self.format_subsystem(w, cx.flags);
                }
            }
            if self.teaming != TeamingType::None {
                w.element("teaming", |w| {
                    w.attr("type", self.teaming);
                    w.attr_opt("persistent", self.teaming_persistent.as_ref());
                });
            }
            if self.readonly {
                w.element("readonly", |_| {});
            }
            if self.shareable {
                w.element("shareable", |_| {});
            }
            self.info.format(w, Takes::BOOT_AND_ROM);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        match &mut self.source {
            HostdevSource::Scsi(scsi) => {
                scsi.fill();
                if self.info.address == Address::None {
                    self.info.address = Address::Drive(scsi::free_place(domain));
                }
                if let Address::Drive(place) = &self.info.address
                    && scsi::is_used_by_disk(domain, place)
                {
                    return Err(xml_error(format!("{} in use by a SCSI disk", scsi::place_text(place))));
                }
                Ok(())
            }
            HostdevSource::Mdev(mdev) => mdev.check_address(&self.info.address),
            HostdevSource::Usb(_) if domain.devices.controllers.iter().any(Controller::is_usb_none) => {
                Err(unsupported("Can't add host USB device: USB is disabled in this host"))
            }
            HostdevSource::Usb(_)
            | HostdevSource::Pci(_)
            | HostdevSource::ScsiHost(_)
            | HostdevSource::Capability(_) => Ok(()),
        }
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        self.validate_address()?;
        if let HostdevSource::Scsi(scsi) = &self.source {
            scsi.validate()?;
        }
        self.validate_teaming()?;
        self.refuse_twins(domain)
    }

    fn same_device(&self, other: &Self) -> bool {
        self.source.same(&other.source)
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let text = |source: &HostdevSource| match source {
            HostdevSource::Capability(capability) => capability.type_text(),
            source => source.subsystem().map_or("", TextEnum::text),
        };
        if text(&self.source) != text(&target.source) {
            return Err(unsupported(format!(
                "Target host device subsystem type {} does not match source type {}",
                text(&target.source),
                text(&self.source)
            )));
        }
        Ok(())
    }
}

impl Hostdev {
    /// The place on a SCSI controller, of SCSI units.
    #[must_use]
    pub const fn scsi_place(&self) -> Option<&Drive> {
        match (&self.source, &self.info.address) {
            (HostdevSource::Scsi(_), Address::Drive(place)) => Some(place),
            _ => None,
        }
    }

    fn format_subsystem(&self, w: &mut Writer, flags: FormatFlags) {
        match &self.source {
            HostdevSource::Usb(usb) => usb.format(w, self.missing, flags),
            HostdevSource::Pci(pci) => pci.format(w, flags),
            HostdevSource::Scsi(scsi) => scsi.format(w),
            HostdevSource::ScsiHost(vhost) => vhost.format(w),
            HostdevSource::Mdev(mdev) => mdev.format(w),
            HostdevSource::Capability(_) => {}
        }
    }

    fn validate_address(&self) -> Result<()> {
        let kind = self.info.address.kind();
        let allowed: &[AddressType] = match self.source.subsystem() {
            Some(SubsystemType::Pci) => &[AddressType::Unassigned, AddressType::Pci],
            Some(SubsystemType::Scsi) => &[AddressType::Drive],
            Some(SubsystemType::ScsiHost) => &[AddressType::Pci, AddressType::Ccw],
            Some(SubsystemType::Usb) => &[AddressType::Usb],
            Some(SubsystemType::Mdev) | None => return Ok(()),
        };
        if kind == AddressType::None || allowed.contains(&kind) {
            return Ok(());
        }
        Err(match self.source.subsystem() {
            Some(SubsystemType::Pci) => {
                internal("PCI host devices must use 'pci' or 'unassigned' address type")
            }
            Some(SubsystemType::Scsi) => unsupported("SCSI host device must use 'drive' address type"),
            Some(SubsystemType::ScsiHost) => {
                unsupported("SCSI_host host device must use 'pci' or 'ccw' address type")
            }
            Some(SubsystemType::Usb | SubsystemType::Mdev) | None => {
                unsupported("USB host device must use 'usb' address type")
            }
        })
    }

    fn validate_teaming(&self) -> Result<()> {
        match self.teaming {
            TeamingType::None => return Ok(()),
            TeamingType::Persistent => {
                return Err(unsupported("teaming hostdev devices must have type='transient'"));
            }
            TeamingType::Transient => {}
        }
        if self.teaming_persistent.is_none() {
            return Err(unsupported("missing required persistent attribute in hostdev teaming element"));
        }
        if !matches!(self.source, HostdevSource::Pci(_)) {
            return Err(unsupported("teaming is only supported for pci hostdev devices"));
        }
        Ok(())
    }

    fn refuse_twins(&self, domain: &Domain) -> Result<()> {
        let others = || domain.devices.hostdevs.iter().filter(|other| !std::ptr::eq(*other, self));
        if others().any(|other| other.source.same(&self.source)) {
            return Err(xml_error("Hostdev already exists in the domain configuration"));
        }
        let ramfb =
            |hostdev: &Self| matches!(&hostdev.source, HostdevSource::Mdev(mdev) if mdev.ramfb == Some(true));
        if ramfb(self) && others().any(ramfb) {
            return Err(unsupported("Only one vgpu device can have 'ramfb' enabled"));
        }
        let Some(place) = self.scsi_place() else { return Ok(()) };
        let text = scsi::place_text(place);
        if others().any(|other| other.scsi_place() == Some(place)) {
            return Err(unsupported(format!("{text} in use by another SCSI host device")));
        }
        if scsi::is_used_by_disk(domain, place) {
            return Err(unsupported(format!("{text} in use by another SCSI disk")));
        }
        Ok(())
    }
}

fn parse_subsystem(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Hostdev> {
    let kind: SubsystemType = el.required("type", el.attr_enum("type")?)?;
    // libvirt reads nonsense here as "no".
    let managed = el.attr("managed") == Some("yes");
    let source = el
        .child("source")
        .ok_or_else(|| xml_error("Missing <source> element in hostdev device").at(el.place()))?;
    if kind != SubsystemType::Usb && source.attr("startupPolicy").is_some() {
        return Err(unsupported("Setting startupPolicy is only allowed for USB devices").at(source.place()));
    }
    if kind != SubsystemType::Scsi {
        for (name, given) in [
            ("sgio", el.attr_enum::<super::Sgio>("sgio")?.is_some()),
            ("rawio", el.attr_yes_no("rawio")?.is_some()),
        ] {
            if given {
                return Err(
                    xml_error(format!("{name} is only supported for scsi host device")).at(el.place())
                );
            }
        }
    }
    if !matches!(kind, SubsystemType::Mdev | SubsystemType::ScsiHost) && el.attr("model").is_some() {
        let detail = format!("'model' attribute in <hostdev> is only supported when type='{kind}'");
        return Err(xml_error(detail).at(el.place()));
    }
    let (source, missing) = match kind {
        SubsystemType::Usb => {
            (HostdevSource::Usb(UsbHostdev::parse(source)?), source.attr("missing") == Some("yes"))
        }
        SubsystemType::Pci => (HostdevSource::Pci(PciHostdev::parse(el, source, cx.flags)?), false),
        SubsystemType::Scsi => (HostdevSource::Scsi(ScsiHostdev::parse(el, source)?), false),
        SubsystemType::ScsiHost => (HostdevSource::ScsiHost(VhostScsi::parse(el, source)?), false),
        SubsystemType::Mdev => (HostdevSource::Mdev(Mdev::parse(el, source)?), false),
    };
    Ok(Hostdev { source, managed, missing, ..Hostdev::default() })
}

grammar! {
    GRAMMAR = [
        Attr("mode", OneOf(Mode::NAMES)), Must("type", OneOf(&["usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net"])),
        Attr("managed", YesNo),
        When("type", &["usb"], &[One("source", usb::SOURCE)]),
        When("type", &["pci"], &[
            One("source", pci::SOURCE), Opt("driver", &[Attr("name", OneOf(&["kvm", "vfio", "xen"]))]),
            Opt("teaming", super::interface::TEAMING), With(crate::common::device_info::ROM), Attr("display", OnOff), Attr("ramfb", OnOff),
        ]),
        When("type", &["scsi"], &[
            Attr("sgio", OneOf(super::Sgio::NAMES)), Attr("rawio", YesNo), One("source", scsi::SOURCE),
            Opt("readonly", FLAG), Opt("shareable", FLAG),
        ]),
        When("type", &["scsi_host"], &[Attr("model", Str), One("source", scsi::HOST_SOURCE)]),
        When("type", &["mdev"], &[
            Must("model", OneOf(MdevModel::NAMES)), Attr("display", OnOff), Attr("ramfb", OnOff), One("source", mdev::SOURCE), With(crate::common::device_info::ROM),
        ]),
        When("type", &["storage"], &[One("source", &[One("block", TEXT)])]),
        When("type", &["misc"], &[One("source", &[One("char", TEXT)])]),
        When("type", &["net"], &[One("source", &[One("interface", TEXT)]), With(crate::common::ip::IP)]),
        With(crate::common::device_info::BOOT), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests;
