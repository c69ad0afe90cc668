//! Properties of a part, in order.

use serde_json::{Map, Value};

/// An ordered JSON object, built property by property.
///
/// ```
/// use virt_qemu::plan::Props;
/// let props = Props::new().str("driver", "virtio-rng-pci").u64("max-bytes", 1024u32).opt_str("bus", None::<&str>);
/// assert_eq!(props.to_string(), r#"{"driver":"virtio-rng-pci","max-bytes":1024}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Props(Map<String, Value>);

impl Props {
    /// No properties.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn str(self, name: &str, value: impl Into<String>) -> Self {
        self.value(name, Value::String(value.into()))
    }

    /// Adds a text, where there is one.
    #[must_use]
    pub fn opt_str(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.str(name, value),
            None => self,
        }
    }

    /// Adds a number.
    #[must_use]
    pub fn u64(self, name: &str, value: impl Into<u64>) -> Self {
        self.value(name, Value::from(value.into()))
    }

    /// Adds a number, where there is one.
    #[must_use]
    pub fn opt_u64(self, name: &str, value: Option<impl Into<u64>>) -> Self {
        match value {
            Some(value) => self.u64(name, value),
            None => self,
        }
    }

    /// Adds a signed number.
    #[must_use]
    pub fn i64(self, name: &str, value: impl Into<i64>) -> Self {
        self.value(name, Value::from(value.into()))
    }

    /// Adds a truth value.
    #[must_use]
    pub fn bool(self, name: &str, value: bool) -> Self {
        self.value(name, Value::Bool(value))
    }

    /// Adds a truth value, where there is one.
    #[must_use]
    pub fn opt_bool(self, name: &str, value: Option<bool>) -> Self {
        match value {
            Some(value) => self.bool(name, value),
            None => self,
        }
    }

    /// Adds `on` or `off`, where there is a value.
    #[must_use]
    pub fn opt_on_off(self, name: &str, value: Option<bool>) -> Self {
        self.opt_str(name, value.map(|value| if value { "on" } else { "off" }))
    }

    /// Adds a nested object.
    #[must_use]
    pub fn object(self, name: &str, value: Self) -> Self {
        self.value(name, Value::Object(value.0))
    }

    /// Adds any JSON value.
    #[must_use]
    pub fn value(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Adds all properties of another list.
    #[must_use]
    pub fn extend(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Replaces, adds or removes a property.
    pub fn set(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => drop(self.0.insert(name.to_owned(), value)),
            None => drop(self.0.shift_remove(name)),
        }
    }

    /// The value of a property.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The properties as a JSON object.
    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}

impl std::fmt::Display for Props {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?;
        f.write_str(&text)
    }
}

/// A value within QEMU's comma-separated option syntax: each comma is doubled.
#[must_use]
pub fn keyval(value: &str) -> String {
    value.replace(',', ",,")
}
