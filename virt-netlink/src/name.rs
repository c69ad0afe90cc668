//! Interface names.

use std::fmt;
use std::str::FromStr;

/// Bytes that a name may have: `IFNAMSIZ` of `linux/if.h` without the terminating NUL.
const MAX_LEN: usize = 15;

/// The name of a network interface, valid for the kernel.
///
/// At most 15 bytes; not empty, `.` or `..`; no `/`, `:`, white space or NUL (`dev_valid_name` in
/// `net/core/dev.c`), and no `%`, which the kernel takes for the beginning of a numbering template.
///
/// ```
/// use virt_netlink::InterfaceName;
///
/// let name: InterfaceName = "virbr0".parse()?;
/// assert_eq!(name.as_str(), "virbr0");
///
/// for invalid in ["", ".", "..", "a/b", "a:b", "a b", "vnet%d", "sixteen-bytes-ab", "nul\0"] {
///     assert!(invalid.parse::<InterfaceName>().is_err(), "{invalid:?}");
/// }
/// # Ok::<(), virt_netlink::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for InterfaceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        match reason_against(name) {
            None => Ok(Self(name.to_owned())),
            Some(reason) => Err(InvalidName { name: name.to_owned(), reason }),
        }
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, InvalidName> {
        match reason_against(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(InvalidName { name, reason }),
        }
    }
}

fn reason_against(name: &str) -> Option<Reason> {
    if name.is_empty() {
        return Some(Reason::Empty);
    }
    if name.len() > MAX_LEN {
        return Some(Reason::TooLong(name.len()));
    }
    if name == "." || name == ".." {
        return Some(Reason::Reserved);
    }
    // The kernel's isspace() also covers the no-break space of Latin-1, a byte (0xa0) that occurs inside
    // UTF-8 sequences.
    name.bytes()
        .find(|byte| matches!(byte, b'/' | b':' | b'%' | b' ' | b'\t'..=b'\r' | 0 | 0xa0))
        .map(Reason::Forbidden)
}

/// A name that the kernel would not take for an interface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid interface name '{}': {reason}", name.escape_debug())]
pub struct InvalidName {
    name: String,
    reason: Reason,
}

impl InvalidName {
    /// The name that was refused.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Empty,
    TooLong(usize),
    Reserved,
    Forbidden(u8),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong(len) => write!(f, "it has {len} bytes, the kernel allows {MAX_LEN}"),
            Self::Reserved => f.write_str("it would name a directory"),
            Self::Forbidden(byte) => write!(f, "it contains '{}'", byte.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_kernel_accepts() {
        for name in ["lo", "a", "eth0.100", "virbr0-nic", "fifteen-bytes-a", "brücke", "@-_+"] {
            assert_eq!(name.parse::<InterfaceName>().map(|name| name.to_string()), Ok(name.to_owned()));
            assert!(InterfaceName::try_from(name.to_owned()).is_ok());
        }
    }

    #[test]
    fn says_why_it_refuses() {
        for (name, expected) in [
            ("", "invalid interface name '': it is empty"),
            ("..", "invalid interface name '..': it would name a directory"),
            ("eth 0", "invalid interface name 'eth 0': it contains ' '"),
            ("eth0\n", "invalid interface name 'eth0\\n': it contains '\\n'"),
            ("a\0b", "invalid interface name 'a\\0b': it contains '\\x00'"),
            ("à", "invalid interface name 'à': it contains '\\xa0'"),
            ("vnet%d", "invalid interface name 'vnet%d': it contains '%'"),
            (
                "sixteen-bytes-ab",
                "invalid interface name 'sixteen-bytes-ab': it has 16 bytes, the kernel allows 15",
            ),
        ] {
            assert_eq!(name.parse::<InterfaceName>().unwrap_err().to_string(), expected);
        }
    }
}
