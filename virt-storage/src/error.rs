//! Short names for the refusals that this crate makes most.

use std::io;

use virt_types::{Error, ErrorCode, ErrorDomain};

/// Any refusal of the storage driver.
pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Storage, detail)
}

/// `VIR_ERR_INTERNAL_ERROR`
pub(crate) fn internal(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::InternalError, detail)
}

/// `VIR_ERR_INVALID_ARG`
pub(crate) fn invalid_arg(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::InvalidArg, detail)
}

/// `VIR_ERR_OPERATION_INVALID`
pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::OperationInvalid, detail)
}

/// `VIR_ERR_OPERATION_FAILED`
pub(crate) fn failed(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::OperationFailed, detail)
}

/// `VIR_ERR_NO_SUPPORT` with a sentence instead of a call.
pub(crate) fn cannot(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::NoSupport, detail)
}

/// `VIR_ERR_CONFIG_UNSUPPORTED`
pub(crate) fn unsupported(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::ConfigUnsupported, detail)
}

/// `VIR_ERR_SYSTEM_ERROR` of a failed system call.
pub(crate) fn system(doing: impl std::fmt::Display, source: io::Error) -> Error {
    Error::system(ErrorDomain::Storage, doing, source)
}

/// The same for what `rustix` calls.
pub(crate) fn errno(doing: impl std::fmt::Display, source: rustix::io::Errno) -> Error {
    system(doing, source.into())
}

/// No volume is called, or known by, that; `what` says which.
pub(crate) fn no_volume(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::NoStorageVol, detail)
}
