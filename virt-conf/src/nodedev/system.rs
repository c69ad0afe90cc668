//! `<capability type='system'>`: the computer.

use virt_types::Uuid;
use virt_xml::{Element, Writer};

use super::{REFUSE, supplied};
use crate::Result;

/// The computer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// `<product>`
    pub product: Option<String>,
    /// `<hardware><vendor>`
    pub vendor: Option<String>,
    /// `<hardware><version>`
    pub version: Option<String>,
    /// `<hardware><serial>`
    pub serial: Option<String>,
    /// `<hardware><uuid>`
    pub uuid: Uuid,
    /// `<firmware><vendor>`
    pub firmware_vendor: Option<String>,
    /// `<firmware><version>`
    pub firmware_version: Option<String>,
    /// `<firmware><release_date>`
    pub firmware_date: Option<String>,
}

impl System {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let hardware = |name| el.child("hardware").and_then(|hardware| hardware.child_text(name));
        let firmware = |name| el.child("firmware").and_then(|firmware| firmware.child_text(name));
        let uuid = hardware("uuid").ok_or_else(|| supplied("no", "system UUID", device, el))?;
        let malformed = |_| REFUSE.internal(format!("malformed uuid element for '{device}'")).at(el.place());
        Ok(Self {
            product: el.child_text("product"),
            vendor: hardware("vendor"),
            version: hardware("version"),
            serial: hardware("serial"),
            uuid: uuid.parse().map_err(malformed)?,
            firmware_vendor: firmware("vendor"),
            firmware_version: firmware("version"),
            firmware_date: firmware("release_date"),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element_opt("product", self.product.as_ref());
        w.element("hardware", |w| {
            w.text_element_opt("vendor", self.vendor.as_ref());
            w.text_element_opt("version", self.version.as_ref());
            w.text_element_opt("serial", self.serial.as_ref());
            w.text_element("uuid", self.uuid);
        });
        w.open_element("firmware", |w| {
            w.text_element_opt("vendor", self.firmware_vendor.as_ref());
            w.text_element_opt("version", self.firmware_version.as_ref());
            w.text_element_opt("release_date", self.firmware_date.as_ref());
        });
    }
}
