//! Requests that the kernel refused.

use std::fmt;

use rustix::io::Errno;

use crate::errno;
use crate::extack::ExtendedAck;

/// The kernel's refusal of a request.
///
/// Its `Display` form is one sentence: the operation, the reason in the kernel's words or ours, the attribute at
/// fault and the error number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    operation: String,
    errno: Errno,
    kernel_text: Option<String>,
    attribute: Option<String>,
    missing_attribute: Option<u16>,
    bounds: Option<Bounds>,
    explanation: Option<String>,
}

/// The values that the kernel's attribute policy allows, each end included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Smallest value, where the policy has one.
    pub min: Option<i128>,
    /// Largest value, where the policy has one.
    pub max: Option<i128>,
}

impl Refusal {
    pub(crate) fn new(
        operation: String,
        errno: Errno,
        extended: ExtendedAck,
        attribute: Option<String>,
    ) -> Self {
        Self {
            operation,
            errno,
            kernel_text: extended.text,
            attribute,
            missing_attribute: extended.missing_attribute,
            bounds: extended.bounds,
            explanation: None,
        }
    }

    /// What was asked, with the name of the interface: `create bridge 'virbr0'`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The error number.
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// The text of the kernel's extended acknowledgement.
    #[must_use]
    pub fn kernel_text(&self) -> Option<&str> {
        self.kernel_text.as_deref()
    }

    /// The attribute that the kernel points at, as a path of kernel names:
    /// `IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_BR_FORWARD_DELAY`.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    /// The number of the attribute that the kernel misses.
    #[must_use]
    pub fn missing_attribute(&self) -> Option<u16> {
        self.missing_attribute
    }

    /// The bounds that the attribute's value broke.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    pub(crate) fn with_operation(mut self, operation: String) -> Self {
        self.operation = operation;
        self
    }

    /// Adds what a bare error number means for this operation; the kernel's own text, where there is one, goes
    /// before it.
    pub(crate) fn explain(mut self, explanation: Option<String>) -> Self {
        if explanation.is_some() {
            self.explanation = explanation;
        }
        self
    }

    fn reason(&self) -> Option<&str> {
        self.kernel_text.as_deref().or(self.explanation.as_deref()).or_else(|| errno::meaning(self.errno))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: ", self.operation)?;
        match self.reason() {
            Some(reason) => f.write_str(reason)?,
            None => write!(f, "{}", std::io::Error::from(self.errno))?,
        }
        if let Some(attribute) = &self.attribute {
            write!(f, ", in attribute {attribute}")?;
        }
        if let Some(number) = self.missing_attribute {
            write!(f, ", attribute {number} is missing")?;
        }
        if let Some(bounds) = &self.bounds {
            write!(f, ", allowed are {bounds}")?;
        }
        match errno::name(self.errno) {
            Some(name) => write!(f, " ({name})"),
            None => write!(f, " (errno {})", self.errno.raw_os_error()),
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "{min} and more"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("other values"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(errno: Errno, extended: ExtendedAck) -> Refusal {
        Refusal::new("create bridge 'br0'".to_owned(), errno, extended, None)
    }

    #[test]
    fn the_kernels_words_go_first() {
        let said =
            ExtendedAck { text: Some("Can not enslave a bridge".to_owned()), ..ExtendedAck::default() };
        assert_eq!(
            refusal(Errno::LOOP, said).explain(Some("ours".to_owned())).to_string(),
            "cannot create bridge 'br0': Can not enslave a bridge (ELOOP)"
        );
    }

    #[test]
    fn a_bare_number_is_worded_for_the_operation_or_in_general() {
        assert_eq!(
            refusal(Errno::RANGE, ExtendedAck::default())
                .explain(Some("the forward delay is 2 to 30 s with STP".to_owned()))
                .to_string(),
            "cannot create bridge 'br0': the forward delay is 2 to 30 s with STP (ERANGE)"
        );
        assert_eq!(
            refusal(Errno::EXIST, ExtendedAck::default()).explain(None).to_string(),
            "cannot create bridge 'br0': an interface with that name exists already (EEXIST)"
        );
        assert_eq!(
            refusal(Errno::XDEV, ExtendedAck::default()).to_string(),
            "cannot create bridge 'br0': Invalid cross-device link (os error 18) (errno 18)"
        );
    }

    #[test]
    fn bounds_and_missing_attributes_are_named() {
        let bounds = Some(Bounds { min: Some(1), max: Some(4094) });
        let extended = ExtendedAck { bounds, missing_attribute: Some(5), ..ExtendedAck::default() };
        assert_eq!(
            refusal(Errno::INVAL, extended).to_string(),
            "cannot create bridge 'br0': the kernel does not accept one of the values, attribute 5 is missing, \
             allowed are 1 to 4094 (EINVAL)"
        );
    }
}
