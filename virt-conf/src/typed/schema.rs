//! The typed form as a JSON Schema.

use serde_json::{Map, Value, json};

use super::TEXT;
use crate::grammar::{self, Part, Shape, Times};

/// The schema (draft 2020-12) of typed documents.
#[must_use]
pub fn schema(grammar: &'static [Part], title: &str) -> Value {
    let mut definitions = Definitions::default();
    let root = definitions.element(title, &Shape::of(grammar));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
    });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(definitions.done));
    }
    schema
}

/// Elements that several places share, or that hold others like themselves.
#[derive(Default)]
struct Definitions {
    names: Vec<(Shape, String)>,
    done: Map<String, Value>,
}

impl Definitions {
    /// A reference to the element's definition, which is made where there is none yet.
    fn element(&mut self, name: &str, shape: &Shape) -> Value {
        if shape.is_foreign() {
            return json!({ "type": "string", "description": "elements in XML" });
        }
        if shape.is_flag() {
            return json!({ "type": "boolean" });
        }
        let children = shape.children();
        if children.is_empty() && shape.attributes().next().is_none() {
            return shape.text().map_or_else(|| json!({ "type": "boolean" }), scalar);
        }
        if let Some((_, name)) = self.names.iter().find(|(known, _)| known.is_same(shape)) {
            return reference(name);
        }
        let taken = |name: &str| self.names.iter().any(|(_, known)| known == name);
        let mut unique = name.to_owned();
        let mut count = 1;
        while taken(&unique) {
            count += 1;
            unique = format!("{name}-{count}");
        }
        self.names.push((shape.clone(), unique.clone()));
        let definition = self.object(shape, &children);
        self.done.insert(unique.clone(), definition);
        reference(&unique)
    }

    fn object(&mut self, shape: &Shape, children: &[grammar::Child]) -> Value {
        let mut properties = Map::new();
        for attribute in shape.attributes() {
            let twin = children.iter().any(|child| child.name == attribute.name);
            let key = if twin { format!("@{}", attribute.name) } else { attribute.name.to_owned() };
            properties.entry(key).or_insert_with(|| scalar(attribute.value));
        }
        for child in children {
            let value = self.element(child.name, &child.shape);
            let value = match child.times {
                Times::Any => json!({ "type": "array", "items": value }),
                Times::Optional | Times::Once => value,
            };
            properties.insert(child.name.to_owned(), value);
        }
        let text = shape.text().map(scalar);
        if let Some(text) = &text {
            properties.insert(TEXT.to_owned(), text.clone());
        }
        let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        let required = shape.always_required();
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        // An element without attributes is its text, and one without anything is there or not.
        match text {
            Some(text) => json!({ "anyOf": [object, text] }),
            None if required.is_empty() => json!({ "anyOf": [object, { "type": "boolean" }] }),
            None => object,
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{}", name.replace(':', "%3A")) })
}

fn scalar(value: &grammar::Value) -> Value {
    match value {
        grammar::Value::Str => json!({ "type": "string" }),
        grammar::Value::OneOf(names) => json!({ "enum": names }),
        grammar::Value::YesNo => json!({ "anyOf": [{ "type": "boolean" }, { "enum": ["yes", "no"] }] }),
        grammar::Value::OnOff => json!({ "anyOf": [{ "type": "boolean" }, { "enum": ["on", "off"] }] }),
        grammar::Value::Number(least, most) => json!({
            "anyOf": [{ "type": "integer", "minimum": least, "maximum": most }, { "type": "string", "pattern": "^[0-9]+$" }],
        }),
        grammar::Value::Integer => {
            json!({ "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": "^[+-]?[0-9]+$" }] })
        }
        grammar::Value::Hex(most) => json!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": most },
                { "type": "string", "pattern": "^(0[xX][0-9a-fA-F]+|[0-9]+)$" },
            ],
        }),
        grammar::Value::Like(form) => {
            json!({ "type": "string", "pattern": form.pattern, "description": form.name })
        }
    }
}
