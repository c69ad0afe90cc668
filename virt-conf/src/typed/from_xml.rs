//! From XML to values.

use serde_json::{Map, Value};
use virt_xml::Element;

use super::TEXT;
use crate::grammar::check::prefixed;
use crate::grammar::{self, Shape, Times};

pub(super) fn element(el: Element<'_>, shape: &Shape) -> Value {
    if shape.is_foreign() {
        return Value::String(inner(el).to_owned());
    }
    let known = shape.children();
    let mut object = Map::new();
    for attribute in el.raw().attributes().filter(|attribute| attribute.namespace().is_none()) {
        let name = attribute.name();
        if let Some(value) = shape.attribute(name) {
            let twin = known.iter().any(|child| child.name == name);
            let key = if twin { format!("@{name}") } else { name.to_owned() };
            object.insert(key, scalar(attribute.value(), value));
        }
    }
    let text = shape.text().and_then(|value| {
        let own: String =
            el.raw().children().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
        let beside_children = el.children().next().is_some() && own.trim().is_empty();
        (!own.is_empty() && !beside_children).then(|| scalar(&own, value))
    });
    for child in el.children() {
        let name = prefixed(child);
        let Some(known) = known.iter().find(|known| known.name == name) else { continue };
        let value = element(child, &known.shape);
        if known.times == Times::Any {
            let list = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value);
            }
        } else {
            // Of several where one is allowed, readers take the first.
            object.entry(name).or_insert(value);
        }
    }
    match text {
        Some(text) if object.is_empty() => text,
        Some(text) => {
            object.insert(TEXT.to_owned(), text);
            Value::Object(object)
        }
        None if shape.is_flag() => Value::Bool(true),
        None => Value::Object(object),
    }
}

/// What stands between an element's tags.
fn inner(el: Element<'_>) -> &str {
    let source = el.source();
    let mut children = el.raw().children();
    let range = children
        .clone()
        .next()
        .zip(children.next_back())
        .map(|(first, last)| first.range().start..last.range().end);
    range.and_then(|range| el.document_text().get(range)).unwrap_or_else(|| &source[source.len()..])
}

/// A text as the value that it says, where that says the same text again.
fn scalar(text: &str, value: &grammar::Value) -> Value {
    let typed = match (value, text) {
        (grammar::Value::YesNo, "yes") | (grammar::Value::OnOff, "on") => Some(Value::Bool(true)),
        (grammar::Value::YesNo, "no") | (grammar::Value::OnOff, "off") => Some(Value::Bool(false)),
        (grammar::Value::Number(..) | grammar::Value::Integer, text) => {
            text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(Value::from)
        }
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}
