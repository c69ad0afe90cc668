//! `<metadata>`: what applications keep with an object, untouched.

use std::collections::BTreeSet;

use virt_xml::{Document, Element, Writer};

use crate::Result;
use crate::common::foreign::{ForeignElement, ForeignNode};
use crate::error::internal;

/// `<metadata>`: any elements of other namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The element itself.
    pub element: ForeignElement,
}

impl Metadata {
    pub(crate) fn parse(owner: Element<'_>) -> Option<Self> {
        owner.child("metadata").map(|el| Self { element: ForeignElement::parse(el) })
    }

    /// Keeps one element of each namespace, the first, and none without one.
    pub(crate) fn fill(&mut self) {
        let mut namespaces = BTreeSet::new();
        self.element.content.retain(|node| match node {
            ForeignNode::Element(element) => {
                element.namespace.as_ref().is_some_and(|uri| namespaces.insert(uri.clone()))
            }
            ForeignNode::Text(_) | ForeignNode::Comment(_) | ForeignNode::Instruction(_) => true,
        });
    }

    /// The element of a namespace, out of it, as text.
    #[must_use]
    pub fn get(&self, uri: &str) -> Option<String> {
        let mut found = self.elements().find(|element| element.namespace.as_deref() == Some(uri))?.clone();
        found.extract(uri);
        Some(found.to_text())
    }

    /// Removes the elements of a namespace.
    pub fn remove(&mut self, uri: &str) {
        self.element.content.retain(|node| match node {
            ForeignNode::Element(element) => element.namespace.as_deref() != Some(uri),
            ForeignNode::Text(_) | ForeignNode::Comment(_) | ForeignNode::Instruction(_) => true,
        });
    }

    /// Puts a document into a namespace, in place of what is there; its names get the prefix `key`.
    ///
    /// # Errors
    /// For what is no XML, and for a key that is no prefix.
    pub fn set(&mut self, uri: &str, key: &str, xml: &str) -> Result<()> {
        let document = Document::parse(xml)?;
        let mut element = ForeignElement::parse(document.root());
        if !is_prefix(key) {
            return Err(internal("failed to validate prefix for a new XML namespace"));
        }
        element.inject(key, uri);
        self.remove(uri);
        if self.element.name.is_empty() {
            "metadata".clone_into(&mut self.element.name);
        }
        self.element.content.push(ForeignNode::Element(element));
        Ok(())
    }

    fn elements(&self) -> impl Iterator<Item = &ForeignElement> {
        self.element.content.iter().filter_map(|node| match node {
            ForeignNode::Element(element) => Some(element),
            ForeignNode::Text(_) | ForeignNode::Comment(_) | ForeignNode::Instruction(_) => None,
        })
    }

    pub(crate) fn format(&self, w: &mut Writer) {
        self.element.format(w);
    }
}

/// Whether a name can stand before a colon (NCName of Namespaces in XML 1.0, without the letters beyond ASCII told apart).
fn is_prefix(key: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && c.is_alphabetic());
    let mut chars = key.chars();
    chars.next().is_some_and(letter)
        && chars.all(|c| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '.') || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn one_element_of_each_namespace_is_kept() {
        let xml = "<d><metadata><none/><a:x xmlns:a='urn:a'/><b:y xmlns:b='urn:a'/><!-- c --><b:z xmlns:b='urn:b'/></metadata></d>";
        let document = Document::parse(xml).unwrap();
        let mut metadata = Metadata::parse(document.root()).unwrap();
        metadata.fill();
        let mut w = Writer::new();
        metadata.format(&mut w);
        assert_eq!(
            w.finish(),
            "<metadata>\n  <a:x xmlns:a=\"urn:a\"/>\n  <!-- c -->\n  <b:z xmlns:b=\"urn:b\"/>\n</metadata>\n"
        );
    }

    #[test]
    fn an_element_goes_into_its_namespace_and_comes_out_of_it() {
        let mut metadata = Metadata::default();
        metadata.set("urn:x", "k", "<a b='1'><c/><y:d xmlns:y='urn:y'/></a>").unwrap();
        assert_eq!(
            metadata.element.to_text(),
            "<metadata>\n  <k:a xmlns:k=\"urn:x\" b=\"1\">\n    <k:c/>\n    <y:d xmlns:y=\"urn:y\"/>\n  </k:a>\n</metadata>"
        );
        assert_eq!(metadata.get("urn:x").unwrap(), "<a b=\"1\">\n  <c/>\n  <y:d xmlns:y=\"urn:y\"/>\n</a>");
        assert_eq!(metadata.get("urn:z"), None);
        metadata.set("urn:x", "k", "<other/>").unwrap();
        assert_eq!(metadata.get("urn:x").unwrap(), "<other/>");
        metadata.remove("urn:x");
        assert_eq!((metadata.get("urn:x"), metadata.element.to_text().as_str()), (None, "<metadata/>"));
    }

    #[test]
    fn what_is_no_element_or_no_prefix_changes_nothing() {
        let mut metadata = Metadata::default();
        metadata.set("urn:x", "k", "<a/>").unwrap();
        for (key, xml) in [("k", "<a>"), ("1k", "<b/>"), ("", "<b/>"), ("a:b", "<b/>")] {
            metadata.set("urn:x", key, xml).unwrap_err();
            assert_eq!(metadata.get("urn:x").unwrap(), "<a/>");
        }
    }
}
