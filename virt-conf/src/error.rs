//! Short names for the refusals that the model makes most.

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::Element;

/// `VIR_ERR_XML_ERROR`: the document is wrong.
pub fn xml_error(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::XmlError, ErrorDomain::Domain, detail)
}

/// `VIR_ERR_XML_DETAIL`: libvirt's code for a few refusals of documents that are wrong.
pub fn xml_detail(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::XmlDetail, ErrorDomain::Domain, detail)
}

/// `VIR_ERR_CONFIG_UNSUPPORTED`: the document asks for what cannot be had.
pub fn unsupported(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
}

/// `VIR_ERR_INTERNAL_ERROR`: libvirt's code for several refusals of older parts of the format.
pub fn internal(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Domain, detail)
}

/// `VIR_ERR_CONFIG_UNSUPPORTED` at an attribute: a value that is not known.
pub fn unsupported_value(el: Element<'_>, name: &str, detail: impl Into<String>) -> Error {
    el.attr_error(name, ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
}
