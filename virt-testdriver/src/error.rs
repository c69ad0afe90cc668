//! Short names for the refusals that the driver makes most, each in the driver's own error domain.

use virt_types::{Error, ErrorCode, ErrorDomain};

/// Any refusal.
pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Test, detail)
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

/// `VIR_ERR_OPERATION_UNSUPPORTED`
pub(crate) fn unsupported(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::OperationUnsupported, detail)
}

/// `VIR_ERR_ARGUMENT_UNSUPPORTED`
pub(crate) fn argument(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::ArgumentUnsupported, detail)
}

/// `VIR_ERR_SYSTEM_ERROR` of a failed system call: the sentence ends with the system's reason.
pub(crate) fn system(doing: impl std::fmt::Display, source: std::io::Error) -> Error {
    Error::system(ErrorDomain::Test, doing, source)
}
