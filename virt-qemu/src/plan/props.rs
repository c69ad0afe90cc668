//! Properties of a part, in order.

use std::collections::BTreeSet;

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

    /// The properties as QEMU's comma-separated options, which binaries take that do not take JSON; numbers of a list as the
    /// ranges of a bitmap or one by one, as `lists` says.
    ///
    /// ```
    /// use virt_qemu::plan::{Lists, Props};
    /// let props = Props::new().str("id", "a,b").bool("share", true).value("host-nodes", serde_json::json!([0, 1, 3]));
    /// assert_eq!(props.to_options(Lists::Ranges), "id=a,,b,share=on,host-nodes=0-1,host-nodes=3");
    /// ```
    #[must_use]
    pub fn to_options(&self, lists: Lists) -> String {
        let mut options = Vec::new();
        for (name, value) in &self.0 {
            push_options(name, value, lists, &mut options);
        }
        options.join(",")
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

/// How the options of a list are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Each has the name of the list; what follows each other of numbers is one range.
    Ranges,
    /// Each has its place behind the name of the list, such as `server.0`.
    Numbered,
}

fn push_options(name: &str, value: &Value, lists: Lists, options: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => options.push(format!("{name}={}", if *value { "on" } else { "off" })),
        Value::Number(number) => options.push(format!("{name}={number}")),
        Value::String(text) => options.push(format!("{name}={}", keyval(text))),
        Value::Object(inner) => {
            for (key, value) in inner {
                push_options(&format!("{name}.{key}"), value, lists, options);
            }
        }
        Value::Array(members) if lists == Lists::Numbered => {
            for (at, member) in members.iter().enumerate() {
                push_options(&format!("{name}.{at}"), member, lists, options);
            }
        }
        Value::Array(members) => match members.iter().map(Value::as_u64).collect::<Option<BTreeSet<_>>>() {
            Some(numbers) => {
                options.extend(ranges(&numbers).into_iter().map(|range| format!("{name}={range}")));
            }
            None => members.iter().for_each(|member| push_options(name, member, lists, options)),
        },
    }
}

/// Numbers that follow each other as `first-last`.
fn ranges(numbers: &BTreeSet<u64>) -> Vec<String> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let text = |(first, last): (u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.into_iter().map(text).collect()
}

/// A value within QEMU's comma-separated option syntax: each comma is doubled.
#[must_use]
pub fn keyval(value: &str) -> String {
    value.replace(',', ",,")
}
