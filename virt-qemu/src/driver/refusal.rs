//! Refusals in libvirt's words that many calls share.

use bitflags::Flags;
use virt_types::{Error, ErrorCode, ErrorDomain, RebootFlags, Result};

/// Refuses bits that the call does not know.
pub(super) fn known<F: Flags<Bits = u32> + Copy>(flags: F, allowed: F, call: &str) -> Result<()> {
    virt_driver::flags::check(flags, allowed, ErrorDomain::Qemu, call)
}

/// Refuses bits that the call does not know, where the contract has a number.
pub(super) fn known_bits(flags: u32, allowed: u32, call: &str) -> Result<()> {
    known(RebootFlags::from_bits_retain(flags), RebootFlags::from_bits_retain(allowed), call)
}

/// Refuses any bit of a call without flags.
pub(super) fn no_flags(flags: u32, call: &str) -> Result<()> {
    known_bits(flags, 0, call)
}

/// `VIR_ERR_INVALID_ARG` in the driver's name.
pub(super) fn invalid_argument(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_INVALID_ARG` in the API's own name: what libvirt's client library says before it asks anybody.
pub(super) fn invalid_call(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).verbatim()
}

/// `VIR_ERR_OPERATION_INVALID` in the driver's name.
pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_INTERNAL_ERROR` in the driver's name.
pub(super) fn internal(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_OPERATION_FAILED` in the driver's name.
pub(super) fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_OPERATION_UNSUPPORTED` in the driver's name.
pub(super) fn unsupported(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_ARGUMENT_UNSUPPORTED` in the driver's name.
pub(super) fn argument_unsupported(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::Qemu, detail)
}
