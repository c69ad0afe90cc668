//! An element: navigation, text, place.

use virt_types::{Error, ErrorCode, ErrorDomain, Place};

use crate::document::Document;

/// An element of a [`Document`]; a copyable handle.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub(crate) node: roxmltree::Node<'a, 'a>,
    pub(crate) document: &'a Document<'a>,
}

impl std::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.place())
    }
}

impl<'a> Element<'a> {
    /// The local name.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    /// The namespace's URI, if the element is in one.
    #[must_use]
    pub fn namespace(self) -> Option<&'a str> {
        self.node.tag_name().namespace()
    }

    /// The prefix bound to this namespace URI where the element stands, if any.
    #[must_use]
    pub fn prefix_of(self, uri: &str) -> Option<&'a str> {
        self.node.lookup_prefix(uri)
    }

    /// The namespaces declared in scope: prefix (absent for the default) and URI.
    pub fn namespaces(self) -> impl Iterator<Item = (Option<&'a str>, &'a str)> {
        self.node.namespaces().map(|namespace| (namespace.name(), namespace.uri()))
    }

    /// The child elements, in order, whatever their names.
    pub fn children(self) -> impl Iterator<Item = Self> + Clone {
        let document = self.document;
        self.node.children().filter(roxmltree::Node::is_element).map(move |node| Element { node, document })
    }

    /// The child elements without a namespace that have this name.
    pub fn children_named(self, name: &'static str) -> impl Iterator<Item = Self> + Clone {
        self.note_child(name);
        self.children().filter(move |child| child.is(name))
    }

    /// The child elements without a namespace that have one of these names, in document order.
    pub fn children_in(self, names: &'static [&'static str]) -> impl Iterator<Item = Self> + Clone {
        for name in names {
            self.note_child(name);
        }
        self.children().filter(move |child| names.iter().any(|name| child.is(name)))
    }

    /// The first child element without a namespace that has this name.
    #[must_use]
    pub fn child(self, name: &'static str) -> Option<Self> {
        self.children_named(name).next()
    }

    /// The first element reached by these names, one level each.
    #[must_use]
    pub fn descend(self, path: &[&'static str]) -> Option<Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The child elements in this namespace.
    pub fn children_in_namespace(self, uri: &'a str) -> impl Iterator<Item = Self> {
        self.note_namespace(uri);
        self.children().filter(move |child| child.namespace() == Some(uri))
    }

    /// Whether the element has this name and no namespace.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        self.name() == name && self.namespace().is_none()
    }

    /// The parent element.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        let document = self.document;
        self.node.parent_element().map(|node| Self { node, document })
    }

    /// All text within, concatenated, as XPath's `string()` gives it.
    #[must_use]
    pub fn text(self) -> String {
        self.node.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect()
    }

    /// The text of the first child of this name; `None` where the child is missing or empty, as libvirt has it.
    #[must_use]
    pub fn child_text(self, name: &'static str) -> Option<String> {
        self.child(name).map(Element::text).filter(|text| !text.is_empty())
    }

    /// The element as it stands in the input, with its tags.
    #[must_use]
    pub fn source(self) -> &'a str {
        &self.document.tree.input_text()[self.node.range()]
    }

    /// The whole input, into which the positions of [`Element::raw`]'s nodes point.
    #[must_use]
    pub fn document_text(self) -> &'a str {
        self.document.tree.input_text()
    }

    /// Every node within, for readers of foreign content.
    #[must_use]
    pub fn raw(self) -> roxmltree::Node<'a, 'a> {
        self.take_all();
        self.node
    }

    /// Takes note of child elements that are known but say nothing where they stand, such as figures that only a dump has.
    pub fn pass_over(self, names: &'static [&'static str]) {
        self.children_in(names).for_each(Self::take_all);
    }

    /// Line, column and path of the element.
    #[must_use]
    pub fn place(self) -> Place {
        self.place_at(self.node.range().start, None)
    }

    pub(crate) fn place_at(self, offset: usize, attribute: Option<&str>) -> Place {
        let at = self.document.tree.text_pos_at(offset);
        let mut path = attribute.map_or_else(String::new, |name| format!("@{name}"));
        let mut element = Some(self);
        while let Some(current) = element {
            element = current.parent();
            let twins =
                element.into_iter().flat_map(Self::children).filter(|twin| twin.name() == current.name());
            let position = match twins.clone().count() {
                0 | 1 => String::new(),
                _ => twins
                    .zip(1..)
                    .find(|(twin, _)| twin.node == current.node)
                    .map_or_else(String::new, |(_, i): (_, u32)| format!("[{i}]")),
            };
            path = format!("/{}{position}{path}", current.name());
        }
        Place { line: at.row, column: at.col, path }
    }

    /// An error at this element.
    #[must_use]
    pub fn error(self, code: ErrorCode, domain: ErrorDomain, detail: impl Into<String>) -> Error {
        Error::new(code, domain, detail).at(self.place())
    }

    /// An error at this attribute of the element.
    #[must_use]
    pub fn attr_error(
        self,
        name: &str,
        code: ErrorCode,
        domain: ErrorDomain,
        detail: impl Into<String>,
    ) -> Error {
        let offset = self
            .node
            .attribute_node(name)
            .map_or_else(|| self.node.range().start, |attribute| attribute.range().start);
        Error::new(code, domain, detail).at(self.place_at(offset, Some(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_line_column_and_path() {
        let text = "<domain>\n  <devices>\n    <disk/>\n    <disk><target bus='virto'/></disk>\n  </devices>\n</domain>";
        let document = Document::parse(text).unwrap();
        let target = document
            .root()
            .descend(&["devices"])
            .unwrap()
            .children_named("disk")
            .nth(1)
            .unwrap()
            .child("target")
            .unwrap();
        assert_eq!(target.place().to_string(), "line 4, column 11: /domain/devices/disk[2]/target");
        let error = target.attr_error("bus", ErrorCode::XmlError, ErrorDomain::Xml, "");
        assert_eq!(
            error.place().unwrap().to_string(),
            "line 4, column 19: /domain/devices/disk[2]/target@bus"
        );
    }

    #[test]
    fn elements_of_other_namespaces_are_no_children_by_name() {
        let document = Document::parse("<a xmlns:q='urn:q'><q:b>no</q:b><b>yes</b></a>").unwrap();
        assert_eq!(document.root().child_text("b").as_deref(), Some("yes"));
        assert_eq!(document.root().children_in_namespace("urn:q").count(), 1);
    }

    #[test]
    fn text_is_that_of_all_descendants() {
        let document = Document::parse("<a>x<b>y</b><!-- n --><![CDATA[<z>]]></a>").unwrap();
        assert_eq!(document.root().text(), "xy<z>");
        assert_eq!(document.root().child("b").unwrap().source(), "<b>y</b>");
    }
}
