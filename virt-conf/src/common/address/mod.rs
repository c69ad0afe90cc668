//! Where a device sits: `<address type='…'/>`.

mod abi;
pub mod pci;
pub mod simple;
pub mod usb;

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use pci::{Pci, Zpci};
pub use simple::{Ccid, Ccw, Dimm, Drive, Isa, SpaprVio, VirtioSerial};
pub use usb::Usb;

use crate::Result;
use crate::error::xml_error;

text_enum! {
    /// The kinds of address, as `type` spells them.
    pub enum AddressType {
        #[default] None = "none", Pci = "pci", Drive = "drive", VirtioSerial = "virtio-serial", Ccid = "ccid",
        Usb = "usb", SpaprVio = "spapr-vio", VirtioS390 = "virtio-s390", Ccw = "ccw", VirtioMmio = "virtio-mmio",
        Isa = "isa", Dimm = "dimm", Unassigned = "unassigned",
    }
}

/// Where a device sits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Address {
    /// Nothing was said.
    #[default]
    None,
    /// On a PCI bus; an empty one asks for any place on one.
    Pci(Pci),
    /// On a disk controller.
    Drive(Drive),
    /// A port of a virtio-serial controller.
    VirtioSerial(VirtioSerial),
    /// A slot of a smartcard controller.
    Ccid(Ccid),
    /// A port of a USB bus.
    Usb(Usb),
    /// A register of the pseries' VIO bus.
    SpaprVio(SpaprVio),
    /// The old virtio bus of s390, which has no addresses.
    VirtioS390,
    /// A subchannel of an s390 guest.
    Ccw(Ccw),
    /// virtio over MMIO; the machine numbers the transports.
    VirtioMmio,
    /// An ISA resource.
    Isa(Isa),
    /// A memory slot.
    Dimm(Dimm),
    /// Kept out of the guest on purpose.
    Unassigned,
}

impl Address {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> AddressType {
        match self {
            Self::None => AddressType::None,
            Self::Pci(_) => AddressType::Pci,
            Self::Drive(_) => AddressType::Drive,
            Self::VirtioSerial(_) => AddressType::VirtioSerial,
            Self::Ccid(_) => AddressType::Ccid,
            Self::Usb(_) => AddressType::Usb,
            Self::SpaprVio(_) => AddressType::SpaprVio,
            Self::VirtioS390 => AddressType::VirtioS390,
            Self::Ccw(_) => AddressType::Ccw,
            Self::VirtioMmio => AddressType::VirtioMmio,
            Self::Isa(_) => AddressType::Isa,
            Self::Dimm(_) => AddressType::Dimm,
            Self::Unassigned => AddressType::Unassigned,
        }
    }

    /// The PCI address, where the device has a place on a PCI bus (not only the wish for one).
    #[must_use]
    pub fn pci(&self) -> Option<&Pci> {
        match self {
            Self::Pci(pci) if !pci.is_empty() => Some(pci),
            _ => None,
        }
    }

    /// Whether a PCI place is still to be found: nothing was said, or only `type='pci'`.
    #[must_use]
    pub fn wants_pci(&self) -> bool {
        match self {
            Self::None => true,
            Self::Pci(pci) => pci.is_empty(),
            _ => false,
        }
    }

    /// Reads an `<address>` element.
    ///
    /// # Errors
    /// For an unknown type and for wrong or impossible numbers.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let kind = el.required("type", el.attr_enum_but("type", AddressType::None)?)?;
        Ok(match kind {
            AddressType::None => Self::None,
            AddressType::Pci => Self::Pci(Pci::parse(el)?),
            AddressType::Drive => Self::Drive(Drive::parse(el)?),
            AddressType::VirtioSerial => Self::VirtioSerial(VirtioSerial::parse(el)?),
            AddressType::Ccid => Self::Ccid(Ccid::parse(el)?),
            AddressType::Usb => Self::Usb(Usb::parse(el)?),
            AddressType::SpaprVio => Self::SpaprVio(SpaprVio::parse(el)?),
            AddressType::VirtioS390 => {
                return Err(xml_error("virtio-s390 bus doesn't have an address").at(el.place()));
            }
            AddressType::Ccw => Self::Ccw(Ccw::parse(el)?),
            AddressType::VirtioMmio => Self::VirtioMmio,
            AddressType::Isa => Self::Isa(Isa::parse(el)?),
            AddressType::Dimm => Self::Dimm(Dimm::parse(el)?),
            AddressType::Unassigned => Self::Unassigned,
        })
    }

    /// Writes the `<address>` element, if there is anything to say.
    pub fn format(&self, w: &mut Writer) {
        if matches!(self, Self::None | Self::VirtioS390) {
            return;
        }
        w.element("address", |w| {
            w.attr("type", self.kind().text());
            match self {
                Self::Pci(pci) => pci.format(w),
                Self::Drive(drive) => drive.format(w),
                Self::VirtioSerial(port) => port.format(w),
                Self::Ccid(ccid) => ccid.format(w),
                Self::Usb(usb) => usb.format(w),
                Self::SpaprVio(vio) => vio.format(w),
                Self::Ccw(ccw) => ccw.format(w),
                Self::Isa(isa) => isa.format(w),
                Self::Dimm(dimm) => dimm.format(w),
                Self::None | Self::VirtioS390 | Self::VirtioMmio | Self::Unassigned => {}
            }
        });
    }
}

grammar! {
    /// `<address>` of devices.
    pub ADDRESS = [
        Must("type", OneOf(AddressType::NAMES)),
        When("type", &["pci"], &[
            Attr("domain", Hex(0xffff)), Attr("bus", Hex(0xff)), Attr("slot", Hex(0x1f)), Attr("function", Hex(7)),
            Attr("multifunction", OnOff), Opt("zpci", ZPCI),
        ]),
        When("type", &["drive"], &[
            Attr("controller", U32), Attr("bus", U32), Attr("target", U32), Attr("unit", U32),
        ]),
        When("type", &["virtio-serial"], &[Attr("controller", U32), Attr("bus", U32), Attr("port", U32)]),
        When("type", &["ccid"], &[Attr("controller", U32), Attr("slot", U32)]),
        When("type", &["usb"], &[Attr("bus", U32), Attr("port", USB_PORT)]),
        When("type", &["spapr-vio"], &[Attr("reg", Hex(0xffff_ffff))]),
        When("type", &["ccw"], &[Attr("cssid", Hex(0xfe)), Attr("ssid", Hex(3)), Attr("devno", Hex(0xffff))]),
        When("type", &["isa"], &[Attr("iobase", Hex(0xffff)), Attr("irq", Hex(0xf))]),
        When("type", &["dimm"], &[Attr("slot", U32), Attr("base", Hex(u64::MAX))]),
    ];
    /// Where a PCI device of the host is.
    pub PCI_SOURCE = [
        Attr("domain", Hex(0xffff)), Must("bus", Hex(0xff)), Must("slot", Hex(0x1f)), Must("function", Hex(7)),
        Attr("multifunction", OnOff), Opt("zpci", ZPCI),
    ];
    ZPCI = [Attr("uid", Hex(0xffff)), Attr("fid", Hex(0xffff_ffff))];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    fn check(xml: &str, expected: &str) {
        let document = Document::parse(xml).unwrap();
        let written = match Address::parse(document.root()) {
            Ok(address) => {
                let mut w = Writer::new();
                address.format(&mut w);
                w.finish()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(written.trim_end(), expected);
    }

    #[test]
    fn each_kind_is_written_in_its_canonical_form() {
        for (xml, expected) in [
            (
                "<address type='pci' bus='1' slot='0x1f' function='2' multifunction='on'/>",
                "<address type='pci' domain='0x0000' bus='0x01' slot='0x1f' function='0x2' multifunction='on'/>",
            ),
            ("<address type='pci'/>", "<address type='pci'/>"),
            (
                "<address type='drive' unit='3'/>",
                "<address type='drive' controller='0' bus='0' target='0' unit='3'/>",
            ),
            ("<address type='usb' bus='1' port='2.3'/>", "<address type='usb' bus='1' port='2.3'/>"),
            ("<address type='usb' bus='1'/>", "<address type='usb' bus='1'/>"),
            (
                "<address type='ccw' cssid='0xfe' ssid='0' devno='0x1a'/>",
                "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x001a'/>",
            ),
            (
                "<address type='isa' iobase='0x505' irq='0x1'/>",
                "<address type='isa' iobase='0x505' irq='0x1'/>",
            ),
            ("<address type='spapr-vio' reg='0x3000'/>", "<address type='spapr-vio' reg='0x00003000'/>"),
            ("<address type='virtio-mmio'/>", "<address type='virtio-mmio'/>"),
            ("<address type='dimm' slot='1' base='0x100'/>", "<address type='dimm' slot='1' base='0x100'/>"),
            ("<address type='unassigned'/>", "<address type='unassigned'/>"),
        ] {
            check(xml, expected);
        }
    }

    #[test]
    fn impossible_addresses_are_refused() {
        for (xml, expected) in [
            ("<address/>", "XML error: Missing required attribute 'type' in element 'address'"),
            (
                "<address type='pic'/>",
                "XML error: Invalid value for attribute 'type' in element 'address': 'pic'.",
            ),
            (
                "<address type='pci' slot='0x20'/>",
                "XML error: Invalid PCI address slot='0x20', must be <= 0x1F",
            ),
            (
                "<address type='ccw' cssid='0xfe'/>",
                "internal error: Invalid partial specification for virtio ccw address",
            ),
            ("<address type='usb' port='x'/>", "internal error: Cannot parse <address> 'port' attribute"),
        ] {
            check(xml, expected);
        }
    }
}
