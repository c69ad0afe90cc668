//! `<filterref>`: the network filter of an interface, with the values of its variables.

use std::collections::BTreeMap;

use virt_xml::{Element, Writer};

/// A reference to a network filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterRef {
    /// `filter`: its name.
    pub filter: String,
    /// `<parameter>`: the values of each variable, in the order given.
    pub parameters: BTreeMap<String, Vec<String>>,
}

impl FilterRef {
    /// Reads the reference; `None` where it names no filter. Parameters that could not be variables are left out.
    #[must_use]
    pub fn parse(el: Element<'_>) -> Option<Self> {
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for parameter in el.children_named("parameter") {
            if let (Some(name), Some(value)) = (parameter.attr("name"), parameter.attr("value"))
                && is_name(name)
                && is_value(value)
            {
                parameters.entry(name.to_owned()).or_default().push(value.to_owned());
            }
        }
        Some(Self { filter: el.attr("filter")?.to_owned(), parameters })
    }

    /// Writes the element, variables in alphabetical order.
    pub fn format(&self, w: &mut Writer) {
        w.element("filterref", |w| {
            w.attr("filter", &self.filter);
            for (name, values) in &self.parameters {
                for value in values {
                    w.element("parameter", |w| {
                        w.attr("name", name);
                        w.attr("value", value);
                    });
                }
            }
        });
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':'))
}

grammar! {
    /// `<filterref>`
    pub FILTERREF = [Must("filter", Str), Many("parameter", &[Must("name", Str), Must("value", Str)])];
}
