//! `<capability type='usb_device'>` and `<capability type='usb'>`.

use virt_xml::{Element, Writer};

use super::{identified, number};
use crate::Result;

/// A USB device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsbDevice {
    /// `<bus>`
    pub bus: u32,
    /// `<device>`
    pub device: u32,
    /// `<product id='…'>`: number and name.
    pub product: (u32, Option<String>),
    /// `<vendor id='…'>`: number and name.
    pub vendor: (u32, Option<String>),
}

/// An interface of a USB device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsbInterface {
    /// `<number>`
    pub number: u32,
    /// `<class>`
    pub class: u32,
    /// `<subclass>`
    pub subclass: u32,
    /// `<protocol>`
    pub protocol: u32,
    /// `<description>`
    pub description: Option<String>,
}

impl UsbDevice {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        Ok(Self {
            bus: number(el, "bus", "USB bus number", device)?,
            device: number(el, "device", "USB device number", device)?,
            vendor: identified(el, "vendor", "USB vendor ID", device)?,
            product: identified(el, "product", "USB product ID", device)?,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("bus", self.bus);
        w.text_element("device", self.device);
        for (element, (id, name)) in [("product", &self.product), ("vendor", &self.vendor)] {
            match name {
                Some(name) => {
                    w.text_element_with(element, |w| w.attr("id", format_args!("0x{id:04x}")), name);
                }
                // libvirt puts a space before the end of this one.
                None => w.lines(&format!("<{element} id='0x{id:04x}' />")),
            }
        }
    }
}

impl UsbInterface {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        Ok(Self {
            number: number(el, "number", "USB interface number", device)?,
            class: number(el, "class", "USB interface class", device)?,
            subclass: number(el, "subclass", "USB interface subclass", device)?,
            protocol: number(el, "protocol", "USB interface protocol", device)?,
            description: el.child_text("description"),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("number", self.number);
        w.text_element("class", self.class);
        w.text_element("subclass", self.subclass);
        w.text_element("protocol", self.protocol);
        w.text_element_opt("description", self.description.as_ref());
    }
}
