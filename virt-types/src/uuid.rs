//! UUIDs as libvirt reads and writes them.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorCode, ErrorDomain};

/// A 16-byte identifier, written in lower case with hyphens.
///
/// Reading is as lenient as libvirt's: hyphens may stand anywhere between the digits and white space around.
///
/// ```
/// use virt_types::Uuid;
/// let uuid: Uuid = " C7A5FDBDEDAF9455926AD65C16DB1809 ".parse()?;
/// assert_eq!(uuid.to_string(), "c7a5fdbd-edaf-9455-926a-d65c16db1809");
/// # Ok::<(), virt_types::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The identifier of these bytes, in the order in which they are written.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A version 4 identifier from 16 random bytes (their source is the caller's: this crate does no I/O).
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// The bytes, in the order in which they are written.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Uuid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed =
            || Error::new(ErrorCode::InternalError, ErrorDomain::None, format!("malformed uuid '{text}'"));
        let mut bytes = [0; 16];
        let mut digits = 0;
        for c in text.trim_matches(|c: char| c.is_ascii_whitespace()).chars() {
            // A hyphen may stand between bytes, never within one.
            if c == '-' && digits % 2 == 0 && digits != 0 {
                continue;
            }
            let value = c.to_digit(16).ok_or_else(malformed)?;
            let byte: &mut u8 = bytes.get_mut(digits / 2).ok_or_else(malformed)?;
            *byte = *byte << 4 | value as u8;
            digits += 1;
        }
        if digits == 32 { Ok(Self(bytes)) } else { Err(malformed()) }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
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
            "c7a5fdbd",
            "c7a5fdbd-edaf-9455-926a-d65c16db180",
            "c7a5fdbd-edaf-9455-926a-d65c16db18099",
            "g7a5fdbd-edaf-9455-926a-d65c16db1809",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn random_bytes_become_version_4() {
        assert_eq!(Uuid::from_random([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
