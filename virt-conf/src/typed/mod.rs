//! Documents in JSON and TOML: the same names as in XML, with types.
//!
//! An element is an object. Its attributes and child elements are keys of it; a child that may be there several times is an
//! array. `yes`, `no`, `on` and `off` are booleans, decimal numbers are numbers. An element that holds nothing but text is
//! that text; where it has attributes too, its text is the key `text`. An element in which nothing may stand is `true`. A key
//! that is the name of both an attribute and a child is the child's: the attribute has `@` before it. Elements of a driver's own
//! namespace have their prefix, as `qemu:commandline`; `<metadata>` is a text of XML.
//!
//! What an element may hold is what the [`grammar`](crate::grammar) says; a key that it does not know is refused, with the
//! nearest one that it does.
//!
//! ```
//! use virt_conf::domain::Domain;
//! use virt_conf::{FormatFlags, ParseFlags, typed};
//!
//! let toml = "
//!     type = 'kvm'
//!     name = 'web'
//!     memory = { unit = 'MiB', text = 512 }
//!     vcpu = 2
//!     os.type = { arch = 'x86_64', machine = 'q35', text = 'hvm' }
//!     [[devices.disk]]
//!     type = 'file'
//!     source.file = '/srv/web.img'
//!     target = { dev = 'vda', bus = 'virtio' }
//! ";
//! let xml = typed::xml_of_toml(toml, Domain::GRAMMAR, "domain")?;
//! let domain = Domain::parse(&xml, ParseFlags::INACTIVE)?;
//! assert_eq!(domain.vcpus.max, 2);
//! let json = typed::json_of_xml(&domain.format(FormatFlags::INACTIVE), Domain::GRAMMAR)?;
//! assert_eq!(json["devices"]["disk"][0]["target"]["dev"], "vda");
//! # Ok::<(), virt_conf::Error>(())
//! ```

mod from_xml;
mod schema;
mod to_xml;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::Document;

use crate::domain::Domain;
use crate::grammar::{Part, Shape};
use crate::{FormatFlags, ParseFlags, Result};

pub use schema::schema;

/// The key of an element's text.
const TEXT: &str = "text";

/// A document in JSON. What the grammar does not know is left out.
///
/// # Errors
/// For what is no XML.
pub fn json_of_xml(xml: &str, grammar: &'static [Part]) -> Result<Value> {
    let document = Document::parse(xml)?;
    Ok(from_xml::element(document.root(), &Shape::of(grammar)))
}

/// A document in TOML.
///
/// # Errors
/// As [`json_of_xml`].
pub fn toml_of_xml(xml: &str, grammar: &'static [Part]) -> Result<String> {
    let json = json_of_xml(xml, grammar)?;
    toml::to_string_pretty(&json)
        .map_err(|error| wrong("the document can not be written as TOML").caused_by(error))
}

/// The XML of a document in JSON, whose root element has this name.
///
/// # Errors
/// `VIR_ERR_XML_DETAIL` for what is no JSON or of a wrong type, and for keys that the grammar does not know.
pub fn xml_of_json(json: &str, grammar: &'static [Part], root: &str) -> Result<String> {
    let value: Value =
        serde_json::from_str(json).map_err(|error| wrong(error.to_string()).caused_by(error))?;
    xml_of_value(&value, grammar, root)
}

/// The XML of a document in TOML, whose root element has this name.
///
/// # Errors
/// As [`xml_of_json`].
pub fn xml_of_toml(text: &str, grammar: &'static [Part], root: &str) -> Result<String> {
    let value: Value = toml::from_str(text).map_err(|error| wrong(error.to_string()).caused_by(error))?;
    xml_of_value(&value, grammar, root)
}

/// The XML of a document that was read already, whose root element has this name.
///
/// # Errors
/// As [`xml_of_json`].
pub fn xml_of_value(value: &Value, grammar: &'static [Part], root: &str) -> Result<String> {
    to_xml::document(value, &Shape::of(grammar), root)
}

fn wrong(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::XmlDetail, ErrorDomain::Xml, detail)
}

/// As the typed form of the configuration, with passwords.
impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let xml = self.format(FormatFlags::INACTIVE | FormatFlags::SECURE);
        json_of_xml(&xml, Self::GRAMMAR).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// From the typed form of a configuration.
impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = || {
            let xml = xml_of_value(&value, Self::GRAMMAR, "domain")?;
            Self::parse(&xml, ParseFlags::INACTIVE)
        };
        read().map_err(|error: Error| match error.hint() {
            Some(hint) => D::Error::custom(format!("{error}; {hint}")),
            None => D::Error::custom(error),
        })
    }
}

#[cfg(test)]
mod tests;
