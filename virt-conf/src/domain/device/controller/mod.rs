//! `<controller>`: what other devices are attached to.

mod kind;
mod pci;

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

pub use kind::{ControllerKind, ControllerType, IdeModel, ScsiModel, UsbModel, VirtioSerialModel};
pub use pci::{PciController, PciModel, PciModelName};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver};
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;

/// A controller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Controller {
    /// `type` and `model`, with what only this type has.
    pub kind: ControllerKind,
    /// `index`, by which devices name it; absent until assigned.
    pub index: Option<u32>,
    /// `<driver>`.
    pub driver: ControllerDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

/// `<driver>` of a controller; absent numbers leave the choice to the hypervisor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControllerDriver {
    /// `queues`.
    pub queues: Option<u32>,
    /// `cmd_per_lun`: commands that may wait for one unit.
    pub cmd_per_lun: Option<u32>,
    /// `max_sectors`: sectors that one command may move.
    pub max_sectors: Option<u32>,
    /// `ioeventfd`.
    pub ioeventfd: Option<bool>,
    /// `iothread`: number of the I/O thread that serves it.
    pub iothread: Option<u32>,
    /// Options of the virtio transport.
    pub virtio: VirtioDriver,
}

impl Controller {
    /// A controller of this kind and index.
    #[must_use]
    pub fn new(kind: ControllerKind, index: u32) -> Self {
        Self { kind, index: Some(index), ..Self::default() }
    }

    /// The type.
    #[must_use]
    pub const fn controller_type(&self) -> ControllerType {
        self.kind.controller_type()
    }

    /// Whether it is of this type and index.
    #[must_use]
    pub fn is(&self, kind: ControllerType, index: u32) -> bool {
        self.controller_type() == kind && self.index == Some(index)
    }

    /// The index as it is written; libvirt shows a missing one as -1.
    #[must_use]
    pub fn index_text(&self) -> String {
        self.index.map_or_else(|| "-1".to_owned(), |index| index.to_string())
    }

    /// The PCI options, where it is a PCI controller.
    #[must_use]
    pub const fn pci(&self) -> Option<&PciController> {
        match &self.kind {
            ControllerKind::Pci(pci) => Some(pci),
            _ => None,
        }
    }

    /// The PCI options, to change them.
    pub const fn pci_mut(&mut self) -> Option<&mut PciController> {
        match &mut self.kind {
            ControllerKind::Pci(pci) => Some(pci),
            _ => None,
        }
    }

    /// The model of a SCSI controller.
    #[must_use]
    pub const fn scsi_model(&self) -> Option<ScsiModel> {
        match self.kind {
            ControllerKind::Scsi { model } => model,
            _ => None,
        }
    }

    /// The model of a USB controller.
    #[must_use]
    pub const fn usb_model(&self) -> Option<UsbModel> {
        match self.kind {
            ControllerKind::Usb { model, .. } => model,
            _ => None,
        }
    }

    /// Whether it says that the guest has no USB.
    #[must_use]
    pub fn is_usb_none(&self) -> bool {
        self.usb_model() == Some(UsbModel::None)
    }

    /// Whether it is a PCI host bridge of a pseries guest.
    #[must_use]
    pub fn is_pseries_host_bridge(&self) -> bool {
        self.pci().is_some_and(|pci| {
            pci.model == Some(PciModel::PciRoot) && pci.name == Some(PciModelName::SpaprPciHostBridge)
        })
    }
}

impl ControllerDriver {
    fn parse(el: Element<'_>) -> Result<Self> {
        // Zero means "not given" in each of these.
        let number = |name| Ok::<_, crate::Error>(el.attr_u32(name, Base::Ten)?.filter(|n| *n > 0));
        Ok(Self {
            queues: number("queues")?,
            cmd_per_lun: number("cmd_per_lun")?,
            max_sectors: number("max_sectors")?,
            ioeventfd: el.attr_on_off("ioeventfd")?,
            iothread: number("iothread")?,
            virtio: VirtioDriver::parse(el)?,
        })
    }

    fn format(&self, w: &mut Writer) {
        w.attr_opt("queues", self.queues);
        w.attr_opt("cmd_per_lun", self.cmd_per_lun);
        w.attr_opt("max_sectors", self.max_sectors);
        w.attr_on_off("ioeventfd", self.ioeventfd);
        w.attr_opt("iothread", self.iothread);
        self.virtio.format(w);
    }
}

impl Device for Controller {
    const ELEMENT: &'static str = "controller";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.attr_enum("type")?.unwrap_or(ControllerType::Ide);
        let mut kind = kind::with_model(kind, el)?;
        let index = el.attr_with("index", " Expected non-negative value", |text| {
            number::parse_i32(text, Base::Ten).and_then(|index| u32::try_from(index).ok())
        })?;
        let driver = el.child("driver").map(ControllerDriver::parse).transpose()?.unwrap_or_default();
        for name in ["model", "target"] {
            if el.children_named(name).count() > 1 {
                let detail = format!("Multiple <{name}> elements in controller definition not allowed");
                return Err(xml_error(detail).at(el.place()));
            }
        }
        let none = matches!(kind, ControllerKind::Usb { model: Some(UsbModel::None), .. });
        let mut info = match none {
            true => DeviceInfo::default(),
            false => DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?,
        };
        kind.parse_options(el, &mut info)?;
        Ok(Self { kind, index, driver, info })
    }

    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        let mut controllers = Vec::new();
        let (mut none, mut usb, mut master) = (false, false, None);
        for el in elements {
            let controller = Self::parse(el, cx)?;
            if controller.controller_type() == ControllerType::Usb {
                if none || (usb && controller.is_usb_none()) {
                    let detail = "Can't add another USB controller: USB is disabled for this domain";
                    return Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
                }
                none = controller.is_usb_none();
                usb |= !none;
                if usb && master.is_none() {
                    master = Some(Err(el));
                }
                if controller.info.usb_master.is_none() {
                    master = Some(Ok(()));
                }
            }
            controllers.push(controller);
        }
        match master {
            Some(Err(el)) => {
                let detail = "No master USB controller specified";
                Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail))
            }
            Some(Ok(())) | None => Ok(controllers),
        }
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.controller_type());
            w.attr("index", self.index_text());
            w.attr_opt("model", self.kind.model_text());
            self.kind.format_options(w);
            if let Some(pci) = self.pci() {
                pci.format(w, cx);
            }
            w.element_if_any("driver", |w| self.driver.format(w));
            self.info.format(w, Takes::NOTHING);
            if let Some(size) = self.pci().and_then(|pci| pci.hole64) {
                w.text_element_with("pcihole64", |w| w.attr("unit", "KiB"), size);
            }
        });
    }

    has_info!();

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        if self.driver.iothread.is_some() && !self.scsi_model().is_some_and(ScsiModel::is_virtio) {
            return Err(xml_error("'iothread' attribute only supported for virtio scsi controllers"));
        }
        Ok(())
    }

    fn validate(&self, _domain: &Domain) -> Result<()> {
        self.pci().map_or(Ok(()), |pci| pci.validate(self))
    }

    fn same_device(&self, other: &Self) -> bool {
        self.controller_type() == other.controller_type() && self.index == other.index
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let differ = |what: &str, source: &dyn std::fmt::Display, target: &dyn std::fmt::Display| {
            Err(unsupported(format!("Target controller {what} {target} does not match source {source}")))
        };
        if self.controller_type() != target.controller_type() {
            return differ("type", &self.controller_type(), &target.controller_type());
        }
        if self.index != target.index {
            return differ("index", &self.index_text(), &target.index_text());
        }
        if self.kind.model_text() != target.kind.model_text() {
            let text = |kind: &ControllerKind| kind.model_text().unwrap_or("default");
            return differ("model", &text(&self.kind), &text(&target.kind));
        }
        for (what, source, target) in [
            ("ports", self.kind.ports(), target.kind.ports()),
            ("vectors", self.kind.vectors(), target.kind.vectors()),
        ] {
            if source != target {
                let text = |n: Option<u32>| n.map_or_else(|| "-1".to_owned(), |n| n.to_string());
                return differ(what, &text(source), &text(target));
            }
        }
        self.driver.virtio.check_abi(&target.driver.virtio)
    }
}

impl Domain {
    /// The controller of this type and index.
    #[must_use]
    pub fn controller(&self, kind: ControllerType, index: u32) -> Option<&Controller> {
        self.devices.controllers.iter().find(|controller| controller.is(kind, index))
    }

    /// Whether there is a controller of this type.
    #[must_use]
    pub fn has_controller(&self, kind: ControllerType) -> bool {
        self.controllers_of(kind).next().is_some()
    }

    /// The controllers of this type, in the document's order.
    pub fn controllers_of(&self, kind: ControllerType) -> impl Iterator<Item = &Controller> {
        self.devices.controllers.iter().filter(move |controller| controller.controller_type() == kind)
    }

    /// The smallest index that no controller of this type has.
    #[must_use]
    pub fn unused_controller_index(&self, kind: ControllerType) -> u32 {
        (0..).find(|index| self.controller(kind, *index).is_none()).unwrap_or_default()
    }
}

grammar! {
    GRAMMAR = [
        Attr("type", OneOf(ControllerType::NAMES)), Attr("index", U32), Attr("model", Str),
        When("type", &["virtio-serial"], &[Attr("ports", U32), Attr("vectors", U32)]),
        When("type", &["usb"], &[Attr("ports", U32)]),
        When("type", &["xenbus"], &[Attr("maxGrantFrames", U32), Attr("maxEventChannels", U32)]),
        When("type", &["pci"], &[
            Opt("pcihole64", &[Attr("unit", UNIT), Text(U64)]), Opt("model", &[Must("name", OneOf(PciModelName::NAMES))]),
            Opt("target", &[
                Attr("chassisNr", Hex(0xff)), Attr("chassis", Hex(0xff)), Attr("port", Hex(0xff)), Attr("hotplug", OnOff),
                Attr("busNr", Hex(0xff)), Attr("index", U32), Opt("node", NUMBER),
            ]),
        ]),
        Opt("driver", &[
            Attr("queues", U32), Attr("cmd_per_lun", U32), Attr("max_sectors", U32), Attr("ioeventfd", OnOff),
            Attr("iothread", U32), With(crate::common::virtio_driver::VIRTIO),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests;
