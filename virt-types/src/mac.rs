//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorCode, ErrorDomain};

/// A 6-byte Ethernet address, written in lower case with colons.
///
/// ```
/// use virt_types::MacAddr;
/// let mac: MacAddr = "52:54:0:AB:cd:1".parse()?;
/// assert_eq!(mac.to_string(), "52:54:00:ab:cd:01");
/// assert!(!mac.is_multicast());
/// # Ok::<(), virt_types::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// The first three bytes that QEMU's own addresses have.
    pub const QEMU_PREFIX: [u8; 3] = [0x52, 0x54, 0x00];

    /// An address with QEMU's prefix and three bytes of the caller's.
    #[must_use]
    pub const fn qemu(tail: [u8; 3]) -> Self {
        Self([0x52, 0x54, 0x00, tail[0], tail[1], tail[2]])
    }

    /// Whether the address names a group (lowest bit of the first byte).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl FromStr for MacAddr {
    type Err = Error;

    /// Six numbers of one or two hexadecimal digits, separated by colons.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || {
            Error::new(
                ErrorCode::XmlError,
                ErrorDomain::None,
                format!("unable to parse mac address '{text}'"),
            )
        };
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(malformed)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(malformed());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| malformed())?;
        }
        if parts.next().is_some() { Err(malformed()) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_forms_are_refused() {
        for text in [
            "",
            "52:54:00:11:22",
            "52:54:00:11:22:33:44",
            "52-54-00-11-22-33",
            "525:4:00:11:22:33",
            "52:54:00:11:22:3g",
            "+2:54:00:11:22:33",
        ] {
            assert!(text.parse::<MacAddr>().is_err(), "{text:?}");
        }
    }
}
