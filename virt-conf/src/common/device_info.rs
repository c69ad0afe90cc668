//! What every device has: alias, address, boot order, option ROM.

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::Address;
use crate::error::unsupported;
use crate::{ParseFlags, Result};

/// The prefix of aliases that users may choose.
pub const USER_ALIAS_PREFIX: &str = "ua-";

/// The sub-elements that every device shares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceInfo {
    /// The device's id in the guest's monitor; the user's own begin with `ua-`.
    pub alias: Option<String>,
    /// Where it sits.
    pub address: Address,
    /// `<master startport='…'/>`: the first port of a USB companion controller.
    pub usb_master: Option<u32>,
    /// `<boot order='…'/>` as written, from 1.
    pub boot_order: Option<u32>,
    /// The order in which the firmware tries the device: as written, or by `<os><boot dev='…'/>`. Never written out.
    pub effective_boot_order: Option<u32>,
    /// `<boot loadparm='…'/>` of s390.
    pub loadparm: Option<String>,
    /// `<rom …/>`.
    pub rom: Option<Rom>,
    /// `<acpi index='…'/>`, from 1.
    pub acpi_index: Option<u32>,
    /// Devices of one group share PCI buses with no others. Never written out.
    pub isolation_group: u32,
}

/// The option ROM of a PCI device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rom {
    /// `enabled`.
    pub enabled: Option<bool>,
    /// `bar`: whether the ROM is visible in the guest's memory map.
    pub bar: Option<bool>,
    /// `file`: the image.
    pub file: Option<String>,
}

/// Which of the shared sub-elements a kind of device takes besides alias and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takes {
    /// `<boot>`.
    pub boot: bool,
    /// `<rom>`.
    pub rom: bool,
}

impl Takes {
    /// Alias and address only.
    pub const NOTHING: Self = Self { boot: false, rom: false };
    /// `<boot>` as well.
    pub const BOOT: Self = Self { boot: true, rom: false };
    /// `<boot>` and `<rom>` as well.
    pub const BOOT_AND_ROM: Self = Self { boot: true, rom: true };
}

impl DeviceInfo {
    /// Reads the shared sub-elements of a device.
    ///
    /// # Errors
    /// For wrong values and a ROM that is tuned while it is disabled.
    pub fn parse(el: Element<'_>, takes: Takes, flags: ParseFlags) -> Result<Self> {
        let mut info = Self::default();
        if let Some(alias) =
            el.child("alias").and_then(|alias| alias.attr("name")).filter(|alias| !alias.is_empty())
        {
            // Generated aliases belong to a running guest, not to a configuration.
            info.alias =
                (!flags.contains(ParseFlags::INACTIVE) || is_user_alias(alias)).then(|| alias.to_owned());
        }
        if let Some(master) = el.child("master") {
            info.usb_master = Some(master.attr_u32("startport", Base::Ten)?.unwrap_or(0));
        }
        if takes.boot
            && let Some(boot) = el.child("boot")
        {
            info.parse_boot(boot)?;
        }
        if takes.rom
            && let Some(rom) = el.child("rom")
        {
            info.rom = Some(Rom::parse(rom)?);
        }
        if let Some(acpi) = el.child("acpi") {
            info.acpi_index = acpi.nonzero("index", acpi.attr_u32("index", Base::Ten)?)?;
        }
        if let Some(address) = el.child("address") {
            info.address = Address::parse(address)?;
        }
        Ok(info)
    }

    fn parse_boot(&mut self, boot: Element<'_>) -> Result<()> {
        let order = boot.nonzero("order", boot.attr_u32("order", Base::Ten)?)?;
        self.boot_order = Some(boot.required("order", order)?);
        self.effective_boot_order = self.boot_order;
        if let Some(loadparm) = boot.attr("loadparm") {
            let text = loadparm.to_ascii_uppercase();
            let valid = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == ' ';
            if text.is_empty() || text.len() > 8 || !text.chars().all(valid) {
                let detail = format!("Invalid value for attribute 'loadparm': '{loadparm}'");
                return Err(boot.attr_error(
                    "loadparm",
                    ErrorCode::InternalError,
                    ErrorDomain::Domain,
                    detail,
                ));
            }
            self.loadparm = Some(text);
        }
        Ok(())
    }

    /// Refuses a change of place, which a guest would see.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` that names source and target place.
    pub fn check_abi(&self, target: &Self) -> Result<()> {
        self.address.check_abi(&target.address)?;
        if self.acpi_index != target.acpi_index {
            return Err(unsupported(format!(
                "Target ACPI index '{}' does not match source '{}'",
                target.acpi_index.unwrap_or(0),
                self.acpi_index.unwrap_or(0)
            )));
        }
        Ok(())
    }

    /// Writes the shared sub-elements in libvirt's order.
    pub fn format(&self, w: &mut Writer, takes: Takes) {
        if takes.boot
            && let Some(order) = self.boot_order
        {
            w.element("boot", |w| {
                w.attr("order", order);
                w.attr_opt("loadparm", self.loadparm.as_ref());
            });
        }
        if let Some(alias) = &self.alias {
            w.element("alias", |w| w.attr("name", alias));
        }
        if let Some(startport) = self.usb_master {
            w.element("master", |w| w.attr("startport", startport));
        }
        if takes.rom
            && let Some(rom) = &self.rom
        {
            w.element_if_any("rom", |w| {
                w.attr_yes_no("enabled", rom.enabled);
                w.attr_on_off("bar", rom.bar);
                w.attr_opt("file", rom.file.as_ref());
            });
        }
        if let Some(index) = self.acpi_index {
            w.element("acpi", |w| w.attr("index", index));
        }
        self.address.format(w);
    }
}

impl Rom {
    fn parse(el: Element<'_>) -> Result<Self> {
        let rom = Self {
            enabled: el.attr_yes_no("enabled")?,
            bar: el.attr_on_off("bar")?,
            file: el.attr("file").map(str::to_owned),
        };
        if rom.enabled == Some(false) && (rom.bar.is_some() || rom.file.is_some()) {
            return Err(unsupported("ROM tuning is not supported when ROM is disabled").at(el.place()));
        }
        Ok(rom)
    }
}

/// Whether an alias is one that a user may choose.
#[must_use]
pub fn is_user_alias(alias: &str) -> bool {
    alias.starts_with(USER_ALIAS_PREFIX)
        && alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

grammar! {
    /// What every device may have.
    pub INFO = [
        Opt("alias", &[Must("name", Str)]),
        Opt("address", crate::common::address::ADDRESS),
        Opt("acpi", &[Attr("index", U32)]),
        Opt("master", &[Attr("startport", U32)]),
    ];
    /// `<boot>`
    pub BOOT = [Opt("boot", &[Must("order", POSITIVE), Attr("loadparm", LOADPARM)])];
    /// `<rom>`
    pub ROM = [Opt("rom", &[
        When("enabled", &["", "yes"], &[Attr("bar", OnOff), Attr("file", PATH)]), Attr("enabled", YesNo),
    ])];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn generated_aliases_are_not_taken_from_a_configuration() {
        for (alias, flags, kept) in [
            ("virtio-disk0", ParseFlags::INACTIVE, false),
            ("virtio-disk0", ParseFlags::empty(), true),
            ("ua-web", ParseFlags::INACTIVE, true),
            ("ua-we b", ParseFlags::INACTIVE, false),
        ] {
            let xml = format!("<disk><alias name='{alias}'/></disk>");
            let document = Document::parse(&xml).unwrap();
            let info = DeviceInfo::parse(document.root(), Takes::BOOT, flags).unwrap();
            assert_eq!(info.alias.is_some(), kept, "{alias}");
        }
    }

    #[test]
    fn sub_elements_come_out_in_order() {
        let xml = "<hostdev><address type='pci' slot='3'/><acpi index='7'/><rom bar='off'/><boot order='2'/></hostdev>";
        let document = Document::parse(xml).unwrap();
        let info = DeviceInfo::parse(document.root(), Takes::BOOT_AND_ROM, ParseFlags::INACTIVE).unwrap();
        let mut w = Writer::new();
        info.format(&mut w, Takes::BOOT_AND_ROM);
        assert_eq!(
            w.finish(),
            "<boot order='2'/>\n<rom bar='off'/>\n<acpi index='7'/>\n<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>\n"
        );
    }
}
