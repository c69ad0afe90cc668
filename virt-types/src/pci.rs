//! PCI addresses.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorCode, ErrorDomain};

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

impl FromStr for PciAddress {
    type Err = Error;

    /// Reads `0000:01:1f.2`, the form in which it is displayed and the kernel names devices.
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for anything else.
    ///
    /// ```
    /// use virt_types::PciAddress;
    /// let address: PciAddress = "0000:01:1f.2".parse()?;
    /// assert_eq!((address.bus, address.slot, address.function), (1, 0x1f, 2));
    /// assert!("01:1f.2".parse::<PciAddress>().is_err());
    /// # Ok::<(), virt_types::Error>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| u32::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'));
        let read = || {
            let mut parts = text.split([':', '.']);
            let mut next = || number(parts.next()?);
            let address = Self { domain: next()?, bus: next()?, slot: next()?, function: next()? };
            parts.next().is_none().then_some(address)
        };
        read().ok_or_else(|| {
            Error::new(ErrorCode::InvalidArg, ErrorDomain::None, format!("'{text}' is no PCI address"))
        })
    }
}
