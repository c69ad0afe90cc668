//! Short names for the refusals of this crate.

use virt_types::{Error, ErrorCode, ErrorDomain};

/// Any refusal.
pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Interface, detail)
}

/// `VIR_ERR_INTERNAL_ERROR`
pub(crate) fn internal(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::InternalError, detail)
}

/// `VIR_ERR_NO_INTERFACE`
pub(crate) fn not_found(name: &str) -> Error {
    refuse(ErrorCode::NoInterface, format!("couldn't find interface named '{name}'"))
}
