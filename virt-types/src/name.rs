//! Domain names.

use std::fmt;

use crate::{Error, ErrorCode, ErrorDomain};

/// The name of a domain: not empty, no `/`, no line break, at most 255 bytes, not `.` or `..`.
///
/// A name becomes part of file names, which is why it is checked once, here.
///
/// ```
/// use virt_types::DomainName;
/// assert!(DomainName::new("web 1").is_ok());
/// for wrong in ["", "a/b", "..", "a\nb"] {
///     assert!(DomainName::new(wrong).is_err());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` with what is wrong with it.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let refuse = |why: &str| Err(Error::new(ErrorCode::XmlError, ErrorDomain::Domain, why));
        if name.is_empty() {
            refuse("domain name must not be empty")
        } else if name.contains('/') {
            refuse(&format!("name {name} cannot contain '/'"))
        } else if name.contains('\n') {
            refuse("name cannot contain '\\n'")
        } else if name == "." || name == ".." || name.contains('\0') || name.len() > 255 {
            refuse(&format!("name {name} cannot be used as a file name"))
        } else {
            Ok(Self(name))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for DomainName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
