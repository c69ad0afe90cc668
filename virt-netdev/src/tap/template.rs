//! Names of taps that the kernel completes.

use std::fmt;
use std::str::FromStr;

use crate::InterfaceName;

/// The name of an interface, or a template with one `%d` for which the kernel puts the first free number.
///
/// ```
/// use virt_netdev::tap::NameTemplate;
///
/// assert!("vnet%d".parse::<NameTemplate>().is_ok());
/// assert!("tap-web".parse::<NameTemplate>().is_ok());
/// for invalid in ["vnet%s", "a%d%d", "100%", "", "a-template-of-16%d"] {
///     assert!(invalid.parse::<NameTemplate>().is_err(), "{invalid:?}");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameTemplate(String);

impl NameTemplate {
    /// The template as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<InterfaceName> for NameTemplate {
    fn from(name: InterfaceName) -> Self {
        Self(name.to_string())
    }
}

impl FromStr for NameTemplate {
    type Err = InvalidTemplate;

    fn from_str(template: &str) -> Result<Self, InvalidTemplate> {
        // A number takes the place of the template's two characters or more; that it fits is the kernel's to see.
        let example = template.replacen("%d", "00", 1);
        match example.parse::<InterfaceName>() {
            Ok(_) => Ok(Self(template.to_owned())),
            Err(_) => Err(InvalidTemplate(template.to_owned())),
        }
    }
}

/// A text that is neither the name of an interface nor a template for one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid interface name or template '{}': at most 15 bytes, no white space, '/' or ':', one '%d' or none",
    .0.escape_debug()
)]
pub struct InvalidTemplate(String);
