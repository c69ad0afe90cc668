//! Short names for the refusals of this crate.

use virt_types::{Error, ErrorCode, ErrorDomain};

/// Any refusal.
pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Nodedev, detail)
}

/// `VIR_ERR_NO_NODE_DEVICE`
pub(crate) fn not_found(name: &str) -> Error {
    refuse(ErrorCode::NoNodeDevice, format!("no node device with matching name '{name}'"))
}
