//! Short names for the refusals that the model makes most.

use virt_types::{Error, ErrorCode, ErrorDomain, Uuid};
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

/// The refusals of one part of the format, with that part's error domain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refuse(pub ErrorDomain);

impl Refuse {
    /// `VIR_ERR_XML_ERROR`: the document is wrong.
    pub(crate) fn xml(self, detail: impl Into<String>) -> Error {
        Error::new(ErrorCode::XmlError, self.0, detail)
    }

    /// `VIR_ERR_XML_DETAIL`: libvirt's code for a few refusals of documents that are wrong.
    pub(crate) fn detail(self, detail: impl Into<String>) -> Error {
        Error::new(ErrorCode::XmlDetail, self.0, detail)
    }

    /// `VIR_ERR_CONFIG_UNSUPPORTED`: the document asks for what cannot be had.
    pub(crate) fn unsupported(self, detail: impl Into<String>) -> Error {
        Error::new(ErrorCode::ConfigUnsupported, self.0, detail)
    }

    /// `VIR_ERR_INTERNAL_ERROR`: libvirt's code for several refusals of older parts of the format.
    pub(crate) fn internal(self, detail: impl Into<String>) -> Error {
        Error::new(ErrorCode::InternalError, self.0, detail)
    }

    /// `VIR_ERR_NO_NAME`: there is no name.
    pub(crate) fn no_name(self) -> Error {
        Error::new(ErrorCode::NoName, self.0, "")
    }

    /// The name in `<name>`, without the characters that a file's name can not have.
    pub(crate) fn name(self, el: Element<'_>, forbidden: &[char]) -> Result<String, Error> {
        let name = el.child_text("name").ok_or_else(|| self.no_name().at(el.place()))?;
        check_name(&name, forbidden).map_err(|error| error.at(el.child("name").unwrap_or(el).place()))?;
        Ok(name)
    }

    /// The identifier in `<uuid>`.
    pub(crate) fn uuid(self, el: Element<'_>) -> Result<Option<Uuid>, Error> {
        let Some(text) = el.child_text("uuid") else { return Ok(None) };
        let malformed = |_| self.internal("malformed uuid element").at(el.place());
        text.parse().map(Some).map_err(malformed)
    }
}

/// Refuses a name with one of these characters.
pub(crate) fn check_name(name: &str, forbidden: &[char]) -> Result<(), Error> {
    match name.chars().find(|c| forbidden.contains(c)) {
        None => Ok(()),
        Some(c) => {
            Err(Error::new(ErrorCode::XmlDetail, ErrorDomain::Xml, format!("invalid char in name: {c}")))
        }
    }
}
