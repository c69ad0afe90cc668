//! A mediated device of the host.

use virt_types::{Uuid, text_enum};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::Address;
use crate::error::{internal, unsupported, xml_error};

text_enum! {
    /// What the device is to the guest.
    pub enum MdevModel { #[default] VfioPci = "vfio-pci", VfioCcw = "vfio-ccw", VfioAp = "vfio-ap" }
}

/// A mediated device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mdev {
    /// `model`.
    pub model: MdevModel,
    /// `display`: its picture is shown.
    pub display: Option<bool>,
    /// `ramfb`: there is a picture before the guest's driver runs.
    pub ramfb: Option<bool>,
    /// `<source><address uuid='…'/></source>`; nil until read.
    pub uuid: Option<Uuid>,
}

impl Mdev {
    pub(super) fn parse(hostdev: Element<'_>, el: Element<'_>) -> Result<Self> {
        let model = hostdev.required("model", hostdev.attr_enum("model")?)?;
        let display = hostdev.attr_on_off("display")?;
        let ramfb = hostdev.attr_on_off("ramfb")?;
        let address =
            el.child("address").ok_or_else(|| unsupported("Missing <address> element").at(el.place()))?;
        let text = address.attr("uuid").ok_or_else(|| {
            unsupported("Missing 'uuid' attribute for element <address>").at(address.place())
        })?;
        let uuid = text
            .parse()
            .map_err(|_| internal("Cannot parse uuid attribute of element <address>").at(address.place()))?;
        Ok(Self { model, display, ramfb, uuid: Some(uuid) })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr("model", self.model);
        w.attr_on_off("display", self.display);
        w.attr_on_off("ramfb", self.ramfb);
        w.element("source", |w| w.element("address", |w| w.attr_opt("uuid", self.uuid)));
    }

    pub(super) fn check_address(&self, address: &Address) -> Result<()> {
        let fits = match (self.model, address) {
            (_, Address::None) | (MdevModel::VfioAp, _) => true,
            (MdevModel::VfioPci, address) => matches!(address, Address::Pci(_)),
            (MdevModel::VfioCcw, address) => matches!(address, Address::Ccw(_)),
        };
        if fits {
            return Ok(());
        }
        Err(xml_error(format!(
            "Unsupported address type '{}' with mediated device model '{}'",
            address.kind(),
            self.model
        )))
    }
}

grammar! {
    pub(super) SOURCE = [One("address", &[Must("uuid", UUID)])];
}
