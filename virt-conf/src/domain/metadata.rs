//! `<metadata>`: what applications keep with a guest, untouched.

use virt_xml::{Element, Writer};

use crate::common::foreign::ForeignElement;

/// `<metadata>`: any elements of other namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The element itself.
    pub element: ForeignElement,
}

impl Metadata {
    pub(super) fn parse(domain: Element<'_>) -> Option<Self> {
        domain.child("metadata").map(|el| Self { element: ForeignElement::parse(el) })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        self.element.format(w);
    }
}
