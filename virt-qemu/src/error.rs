//! Short names for the refusals that the driver makes most.

use virt_types::{Error, ErrorCode, ErrorDomain};

/// `VIR_ERR_CONFIG_UNSUPPORTED`: QEMU, or this build of it, can not do what the domain asks.
pub fn unsupported(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_XML_ERROR`: the domain contradicts itself.
pub fn xml_error(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::XmlError, ErrorDomain::Qemu, detail)
}

/// `VIR_ERR_INTERNAL_ERROR`: libvirt's code for several refusals of older parts of the driver.
pub fn internal(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
}
