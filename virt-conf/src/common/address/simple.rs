//! Addresses that are a few numbers.

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;

/// `<address type='drive'/>`: a place on a disk controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drive {
    /// Index of the controller.
    pub controller: u32,
    /// Bus of the controller.
    pub bus: u32,
    /// SCSI target.
    pub target: u32,
    /// Unit, LUN or port.
    pub unit: u32,
}

impl Drive {
    /// Reads the numbers; each is 0 where it is not given.
    ///
    /// # Errors
    /// For what is no number.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            controller: el.attr_u32("controller", Base::Ten)?.unwrap_or(0),
            bus: el.attr_u32("bus", Base::Ten)?.unwrap_or(0),
            target: el.attr_u32("target", Base::Ten)?.unwrap_or(0),
            unit: el.attr_u32("unit", Base::Ten)?.unwrap_or(0),
        })
    }

    /// Writes the attributes.
    pub fn format(&self, w: &mut Writer) {
        w.attr("controller", self.controller);
        w.attr("bus", self.bus);
        w.attr("target", self.target);
        w.attr("unit", self.unit);
    }
}

/// `<address type='virtio-serial'/>`: a port of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VirtioSerial {
    /// Index of the controller.
    pub controller: u32,
    /// Always 0.
    pub bus: u32,
    /// Port; 0 is kept for a console.
    pub port: u32,
}

impl VirtioSerial {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            controller: el.attr_u32("controller", Base::Ten)?.unwrap_or(0),
            bus: el.attr_u32("bus", Base::Ten)?.unwrap_or(0),
            port: el.attr_u32("port", Base::Ten)?.unwrap_or(0),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr("controller", self.controller);
        w.attr("bus", self.bus);
        w.attr("port", self.port);
    }
}

/// `<address type='ccid'/>`: a slot of a smartcard controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ccid {
    /// Index of the controller.
    pub controller: u32,
    /// Slot.
    pub slot: u32,
}

impl Ccid {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            controller: el.attr_u32("controller", Base::Ten)?.unwrap_or(0),
            slot: el.attr_u32("slot", Base::Ten)?.unwrap_or(0),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr("controller", self.controller);
        w.attr("slot", self.slot);
    }
}

/// `<address type='spapr-vio'/>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpaprVio {
    /// Register, absent until given or assigned.
    pub reg: Option<u64>,
}

impl SpaprVio {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self { reg: el.attr_u64("reg", Base::Sixteen)? })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr_opt("reg", self.reg.map(|reg| format!("0x{reg:08x}")));
    }
}

/// `<address type='ccw'/>`: a subchannel of an s390 guest; absent numbers ask for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ccw {
    /// Channel subsystem, subchannel set and device number.
    pub at: Option<(u32, u32, u32)>,
}

impl Ccw {
    fn parse_numbers(el: Element<'_>) -> Result<[Option<u32>; 3]> {
        Ok([
            el.attr_u32("cssid", Base::Any)?,
            el.attr_u32("ssid", Base::Any)?,
            el.attr_u32("devno", Base::Any)?,
        ])
    }

    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let numbers = Self::parse_numbers(el)?;
        let [cssid, ssid, devno] = numbers.map(Option::unwrap_or_default);
        let internal = |detail: String| el.error(ErrorCode::InternalError, ErrorDomain::Device, detail);
        if cssid > 254 || ssid > 3 || devno > 65535 {
            return Err(internal(format!(
                "Invalid specification for virtio ccw address: cssid='0x{cssid:x}' ssid='0x{ssid:x}' devno='0x{devno:04x}'"
            )));
        }
        match numbers {
            [Some(_), Some(_), Some(_)] => Ok(Self { at: Some((cssid, ssid, devno)) }),
            [None, None, None] => Ok(Self { at: None }),
            _ => Err(internal("Invalid partial specification for virtio ccw address".into())),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        let (cssid, ssid, devno) = self.at.unwrap_or_default();
        w.attr("cssid", format_args!("0x{cssid:x}"));
        w.attr("ssid", format_args!("0x{ssid:x}"));
        w.attr("devno", format_args!("0x{devno:04x}"));
    }
}

/// `<address type='isa'/>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Isa {
    /// First I/O port; 0 where the device decides.
    pub iobase: u32,
    /// Interrupt; 0 where the device decides.
    pub irq: u32,
}

impl Isa {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            iobase: el.attr_u32("iobase", Base::Sixteen)?.unwrap_or(0),
            irq: el.attr_u32("irq", Base::Sixteen)?.unwrap_or(0),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        for (name, value) in [("iobase", self.iobase), ("irq", self.irq)] {
            w.attr_opt(name, (value > 0).then(|| format!("0x{value:x}")));
        }
    }
}

/// `<address type='dimm'/>`: a memory slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dimm {
    /// Slot.
    pub slot: u32,
    /// Guest physical address; 0 where the machine decides.
    pub base: u64,
}

impl Dimm {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let slot = el.attr_u32("slot", Base::Ten)?;
        let base = el.attr_u64("base", Base::Sixteen)?;
        Ok(Self { slot: el.required("slot", slot)?, base: base.unwrap_or(0) })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr("slot", self.slot);
        if self.base > 0 {
            w.attr("base", format_args!("0x{:x}", self.base));
        }
    }
}
