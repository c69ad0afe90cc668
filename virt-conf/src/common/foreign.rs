//! Elements of others that are kept and come back unchanged, such as those in `<metadata>`.
//!
//! The text that comes out is what libxml2 makes of the tree with libvirt's settings: white space between elements
//! is replaced by an indentation of two spaces, content that holds text stays as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use virt_xml::{Element, Writer, roxmltree};

/// A part of a foreign element's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignNode {
    /// An element.
    Element(ForeignElement),
    /// Text.
    Text(String),
    /// `<!--…-->`
    Comment(String),
    /// `<?target value?>`
    Instruction(String),
}

/// An element of unknown meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForeignElement {
    /// The name, with its prefix.
    pub name: String,
    /// The URI of its namespace.
    pub namespace: Option<String>,
    /// Namespaces declared here: prefix (absent for the default) and URI.
    pub declarations: Vec<(Option<String>, String)>,
    /// Attributes: name with prefix, and value.
    pub attributes: Vec<(String, String)>,
    /// The content.
    pub content: Vec<ForeignNode>,
}

impl ForeignElement {
    /// Takes an element over, with all within. Namespaces that it uses and that are declared around it become its own.
    #[must_use]
    pub fn parse(el: Element<'_>) -> Self {
        let mut reader = Reader { imported: Vec::new(), text: el.document_text() };
        let mut element = reader.element(el.raw(), &BTreeSet::new(), false);
        element.declarations.extend(reader.imported);
        element
    }

    /// Puts the element and all within it that are in no namespace into one, under this prefix.
    pub fn inject(&mut self, prefix: &str, uri: &str) {
        self.enter(prefix, uri);
        self.declarations.push((Some(prefix.to_owned()), uri.to_owned()));
    }

    fn enter(&mut self, prefix: &str, uri: &str) {
        if self.namespace.is_none() {
            self.name = format!("{prefix}:{}", self.name);
            self.namespace = Some(uri.to_owned());
        }
        self.children_mut().for_each(|child| child.enter(prefix, uri));
    }

    /// Takes the element and all within it out of a namespace: what [`ForeignElement::inject`] did is undone.
    pub fn extract(&mut self, uri: &str) {
        self.leave(uri);
        if let Some(at) = self.declarations.iter().position(|(_, declared)| declared == uri) {
            self.declarations.remove(at);
        }
    }

    fn leave(&mut self, uri: &str) {
        if self.namespace.as_deref() == Some(uri) {
            self.namespace = None;
            if let Some((_, local)) = self.name.split_once(':') {
                self.name = local.to_owned();
            }
        }
        self.children_mut().for_each(|child| child.leave(uri));
    }

    fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.content.iter_mut().filter_map(|node| match node {
            ForeignNode::Element(element) => Some(element),
            ForeignNode::Text(_) | ForeignNode::Comment(_) | ForeignNode::Instruction(_) => None,
        })
    }

    /// The element on its own, without a line break at its end.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0, true);
        out
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        let mut out = String::new();
        self.write(&mut out, w.depth(), true);
        w.foreign(&out);
    }

    fn write(&self, out: &mut String, depth: usize, indented: bool) {
        let _ = write!(out, "<{}", self.name);
        for (prefix, uri) in &self.declarations {
            let colon = if prefix.is_some() { ":" } else { "" };
            let _ = write!(out, " xmlns{colon}{}=\"", prefix.as_deref().unwrap_or_default());
            attribute_value(out, uri);
        }
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"");
            attribute_value(out, value);
        }
        if self.content.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        let indented = indented && !self.content.iter().any(|node| matches!(node, ForeignNode::Text(_)));
        for node in &self.content {
            if indented {
                line(out, depth + 1);
            }
            match node {
                ForeignNode::Element(element) => element.write(out, depth + 1, indented),
                ForeignNode::Text(text) => text_value(out, text),
                ForeignNode::Comment(text) => {
                    let _ = write!(out, "<!--{text}-->");
                }
                ForeignNode::Instruction(text) => {
                    let _ = write!(out, "<?{text}?>");
                }
            }
        }
        if indented {
            line(out, depth);
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

struct Reader<'a> {
    /// Namespaces that are used within but declared around.
    imported: Vec<(Option<String>, String)>,
    text: &'a str,
}

impl Reader<'_> {
    fn element(
        &mut self,
        node: roxmltree::Node<'_, '_>,
        around: &BTreeSet<Option<String>>,
        preserve: bool,
    ) -> ForeignElement {
        let tag = &self.text[node.range().start + 1..];
        let declarations = declarations(node, tag);
        let mut declared = around.clone();
        declared.extend(declarations.iter().map(|(prefix, _)| prefix.clone()));
        let name = tag.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
        self.import(name, node.tag_name().namespace(), &declared);
        let attributes = node.attributes().map(|attribute| {
            let name = self.text[attribute.range_qname()].to_owned();
            self.import(&name, attribute.namespace(), &declared);
            (name, attribute.value().to_owned())
        });
        let attributes: Vec<_> = attributes.collect();
        let preserve = match node.attribute((roxmltree::NS_XML_URI, "space")) {
            Some(space) => space == "preserve",
            None => preserve,
        };
        ForeignElement {
            name: name.to_owned(),
            namespace: node.tag_name().namespace().map(str::to_owned),
            declarations,
            attributes,
            content: self.content(node, &declared, preserve),
        }
    }

    fn content(
        &mut self,
        node: roxmltree::Node<'_, '_>,
        declared: &BTreeSet<Option<String>>,
        preserve: bool,
    ) -> Vec<ForeignNode> {
        let mut content = Vec::new();
        let mut has_text = false;
        for child in node.children() {
            if child.is_element() {
                content.push(ForeignNode::Element(self.element(child, declared, preserve)));
            } else if let Some(instruction) = child.pi() {
                let value = instruction.value.map(|value| format!(" {value}")).unwrap_or_default();
                content.push(ForeignNode::Instruction(format!("{}{value}", instruction.target)));
            } else if child.is_comment() {
                content.push(ForeignNode::Comment(child.text().unwrap_or_default().to_owned()));
            } else if let Some(text) = child.text() {
                // White space is content only where there was text before it, or nothing else.
                let blank = text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
                let alone = content.is_empty() && child.next_sibling().is_none();
                if !blank || preserve || has_text || alone {
                    has_text = true;
                    content.push(ForeignNode::Text(text.to_owned()));
                }
            }
        }
        content
    }

    fn import(&mut self, name: &str, namespace: Option<&str>, declared: &BTreeSet<Option<String>>) {
        let Some(uri) = namespace.filter(|uri| *uri != roxmltree::NS_XML_URI) else { return };
        let prefix = name.split_once(':').map(|(prefix, _)| prefix.to_owned());
        let declaration = (prefix, uri.to_owned());
        if !declared.contains(&declaration.0) && !self.imported.contains(&declaration) {
            self.imported.push(declaration);
        }
    }
}

/// The namespaces that an element's own tag declares; `tag` begins at its name.
fn declarations(node: roxmltree::Node<'_, '_>, tag: &str) -> Vec<(Option<String>, String)> {
    let end =
        node.first_child().map_or_else(|| node.range().end, |child| child.range().start) - node.range().start;
    if !tag[..end.min(tag.len())].contains("xmlns") {
        return Vec::new();
    }
    let inherited: BTreeSet<_> = node
        .parent_element()
        .map(|parent| parent.namespaces().map(|ns| (ns.name(), ns.uri())).collect())
        .unwrap_or_default();
    node.namespaces()
        .filter(|ns| !inherited.contains(&(ns.name(), ns.uri())))
        .map(|ns| (ns.name().map(str::to_owned), ns.uri().to_owned()))
        .collect()
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}

/// The value and its closing quote.
fn attribute_value(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            c => escaped(out, c),
        }
    }
    out.push('"');
}

fn text_value(out: &mut String, text: &str) {
    text.chars().for_each(|c| escaped(out, c));
}

fn escaped(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '\r' => out.push_str("&#13;"),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn foreign_elements_come_back_indented() {
        for (xml, written) in [
            ("<d><metadata/></d>", "<metadata/>"),
            ("<d><metadata> </metadata></d>", "<metadata> </metadata>"),
            (
                "<d xmlns:a='urn:a' xmlns:b='urn:b'><metadata>\n<a:x  y='1\"'/><!-- c --><?p q?></metadata></d>",
                "<metadata xmlns:a=\"urn:a\">\n  <a:x y=\"1&quot;\"/>\n  <!-- c -->\n  <?p q?>\n</metadata>",
            ),
            (
                "<d><metadata><x xmlns='urn:x'>t<y/> <z> </z></x><v><w/> </v></metadata></d>",
                "<metadata>\n  <x xmlns=\"urn:x\">t<y/> <z> </z></x>\n  <v>\n    <w/>\n  </v>\n</metadata>",
            ),
            (
                "<d><metadata><x xml:space='preserve'> <y/></x></metadata></d>",
                "<metadata>\n  <x xml:space=\"preserve\"> <y/></x>\n</metadata>",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            ForeignElement::parse(document.root().child("metadata").unwrap()).format(&mut w);
            assert_eq!(w.finish().trim_end_matches('\n'), written, "{xml}");
        }
    }
}
