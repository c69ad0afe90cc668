//! Which changes of a place a guest would see.

use super::Address;
use crate::Result;
use crate::error::unsupported;

impl Address {
    /// Refuses another kind of place, and another place of the kinds that a guest sees.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` that names source and target place.
    pub fn check_abi(&self, target: &Self) -> Result<()> {
        let (kind, wanted) = (self.kind(), target.kind());
        if kind != wanted {
            return Err(unsupported(format!(
                "Target device address type {wanted} does not match source {kind}"
            )));
        }
        if let (Self::Dimm(source), Self::Dimm(target)) = (self, target)
            && source.slot == target.slot
            && source.base != target.base
        {
            return Err(unsupported(format!(
                "Target device dimm base address '{:x}' does not match source '{:x}'",
                target.base, source.base
            )));
        }
        match (self.seen(), target.seen()) {
            (Some((what, source)), Some((_, target))) if source != target => {
                Err(unsupported(format!("Target device {what} {target} does not match source {source}")))
            }
            _ => Ok(()),
        }
    }

    /// What a guest sees of the place, in words; `None` where it is nothing.
    fn seen(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::Pci(pci) => ("PCI address", pci.at.to_string()),
            Self::Drive(at) => ("drive address", format!("{}:{}:{}", at.controller, at.bus, at.unit)),
            Self::VirtioSerial(at) => {
                ("virtio serial address", format!("{}:{}:{}", at.controller, at.bus, at.port))
            }
            Self::Ccid(at) => ("ccid address", format!("{}:{}", at.controller, at.slot)),
            Self::Isa(at) => ("isa address", format!("{}:{}", at.iobase, at.irq)),
            Self::Dimm(at) => ("dimm slot", at.slot.to_string()),
            Self::Ccw(at) => {
                let (cssid, ssid, devno) = at.at.unwrap_or_default();
                ("CCW address", format!("{cssid:x}.{ssid:x}.{devno:04x}"))
            }
            Self::None
            | Self::Usb(_)
            | Self::SpaprVio(_)
            | Self::VirtioS390
            | Self::VirtioMmio
            | Self::Unassigned => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ccid, Dimm, Pci, Usb};
    use super::*;

    #[test]
    fn a_guest_must_not_see_its_devices_move() {
        let pci = |slot| Address::Pci(Pci::new(0, slot, 0));
        let dimm = |slot, base| Address::Dimm(Dimm { slot, base });
        let usb = |port| Address::Usb(Usb { bus: 0, port: [port, 0, 0, 0] });
        for (source, target, expected) in [
            (pci(3), pci(3), None),
            (
                pci(3),
                pci(4),
                Some("Target device PCI address 0000:00:04.0 does not match source 0000:00:03.0"),
            ),
            (usb(1), usb(2), None),
            (pci(3), usb(1), Some("Target device address type usb does not match source pci")),
            (
                Address::Ccid(Ccid { controller: 0, slot: 1 }),
                Address::Ccid(Ccid { controller: 0, slot: 0 }),
                Some("Target device ccid address 0:0 does not match source 0:1"),
            ),
            (dimm(0, 16), dimm(1, 16), Some("Target device dimm slot 1 does not match source 0")),
            (
                dimm(0, 16),
                dimm(0, 32),
                Some("Target device dimm base address '20' does not match source '10'"),
            ),
        ] {
            let found = source.check_abi(&target).err();
            assert_eq!(found.as_ref().map(virt_types::Error::detail), expected);
        }
    }
}
