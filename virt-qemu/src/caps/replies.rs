//! QEMU's answers to the probing questions.

use std::collections::BTreeMap;

use serde_json::Value;

/// The answers of one QEMU binary under one accelerator, by question.
///
/// A question is the name of a monitor command. For `device-list-properties` and `qom-list-properties` the answer is
/// an object: type name to list of properties.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replies(BTreeMap<String, Value>);

impl Replies {
    /// No answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records the answer to a question.
    pub fn insert(&mut self, question: impl Into<String>, answer: Value) {
        self.0.insert(question.into(), answer);
    }

    /// Adds the properties of one type to the answer of a `…-list-properties` question.
    pub fn insert_properties(&mut self, question: &str, type_name: &str, properties: Value) {
        let answer =
            self.0.entry(question.to_owned()).or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Value::Object(types) = answer {
            types.insert(type_name.to_owned(), properties);
        }
    }

    /// The answer to a question.
    #[must_use]
    pub fn get(&self, question: &str) -> Option<&Value> {
        self.0.get(question)
    }

    /// The elements of an answer that is a list.
    pub fn list(&self, question: &str) -> impl Iterator<Item = &Value> {
        self.get(question).and_then(Value::as_array).into_iter().flatten()
    }

    /// The `name` members of an answer that is a list of objects.
    pub fn names(&self, question: &str) -> impl Iterator<Item = &str> {
        self.list(question).filter_map(|item| item["name"].as_str())
    }

    /// Whether a type has a property, by the answer to a `…-list-properties` question.
    #[must_use]
    pub fn has_property(&self, question: &str, type_name: &str, property: &str) -> bool {
        self.get(question)
            .and_then(|types| types[type_name].as_array())
            .is_some_and(|properties| properties.iter().any(|item| item["name"] == property))
    }
}
