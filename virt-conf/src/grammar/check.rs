//! Whether a document is what the grammar says.

use virt_types::{Error, ErrorCode, ErrorDomain, nearest};
use virt_xml::Element;

use super::{NAMESPACES, Part, Shape};
use crate::Result;

/// Checks an element and all within.
///
/// # Errors
/// `VIR_ERR_XML_INVALID_SCHEMA` for the first thing that is not known, missing, there too often or of a wrong form; with the
/// place, and what was meant where that can be guessed.
pub fn check(el: Element<'_>, parts: &'static [Part]) -> Result<()> {
    let mut allowed = Allowed::default();
    allowed.add(el, parts);
    allowed.check(el, parts)
}

fn invalid(detail: impl std::fmt::Display) -> Error {
    let detail = format!("Unable to validate doc against the grammar\n{detail}");
    Error::new(ErrorCode::XmlInvalidSchema, ErrorDomain::Xml, detail)
}

/// What may stand in one element, with its attributes as they are.
#[derive(Default)]
struct Allowed {
    attributes: Vec<(&'static str, &'static super::Value, bool)>,
    children: Vec<(&'static str, &'static [Part], bool, bool)>,
    text: Option<&'static super::Value>,
    together: Vec<&'static [&'static str]>,
    foreign: bool,
}

impl Allowed {
    fn add(&mut self, el: Element<'_>, parts: &'static [Part]) {
        for part in parts {
            match part {
                Part::Attr(name, value) => self.attributes.push((name, value, false)),
                Part::Must(name, value) => self.attributes.push((name, value, true)),
                Part::Opt(name, parts) => self.children.push((name, parts, false, false)),
                Part::One(name, parts) => self.children.push((name, parts, true, false)),
                Part::Many(name, parts) => self.children.push((name, parts, false, true)),
                Part::Again(name, parts) => self.children.push((name, parts(), false, false)),
                Part::Text(value) => self.text = Some(value),
                Part::With(parts) => self.add(el, parts),
                Part::When(name, values, parts) => {
                    let value = el.raw().attribute(*name).unwrap_or_default();
                    if values.contains(&value) {
                        self.add(el, parts);
                    }
                }
                Part::Together(names) => self.together.push(names),
                Part::Foreign => self.foreign = true,
            }
        }
    }

    fn check(&self, el: Element<'_>, parts: &'static [Part]) -> Result<()> {
        if self.foreign {
            return Ok(());
        }
        let whole = Shape::of(parts);
        for attribute in el.raw().attributes().filter(|attribute| attribute.namespace().is_none()) {
            let (name, text) = (attribute.name(), attribute.value());
            let Some((known, value, _)) = self.attributes.iter().find(|(known, ..)| *known == name) else {
                let error = invalid(format!("Invalid attribute {name} for element {}", el.name()));
                let near = nearest(name, whole.attributes().map(|known| known.name));
                return Err(hinted(error, near).at(el.place()));
            };
            if !value.allows(text) {
                let error =
                    invalid(format!("Invalid value '{text}' of attribute {known} of element {}", el.name()));
                return Err(error.with_hint(value.expected()).at(el.place()));
            }
        }
        if let Some((name, ..)) = self
            .attributes
            .iter()
            .find(|(name, _, required)| *required && el.raw().attribute(*name).is_none())
        {
            return Err(invalid(format!("Element {} lacks attribute {name}", el.name())).at(el.place()));
        }
        let mut seen: Vec<&'static str> = Vec::new();
        for child in el.children() {
            let name = prefixed(child);
            let Some((known, parts, _, many)) = self.children.iter().find(|(known, ..)| *known == name)
            else {
                if child.namespace().is_some_and(|uri| NAMESPACES.iter().all(|(_, known)| *known != uri)) {
                    return Err(invalid(format!("Unknown namespace of element {name}")).at(child.place()));
                }
                let error = invalid(format!("Extra element {name} in element {}", el.name()));
                let near = nearest(&name, whole.children().iter().map(|known| known.name));
                return Err(hinted(error, near).at(child.place()));
            };
            if !many && seen.contains(known) {
                return Err(
                    invalid(format!("Extra element {name} in element {}", el.name())).at(child.place())
                );
            }
            seen.push(known);
            check(child, parts)?;
        }
        if let Some((name, ..)) =
            self.children.iter().find(|(name, _, required, _)| *required && !seen.contains(name))
        {
            return Err(invalid(format!("Element {} lacks element {name}", el.name())).at(el.place()));
        }
        for names in &self.together {
            if let Some(missing) = names.iter().find(|name| !seen.contains(name))
                && let Some(there) = names.iter().find(|name| seen.contains(name))
            {
                let detail = format!("Element {} has element {there} without {missing}", el.name());
                return Err(invalid(detail).at(el.place()));
            }
        }
        self.check_text(el)
    }

    fn check_text(&self, el: Element<'_>) -> Result<()> {
        let own: String =
            el.raw().children().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
        match self.text {
            None if own.trim().is_empty() => Ok(()),
            None => Err(invalid(format!("Element {} does not take text", el.name())).at(el.place())),
            Some(value) if value.allows(&own) || value.allows(own.trim()) => Ok(()),
            // An element may be empty where its children say all.
            Some(_) if own.trim().is_empty() && el.children().next().is_some() => Ok(()),
            Some(value) => {
                let error = invalid(format!("Invalid text '{}' of element {}", own.trim(), el.name()));
                Err(error.with_hint(value.expected()).at(el.place()))
            }
        }
    }
}

fn hinted(error: Error, near: Option<&str>) -> Error {
    match near {
        Some(near) => error.with_hint(format!("did you mean '{near}'?")),
        None => error,
    }
}

/// An element's name, with the prefix that the grammar has for its namespace.
pub(crate) fn prefixed(el: Element<'_>) -> String {
    let prefix = el.namespace().and_then(|uri| NAMESPACES.iter().find(|(_, known)| *known == uri));
    match prefix {
        Some((prefix, _)) => format!("{prefix}:{}", el.name()),
        None => el.name().to_owned(),
    }
}
