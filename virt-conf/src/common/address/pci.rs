//! `<address type='pci'/>`, with the z/PCI extension of s390x.

use virt_types::PciAddress;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// A place on a PCI bus of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pci {
    /// Segment, bus, slot, function.
    pub at: PciAddress,
    /// Whether other functions share the slot; absent where the engine decides.
    pub multifunction: Option<bool>,
    /// The s390x extension.
    pub zpci: Zpci,
}

/// Identifiers of a PCI function on s390x, each absent until given or assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zpci {
    /// User-defined identifier, 1 to 0xffff.
    pub uid: Option<u32>,
    /// Function identifier.
    pub fid: Option<u32>,
}

impl Pci {
    /// An address at this place.
    #[must_use]
    pub const fn new(bus: u32, slot: u32, function: u32) -> Self {
        Self {
            at: PciAddress { domain: 0, bus, slot, function },
            multifunction: None,
            zpci: Zpci { uid: None, fid: None },
        }
    }

    /// Whether no place is given: slot 0 of bus 0 belongs to the host bridge.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at.domain == 0 && self.at.bus == 0 && self.at.slot == 0 && self.at.function == 0
    }

    /// Reads the attributes, of a guest's address or a host's.
    ///
    /// # Errors
    /// For numbers that no address has.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let at = PciAddress {
            domain: el.attr_u32("domain", Base::Any)?.unwrap_or(0),
            bus: el.attr_u32("bus", Base::Any)?.unwrap_or(0),
            slot: el.attr_u32("slot", Base::Any)?.unwrap_or(0),
            function: el.attr_u32("function", Base::Any)?.unwrap_or(0),
        };
        let multifunction = el.attr_on_off("multifunction")?;
        for (name, value, limit) in [
            ("domain", at.domain, 0xffff),
            ("bus", at.bus, 0xff),
            ("slot", at.slot, 0x1f),
            ("function", at.function, 7),
        ] {
            if value > limit {
                let shown = if name == "function" { "7".to_owned() } else { format!("0x{limit:X}") };
                return Err(xml_error(format!(
                    "Invalid PCI address {name}='0x{value:x}', must be <= {shown}"
                ))
                .at(el.place()));
            }
        }
        let zpci = el.child("zpci").map(Zpci::parse).transpose()?.unwrap_or_default();
        Ok(Self { at, multifunction, zpci })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if !self.is_empty() {
            self.format_place(w);
        }
        w.attr_on_off("multifunction", self.multifunction);
        if let Zpci { uid: Some(uid), fid: Some(fid) } = self.zpci {
            w.element("zpci", |w| {
                w.attr("uid", format_args!("0x{uid:04x}"));
                w.attr("fid", format_args!("0x{fid:08x}"));
            });
        }
    }

    /// Writes the four attributes that name the place.
    pub fn format_place(&self, w: &mut Writer) {
        let PciAddress { domain, bus, slot, function } = self.at;
        w.attr("domain", format_args!("0x{domain:04x}"));
        w.attr("bus", format_args!("0x{bus:02x}"));
        w.attr("slot", format_args!("0x{slot:02x}"));
        w.attr("function", format_args!("0x{function}"));
    }
}

impl Zpci {
    fn parse(el: Element<'_>) -> Result<Self> {
        let uid = el.attr_u32("uid", Base::Any)?;
        let fid = el.attr_u32("fid", Base::Any)?;
        if uid.is_some_and(|uid| uid == 0 || uid > 0xffff) {
            let detail = format!(
                "Invalid PCI address uid='0x{:04x}', must be > 0x0000 and <= 0xffff",
                uid.unwrap_or_default()
            );
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Self { uid, fid })
    }
}
