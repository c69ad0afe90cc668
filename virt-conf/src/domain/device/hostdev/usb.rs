//! A USB device of the host.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::super::StartupPolicy;
use crate::error::internal;
use crate::{FormatFlags, Result};

text_enum! {
    /// Which resets of the guest reach the device.
    pub enum GuestReset { Off = "off", Uninitialized = "uninitialized", On = "on" }
}

/// A USB device, by what it is or by where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsbHostdev {
    /// `startupPolicy`.
    pub startup_policy: Option<StartupPolicy>,
    /// `autoAddress`: the place was found by the engine, and is to be found again elsewhere.
    pub auto_address: bool,
    /// `guestReset`.
    pub guest_reset: Option<GuestReset>,
    /// `<vendor>` and `<product>`.
    pub product: Option<(u32, u32)>,
    /// `<address>`: bus and device number.
    pub address: Option<(u32, u32)>,
}

impl UsbHostdev {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut usb = Self {
            startup_policy: el.attr_enum("startupPolicy")?,
            auto_address: el.attr_yes_no("autoAddress")?.unwrap_or(false),
            guest_reset: el.attr_enum("guestReset")?,
            ..Self::default()
        };
        let id = |el: Element<'_>| el.required("id", el.attr_u32("id", Base::Any)?);
        usb.product = match (el.child("vendor"), el.child("product")) {
            (None, None) => None,
            (Some(vendor), product) => {
                let vendor_id = id(vendor)?;
                vendor.nonzero("id", Some(vendor_id))?;
                let product = product.ok_or_else(|| internal("missing product").at(el.place()))?;
                Some((vendor_id, id(product)?))
            }
            (None, Some(product)) => {
                id(product)?;
                return Err(internal("missing vendor").at(el.place()));
            }
        };
        if let Some(address) = el.child("address") {
            let bus = address.required("bus", address.attr_u32("bus", Base::Any)?)?;
            let device = address.required("device", address.attr_u32("device", Base::Any)?)?;
            usb.address = Some((bus, device)).filter(|address| *address != (0, 0));
        }
        Ok(usb)
    }

    pub(super) fn format(&self, w: &mut Writer, missing: bool, flags: FormatFlags) {
        // Written even if it is empty, which libvirt does not do: it cannot read such a domain's file after a restart.
        w.element("source", |w| {
            w.attr_opt("startupPolicy", self.startup_policy);
            if self.auto_address && flags.contains(FormatFlags::MIGRATABLE) {
                w.attr("autoAddress", "yes");
            }
            if missing && !flags.contains(FormatFlags::INACTIVE) {
                w.attr("missing", "yes");
            }
            w.attr_opt("guestReset", self.guest_reset);
            if let Some((vendor, product)) = self.product {
                w.element("vendor", |w| w.attr("id", format_args!("0x{vendor:04x}")));
                w.element("product", |w| w.attr("id", format_args!("0x{product:04x}")));
            }
            if let Some((bus, device)) = self.address {
                w.element("address", |w| {
                    w.attr("bus", bus);
                    w.attr("device", device);
                });
            }
        });
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        match self.address.filter(|(bus, device)| *bus > 0 && *device > 0) {
            Some(address) => other.address == Some(address),
            None => self.product == other.product,
        }
    }
}

grammar! {
    pub(super) SOURCE = [
        Attr("startupPolicy", OneOf(StartupPolicy::NAMES)), Attr("guestReset", OneOf(GuestReset::NAMES)), Attr("autoAddress", YesNo), Attr("missing", YesNo),
        Opt("vendor", &[Must("id", Hex(0xffff))]), Opt("product", &[Must("id", Hex(0xffff))]),
        Opt("address", &[Attr("bus", Str), Attr("device", Str), Attr("port", USB_PORT)]),
    ];
}
