//! `<redirdev>`: a USB device that is plugged in elsewhere.

use virt_types::{ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{ControllerType, Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::chardev::{ChardevSource, Labels, SpicevmcName};
use crate::common::device_info::Takes;
use crate::common::{Address, Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::error::{internal, unsupported, xml_error};
use crate::grammar::Part;

/// The channel that redirected devices come through on D-Bus.
const DBUS_CHANNEL: &str = "org.qemu.usbredir";

text_enum! {
    /// The bus that the device is on.
    pub enum RedirdevBus { #[default] Usb = "usb" }
}

/// A place for a redirected device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Redirdev {
    /// `bus`.
    pub bus: RedirdevBus,
    /// Where the device comes from.
    pub chardev: Chardev,
    /// Alias, address, boot order.
    pub info: DeviceInfo,
}

impl Device for Redirdev {
    const ELEMENT: &'static str = "redirdev";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let bus = match el.attr("bus") {
            Some(text) => RedirdevBus::from_text(text).ok_or_else(|| {
                let detail = format!("unknown redirdev bus '{text}'");
                el.attr_error("bus", ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
            })?,
            None => RedirdevBus::default(),
        };
        let Some(kind) = Chardev::parse_type(el, "unknown redirdev character device type")? else {
            return Err(internal("missing type in redirdev").at(el.place()));
        };
        let mut chardev = Chardev::parse(el, kind, Labels::Ignored, cx.flags)?;
        match &mut chardev.source {
            ChardevSource::Spicevmc(name) => *name = SpicevmcName::Usbredir,
            ChardevSource::Dbus { channel } => {
                channel.get_or_insert_with(|| DBUS_CHANNEL.to_owned());
            }
            _ => {}
        }
        let info = DeviceInfo::parse(el, Takes::BOOT, cx.flags)?;
        if !matches!(info.address, Address::None | Address::Usb(_)) {
            return Err(xml_error("Invalid address for a USB device").at(el.place()));
        }
        Ok(Self { bus, chardev, info })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("bus", self.bus.text());
            w.attr("type", self.chardev.type_text());
            self.chardev.format(w, cx.flags);
            self.info.format(w, Takes::BOOT);
        });
    }

    has_info!();

    fn validate(&self, domain: &Domain) -> Result<()> {
        let mut usb = domain
            .devices
            .controllers
            .iter()
            .filter(|controller| controller.controller_type() == ControllerType::Usb);
        // A controller of the model `none` says that there is no USB at all.
        if usb.clone().next().is_none() || usb.all(|controller| controller.kind.model_text() == Some("none"))
        {
            return Err(unsupported("cannot add redirected USB device: USB is disabled for this domain"));
        }
        self.chardev.validate(false, domain)
    }

    fn same_device(&self, other: &Self) -> bool {
        let same_place = other.info.address == Address::None || other.info.address == self.info.address;
        let same_alias = other.info.alias.is_none() || other.info.alias == self.info.alias;
        self.bus == other.bus && self.chardev.source.same(&other.chardev.source) && same_place && same_alias
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let (source, wanted) = (self.chardev.source.kind(), target.chardev.source.kind());
        if source != wanted {
            return Err(unsupported(format!(
                "Target redirected device source type {wanted} does not match source device source type {source}"
            )));
        }
        self.info.check_abi(&target.info)
    }
}

grammar! {
    GRAMMAR = [
        Must("bus", OneOf(RedirdevBus::NAMES)), With(crate::common::chardev::CHARDEV), With(crate::common::device_info::BOOT), With(crate::common::device_info::INFO),
    ];
}
