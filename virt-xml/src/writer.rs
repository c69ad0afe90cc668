//! XML as libvirt writes it: two spaces of indentation, single quotes, `/>` for empty elements.

use std::fmt::{Display, Write as _};

/// Writes elements into a text.
///
/// An element is a closure: attributes first, then content.
///
/// ```
/// use virt_xml::Writer;
/// let mut w = Writer::new();
/// w.element("disk", |w| {
///     w.attr("type", "file");
///     w.element("source", |w| w.attr("file", "/a 'b'"));
///     w.element_if_any("driver", |_| {});
///     w.element("readonly", |_| {});
/// });
/// assert_eq!(w.finish(), "<disk type='file'>\n  <source file='/a &apos;b&apos;'/>\n  <readonly/>\n</disk>\n");
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    depth: usize,
    /// Whether the last start tag still takes attributes.
    open: bool,
}

impl Writer {
    /// An empty text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty text whose lines are indented by this many levels.
    #[must_use]
    pub fn indented(depth: usize) -> Self {
        Self { depth, ..Self::default() }
    }

    /// How many levels the next line is indented by.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The text, ending in a line break where it is not empty.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }

    /// An element, whether or not it turns out empty.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.close_start_tag();
        self.indent();
        let _ = write!(self.out, "<{name}");
        self.content(name, content);
    }

    /// An element with an end tag of its own even where it turns out empty, as libvirt writes a few.
    pub fn open_element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.element(name, |w| {
            content(w);
            w.close_start_tag();
        });
    }

    /// An element that is left out where it has neither attributes nor content.
    pub fn element_if_any(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let (length, open) = (self.out.len(), self.open);
        self.close_start_tag();
        self.indent();
        let _ = write!(self.out, "<{name}");
        let bare = self.out.len();
        self.open = true;
        self.depth += 1;
        content(self);
        self.depth -= 1;
        if self.open && self.out.len() == bare {
            self.out.truncate(length);
            self.open = open;
        } else {
            self.end(name);
        }
    }

    fn content(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open = true;
        self.depth += 1;
        content(self);
        self.depth -= 1;
        self.end(name);
    }

    fn end(&mut self, name: &str) {
        if self.open {
            self.open = false;
            self.out.push_str("/>\n");
        } else {
            self.indent();
            let _ = writeln!(self.out, "</{name}>");
        }
    }

    /// An attribute of the element just begun; the value is escaped.
    pub fn attr(&mut self, name: &str, value: impl Display) {
        debug_assert!(self.open, "attribute {name} after content");
        let _ = write!(self.out, " {name}='");
        let _ = write!(Escaping(&mut self.out), "{value}");
        self.out.push('\'');
    }

    /// The attribute, where there is a value.
    pub fn attr_opt(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.attr(name, value);
        }
    }

    /// The attribute as `yes` or `no`, where there is a value.
    pub fn attr_yes_no(&mut self, name: &str, value: Option<bool>) {
        self.attr_opt(name, value.map(|value| if value { "yes" } else { "no" }));
    }

    /// The attribute as `on` or `off`, where there is a value.
    pub fn attr_on_off(&mut self, name: &str, value: Option<bool>) {
        self.attr_opt(name, value.map(|value| if value { "on" } else { "off" }));
    }

    /// `<name>text</name>` on a line of its own; the text is escaped.
    pub fn text_element(&mut self, name: &str, text: impl Display) {
        self.text_element_with(name, |_| {}, text);
    }

    /// `<name>text</name>`, where there is a text.
    pub fn text_element_opt(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text_element(name, text);
        }
    }

    /// `<name …>text</name>` on a line of its own, with the attributes that the closure writes.
    pub fn text_element_with(&mut self, name: &str, attributes: impl FnOnce(&mut Self), text: impl Display) {
        self.close_start_tag();
        self.indent();
        let _ = write!(self.out, "<{name}");
        self.open = true;
        attributes(self);
        self.open = false;
        self.out.push('>');
        let _ = write!(Escaping(&mut self.out), "{text}");
        let _ = writeln!(self.out, "</{name}>");
    }

    /// Text that is XML already, one or more whole lines, each of which is indented.
    pub fn lines(&mut self, xml: &str) {
        self.close_start_tag();
        for line in xml.lines() {
            self.indent();
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// Text that is XML already, indented at its first line only, as libvirt puts foreign elements.
    pub fn foreign(&mut self, xml: &str) {
        self.close_start_tag();
        self.indent();
        self.out.push_str(xml);
        self.out.push('\n');
    }

    /// An empty line.
    pub fn blank_line(&mut self) {
        self.close_start_tag();
        self.out.push('\n');
    }

    /// A comment on a line of its own.
    pub fn comment(&mut self, text: &str) {
        self.lines(&format!("<!-- {} -->", text.replace("--", "- -")));
    }

    fn close_start_tag(&mut self) {
        if std::mem::take(&mut self.open) {
            self.out.push_str(">\n");
        }
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }
}

/// The text with `<`, `>`, `&` and both quotes escaped and control characters dropped, as libvirt does.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let _ = Escaping(&mut out).write_str(text);
    out
}

struct Escaping<'a>(&'a mut String);

impl std::fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                '\t' | '\n' | '\r' => self.0.push(c),
                '\0'..'\x1a' => {}
                _ => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_elements_that_turn_out_empty_leave_no_trace() {
        let mut w = Writer::new();
        w.element("a", |w| {
            w.attr("b", 1);
            w.element_if_any("c", |w| w.element_if_any("d", |_| {}));
        });
        assert_eq!(w.finish(), "<a b='1'/>\n");
    }

    #[test]
    fn an_open_element_ends_on_a_line_of_its_own() {
        let mut w = Writer::new();
        w.element("a", |w| w.open_element("b", |w| w.attr("c", 1)));
        assert_eq!(w.finish(), "<a>\n  <b c='1'>\n  </b>\n</a>\n");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let value = "a<b>&\"'\tc";
        let mut w = Writer::new();
        w.element("a", |w| {
            w.attr("v", value);
            w.text_element_with("t", |w| w.attr_yes_no("y", Some(true)), value);
        });
        let text = w.finish();
        let document = crate::Document::parse(&text).unwrap();
        assert_eq!(document.root().child_text("t").unwrap(), value);
        assert_eq!(document.root().attr("v").unwrap(), value.replace('\t', " "));
    }

    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(escape("a\u{1}b\u{b}c\n"), "abc\n");
    }
}
