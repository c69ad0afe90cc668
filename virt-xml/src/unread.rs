//! A record of what a reader asked for, and the list of what it did not.

use std::collections::{BTreeMap, BTreeSet};

use virt_types::{Place, nearest};

use crate::document::Document;
use crate::element::Element;

/// What kind of thing was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadKind {
    /// An element and all within.
    Element,
    /// An attribute.
    Attribute,
}

/// A part of a document that its reader never asked for, so that it had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Element or attribute.
    pub kind: UnreadKind,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The nearest name that the reader asked for at the same place, if one is near.
    pub nearest: Option<String>,
}

/// What the reader of a document asked an element for, whether it was there or not.
#[derive(Debug)]
pub struct AskedNames<'a> {
    /// The element.
    pub element: Element<'a>,
    /// Names of child elements.
    pub children: Vec<&'static str>,
    /// Names of attributes.
    pub attributes: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Names {
    children: BTreeSet<&'static str>,
    attributes: BTreeSet<&'static str>,
    namespaces: BTreeSet<String>,
    all: bool,
}

/// The record, by element.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    elements: BTreeMap<usize, Names>,
}

impl Asked {
    pub(crate) fn unread(&self, document: &Document<'_>) -> Vec<Unread> {
        let mut found = Vec::new();
        self.visit(document.root(), &mut found);
        found
    }

    pub(crate) fn names<'a>(&self, document: &'a Document<'_>) -> Vec<AskedNames<'a>> {
        let mut found = Vec::new();
        let mut waiting = vec![document.root()];
        while let Some(element) = waiting.pop() {
            waiting.extend(element.children());
            if let Some(names) = self.elements.get(&element.node.id().get_usize()).filter(|names| !names.all)
            {
                found.push(AskedNames {
                    element,
                    children: names.children.iter().copied().collect(),
                    attributes: names.attributes.iter().copied().collect(),
                });
            }
        }
        found
    }

    fn visit(&self, element: Element<'_>, found: &mut Vec<Unread>) {
        let none = Names::default();
        let names = self.elements.get(&element.node.id().get_usize()).unwrap_or(&none);
        if names.all {
            return;
        }
        for attribute in element.node.attributes() {
            if attribute.namespace().is_none() && !names.attributes.contains(attribute.name()) {
                found.push(Unread {
                    kind: UnreadKind::Attribute,
                    name: attribute.name().to_owned(),
                    place: element.place_at(attribute.range().start, Some(attribute.name())),
                    nearest: nearest(attribute.name(), names.attributes.iter().copied()).map(str::to_owned),
                });
            }
        }
        for child in element.children() {
            let read = match child.namespace() {
                Some(uri) => names.namespaces.contains(uri),
                None => names.children.contains(child.name()),
            };
            if read {
                self.visit(child, found);
            } else {
                found.push(Unread {
                    kind: UnreadKind::Element,
                    name: child.name().to_owned(),
                    place: child.place(),
                    nearest: nearest(child.name(), names.children.iter().copied()).map(str::to_owned),
                });
            }
        }
    }
}

impl Element<'_> {
    fn note(self, note: impl FnOnce(&mut Names)) {
        if let Some(asked) = &self.document.asked {
            note(asked.borrow_mut().elements.entry(self.node.id().get_usize()).or_default());
        }
    }

    pub(crate) fn note_child(self, name: &'static str) {
        self.note(|names| {
            names.children.insert(name);
        });
    }

    pub(crate) fn note_attr(self, name: &'static str) {
        self.note(|names| {
            names.attributes.insert(name);
        });
    }

    pub(crate) fn note_namespace(self, uri: &str) {
        self.note(|names| {
            names.namespaces.insert(uri.to_owned());
        });
    }

    /// Counts everything within as read: foreign content that is kept as it is.
    pub fn take_all(self) {
        self.note(|names| names.all = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_reported_with_the_name_that_was_meant() {
        let text = "<domain><vcpuz>4</vcpuz><metadata><x:y xmlns:x='urn:x' z='1'/></metadata><os><type arc='x'/></os></domain>";
        let document = Document::parse_recording(text).unwrap();
        let root = document.root();
        assert!(root.child("vcpu").is_none());
        root.child("metadata").unwrap().take_all();
        assert!(root.child("os").unwrap().child("type").unwrap().attr("arch").is_none());
        let unread = document.unread();
        let short: Vec<_> = unread.iter().map(|u| (u.kind, u.name.as_str(), u.nearest.as_deref())).collect();
        assert_eq!(
            short,
            [(UnreadKind::Element, "vcpuz", Some("vcpu")), (UnreadKind::Attribute, "arc", Some("arch"))]
        );
        assert_eq!(unread[1].place.path, "/domain/os/type@arc");
    }

    #[test]
    fn a_plain_parse_records_nothing() {
        assert!(Document::parse("<a b='1'/>").unwrap().unread().is_empty());
    }
}
