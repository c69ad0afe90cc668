//! From values to XML.

use serde_json::Value;
use virt_types::nearest;

use super::{TEXT, wrong};
use crate::Result;
use crate::grammar::{self, NAMESPACES, Shape, Times};

pub(super) fn document(value: &Value, shape: &Shape, root: &str) -> Result<String> {
    let mut writer = Writer { xml: String::new() };
    writer.element(root, value, shape, &format!("/{root}"))?;
    let declarations: String = NAMESPACES
        .iter()
        .filter(|(prefix, _)| writer.xml.contains(&format!("<{prefix}:")))
        .map(|(prefix, uri)| format!(" xmlns:{prefix}='{uri}'"))
        .collect();
    writer.xml.insert_str(1 + root.len(), &declarations);
    Ok(writer.xml)
}

struct Writer {
    xml: String,
}

impl Writer {
    fn element(&mut self, name: &str, value: &Value, shape: &Shape, path: &str) -> Result<()> {
        if shape.is_foreign() {
            let Value::String(inner) = value else { return Err(mismatch(path, "a text of XML")) };
            self.xml += &format!("<{name}>{inner}</{name}>");
            return Ok(());
        }
        match value {
            Value::Object(object) => {
                self.xml += &format!("<{name}");
                let children = shape.children();
                let child = |key: &str| children.iter().find(|child| child.name == key);
                for (key, value) in object.iter().filter(|(key, _)| child(key).is_none() && *key != TEXT) {
                    let attribute = key.strip_prefix('@').unwrap_or(key);
                    let Some(kind) = shape.attribute(attribute) else {
                        return Err(unknown(key, shape, path));
                    };
                    let text = text_of(value, kind, &format!("{path}/{key}"))?;
                    self.xml += &format!(" {attribute}=\"{}\"", escaped(&text));
                }
                self.xml.push('>');
                if let Some(value) = object.get(TEXT) {
                    let Some(kind) = shape.text() else { return Err(unknown(TEXT, shape, path)) };
                    self.xml += &escaped(&text_of(value, kind, &format!("{path}/{TEXT}"))?);
                }
                for (key, value) in object {
                    let Some(child) = child(key) else { continue };
                    let path = format!("{path}/{key}");
                    match value {
                        Value::Array(list) if child.times == Times::Any => {
                            for (position, value) in list.iter().enumerate() {
                                self.element(key, value, &child.shape, &format!("{path}[{}]", position + 1))?;
                            }
                        }
                        Value::Array(_) => return Err(mismatch(&path, "one value, not several")),
                        _ if child.times == Times::Any => return Err(mismatch(&path, "an array")),
                        // That a flag is off is said by leaving it out.
                        Value::Bool(false) if child.shape.text().is_none() => {}
                        value => self.element(key, value, &child.shape, &path)?,
                    }
                }
                self.xml += &format!("</{name}>");
            }
            Value::Bool(true) if shape.text().is_none() => self.xml += &format!("<{name}/>"),
            value => {
                let Some(kind) = shape.text() else { return Err(mismatch(path, "an object")) };
                self.xml += &format!("<{name}>{}</{name}>", escaped(&text_of(value, kind, path)?));
            }
        }
        Ok(())
    }
}

/// The text that says a value.
fn text_of(value: &Value, kind: &grammar::Value, path: &str) -> Result<String> {
    Ok(match (value, kind) {
        (Value::String(text), _) => text.clone(),
        (Value::Bool(on), grammar::Value::YesNo) => if *on { "yes" } else { "no" }.to_owned(),
        (Value::Bool(on), grammar::Value::OnOff) => if *on { "on" } else { "off" }.to_owned(),
        (Value::Number(number), kind) if !number.is_f64() && !is_switch(kind) => number.to_string(),
        _ => {
            let expected = match kind {
                grammar::Value::YesNo | grammar::Value::OnOff => "true or false".to_owned(),
                kind => kind.expected(),
            };
            return Err(mismatch(path, &expected));
        }
    })
}

const fn is_switch(kind: &grammar::Value) -> bool {
    matches!(kind, grammar::Value::YesNo | grammar::Value::OnOff)
}

fn mismatch(path: &str, expected: &str) -> virt_types::Error {
    wrong(format!("wrong type of value at {path}")).with_hint(format!("expected {expected}"))
}

fn unknown(key: &str, shape: &Shape, path: &str) -> virt_types::Error {
    let error = wrong(format!("unknown key '{key}' at {path}"));
    let children = shape.children();
    let names = shape.attributes().map(|known| known.name).chain(children.iter().map(|child| child.name));
    match nearest(key, names.chain(shape.text().map(|_| TEXT))) {
        Some(near) => error.with_hint(format!("did you mean '{near}'?")),
        None => error,
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            '\r' => escaped += "&#13;",
            '\t' => escaped += "&#9;",
            c => escaped.push(c),
        }
    }
    escaped
}
