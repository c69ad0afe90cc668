//! An element that says whether something can be had, and which values its attributes may take.

use virt_types::TextEnum;
use virt_xml::Writer;

/// An element with `supported='…'`, free values and `<enum>`s.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    supported: bool,
    values: Vec<String>,
    enums: Vec<(&'static str, Vec<&'static str>)>,
}

impl Section {
    /// Something that can be had.
    #[must_use]
    pub fn supported() -> Self {
        Self { supported: true, ..Self::default() }
    }

    /// Something that can not be had.
    #[must_use]
    pub fn unsupported() -> Self {
        Self::default()
    }

    /// The same with an `<enum>` of these values, which are written once each, in their type's order.
    #[must_use]
    pub fn with<T: TextEnum>(self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        let wanted: Vec<T> = values.into_iter().collect();
        let known = T::SPELLINGS.iter().filter(|(value, _)| wanted.contains(value));
        self.with_texts(name, known.map(|(_, text)| *text))
    }

    /// The same with an `<enum>` of texts, written as they come.
    #[must_use]
    pub fn with_texts(mut self, name: &'static str, values: impl IntoIterator<Item = &'static str>) -> Self {
        self.enums.push((name, values.into_iter().collect()));
        self
    }

    /// The same with a free value, which is written where it is not there yet.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        if !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_owned());
        }
        self
    }

    /// Whether it can be had.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        self.supported
    }

    pub(super) fn format(&self, name: &str, w: &mut Writer) {
        self.format_with(name, w, |_| {});
    }

    pub(super) fn format_with(&self, name: &str, w: &mut Writer, more: impl FnOnce(&mut Writer)) {
        w.element(name, |w| {
            w.attr_yes_no("supported", Some(self.supported));
            if self.supported {
                self.values.iter().for_each(|value| w.text_element("value", value));
                self.format_enums(w);
                more(w);
            }
        });
    }

    /// The element under this name with an attribute `name`.
    pub(super) fn format_named(&self, element: &str, name: &str, w: &mut Writer) {
        w.element(element, |w| {
            w.attr("name", name);
            w.attr_yes_no("supported", Some(self.supported));
            if self.supported {
                self.format_enums(w);
            }
        });
    }

    fn format_enums(&self, w: &mut Writer) {
        for (name, values) in &self.enums {
            w.element("enum", |w| {
                w.attr("name", name);
                values.iter().for_each(|value| w.text_element("value", value));
            });
        }
    }
}
