//! PCI addresses.

use std::fmt;

/// Where a function sits on a PCI bus, in the guest or on the host.
///
/// ```
/// use virt_types::PciAddress;
/// let address = PciAddress { bus: 1, slot: 0x1f, function: 2, ..PciAddress::default() };
/// assert_eq!(address.to_string(), "0000:01:1f.2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PciAddress {
    /// Segment, 0 to 0xffff on x86 (s390x guests use up to 0xffffffff).
    pub domain: u32,
    /// Bus, 0 to 0xff.
    pub bus: u32,
    /// Slot, 0 to 0x1f.
    pub slot: u32,
    /// Function, 0 to 7.
    pub function: u32,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.slot, self.function)
    }
}
