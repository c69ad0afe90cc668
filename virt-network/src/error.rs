//! Refusals, as the driver words them.

use virt_types::{Error, ErrorCode, ErrorDomain};

pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Network, detail)
}

pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::OperationInvalid, detail)
}

pub(crate) fn internal(detail: impl Into<String>) -> Error {
    refuse(ErrorCode::InternalError, detail)
}

/// A system call that failed: the sentence ends with the system's words, as in libvirt.
pub(crate) fn system(what: impl std::fmt::Display, error: virt_sys::Error) -> Error {
    let words = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    // Rust adds the number, which libvirt does not.
    let words = words.split(" (os error").next().unwrap_or_default().to_owned();
    refuse(ErrorCode::SystemError, format!("{what}: {words}")).caused_by(error)
}

/// The same for a device that the kernel refused.
pub(crate) fn device(what: impl std::fmt::Display, error: virt_netdev::Error) -> Error {
    let words = error.errno().map_or_else(
        || error.to_string(),
        |errno| {
            let words = std::io::Error::from(errno).to_string();
            words.split(" (os error").next().unwrap_or_default().to_owned()
        },
    );
    refuse(ErrorCode::SystemError, format!("{what}: {words}")).caused_by(error)
}
