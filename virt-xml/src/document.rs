//! A parsed document.

use std::cell::RefCell;

use virt_types::{Error, ErrorCode, ErrorDomain, Place};

use crate::element::Element;
use crate::guard;
use crate::unread::{Asked, AskedNames, Unread, UnreadKind};

/// A well-formed XML document over a borrowed text.
#[derive(Debug)]
pub struct Document<'input> {
    pub(crate) tree: roxmltree::Document<'input>,
    pub(crate) asked: Option<RefCell<Asked>>,
}

impl<'input> Document<'input> {
    /// Parses a document.
    ///
    /// # Errors
    /// `VIR_ERR_XML_DETAIL` with the place, for what is not well-formed or refused (see the crate's documentation).
    pub fn parse(text: &'input str) -> Result<Self, Error> {
        guard::check(text)?;
        let tree = roxmltree::Document::parse(text).map_err(|error| {
            let at = error.pos();
            let detail = format!("(document):{}: {error}", at.row);
            Error::new(ErrorCode::XmlDetail, ErrorDomain::Xml, detail).at(Place {
                line: at.row,
                column: at.col,
                path: "/".into(),
            })
        })?;
        Ok(Self { tree, asked: None })
    }

    /// Parses a document and keeps a record of what its reader asks for, for [`Document::unread`].
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_recording(text: &'input str) -> Result<Self, Error> {
        Ok(Self { asked: Some(RefCell::default()), ..Self::parse(text)? })
    }

    /// The root element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element { node: self.tree.root_element(), document: self }
    }

    /// The root element, which has to have this name.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` that names the element found instead.
    pub fn root_named(&self, name: &str) -> Result<Element<'_>, Error> {
        let root = self.root();
        if root.name() == name {
            return Ok(root);
        }
        Err(root.error(
            ErrorCode::XmlError,
            ErrorDomain::Xml,
            format!("expecting root element of '{name}', not '{}'", root.name()),
        ))
    }

    /// What the reader of a document parsed by [`Document::parse_recording`] did not ask for, in document order.
    #[must_use]
    pub fn unread(&self) -> Vec<Unread> {
        self.asked.as_ref().map_or_else(Vec::new, |asked| asked.borrow().unread(self))
    }

    /// Refuses a document parsed by [`Document::parse_recording`] that holds something its reader did not ask for.
    ///
    /// # Errors
    /// `VIR_ERR_XML_INVALID_SCHEMA` at the first of it.
    pub fn refuse_unread(&self) -> Result<(), Error> {
        let Some(Unread { kind, name, place, .. }) = self.unread().into_iter().next() else { return Ok(()) };
        let what = match kind {
            UnreadKind::Element => "element",
            UnreadKind::Attribute => "attribute",
        };
        let detail = format!("Unable to validate doc: the {what} '{name}' is not expected");
        Err(Error::new(ErrorCode::XmlInvalidSchema, ErrorDomain::Xml, detail).at(place))
    }

    /// What the reader of a document parsed by [`Document::parse_recording`] asked for.
    #[must_use]
    pub fn asked_names(&self) -> Vec<AskedNames<'_>> {
        self.asked.as_ref().map_or_else(Vec::new, |asked| asked.borrow().names(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_documents_name_the_line() {
        for (text, line) in [("<a>\n<b></a>", 2), ("<a b='1' b='2'/>", 1), ("", 1), ("<a>&x;</a>", 1)] {
            let error = Document::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::XmlDetail);
            assert_eq!(error.place().unwrap().line, line, "{text}: {error}");
        }
    }

    #[test]
    fn the_root_has_to_have_the_expected_name() {
        let document = Document::parse("<network/>").unwrap();
        let error = document.root_named("domain").unwrap_err();
        assert_eq!(error.to_string(), "XML error: expecting root element of 'domain', not 'network'");
    }
}
