//! `<metadata>`: what applications keep with an object, untouched.

use std::collections::BTreeSet;

use virt_xml::{Element, Writer};

use crate::common::foreign::{ForeignElement, ForeignNode};

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

    pub(crate) fn format(&self, w: &mut Writer) {
        self.element.format(w);
    }
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
}
