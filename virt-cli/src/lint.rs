//! What a document says that has no effect, or that is refused.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use virt_core::conf::domain::Domain;
use virt_core::conf::{Kind, ParseFlags, Surroundings};
use virt_core::types::Place;
use virt_core::xml::{Document, Unread, UnreadKind};
use virt_core::{Error, Result};

use crate::failure;
use crate::output::Output;

/// Something that a document's author should know.
#[derive(Debug, Clone)]
pub(crate) enum Finding {
    /// Nothing asks for it: it is ignored.
    Unread(Unread),
    /// It is refused.
    Refused(Error),
}

impl Finding {
    /// Where it is, if the finding is about one place.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Unread(unread) => Some(&unread.place),
            Self::Refused(error) => error.place(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unread(unread) => unread.nearest.as_ref().map(|near| format!("did you mean '{near}'?")),
            Self::Refused(error) => error.hint().map(str::to_owned),
        }
    }

    /// `kind` (`unknown-element`, `unknown-attribute` or `refused`), `message`, and where there are any, `place` and `hint`.
    pub(crate) fn as_json(&self) -> Value {
        let unread = match self {
            Self::Refused(error) => {
                let mut object = failure::as_json(error);
                object["kind"] = json!("refused");
                return object;
            }
            Self::Unread(unread) => unread,
        };
        let kind = match unread.kind {
            UnreadKind::Element => "unknown-element",
            UnreadKind::Attribute => "unknown-attribute",
        };
        let Place { line, column, path } = &unread.place;
        let mut object = json!({
            "kind": kind,
            "message": self.message(),
            "place": { "line": line, "column": column, "path": path },
        });
        if let Some(hint) = self.hint() {
            object["hint"] = json!(hint);
        }
        object
    }

    fn message(&self) -> String {
        match self {
            Self::Unread(Unread { kind: UnreadKind::Element, name, .. }) => {
                format!("<{name}> is not known here, so it has no effect")
            }
            Self::Unread(Unread { kind: UnreadKind::Attribute, name, .. }) => {
                format!("attribute '{name}' is not known here, so it has no effect")
            }
            Self::Refused(error) => error.to_string(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        if let Some(place) = self.place() {
            write!(f, " (at {})", place.path)?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// What a reader made of a document.
pub(crate) struct Reading {
    /// The domain, where it is one; other documents are checked at once.
    pub(crate) domain: Option<Domain>,
    /// What the reader did not ask for.
    pub(crate) findings: Vec<Finding>,
}

/// Reads a document of the kind that its root element names.
pub(crate) fn read(xml: &str) -> Result<Reading> {
    let document = Document::parse_recording(xml)?;
    let domain = match Kind::of_document(&document)? {
        Kind::Domain => Some(Domain::parse_element(document.root(), ParseFlags::INACTIVE)?),
        kind => {
            kind.canonical(&document, &Surroundings::default())?;
            None
        }
    };
    Ok(Reading { domain, findings: document.unread().into_iter().map(Finding::Unread).collect() })
}

/// Warns of what a document that is about to be used says in vain.
pub(crate) fn warn(output: &Output, xml: &str, file: &Path) {
    // What is refused, whoever uses it will say.
    let Ok(reading) = read(xml) else { return };
    for finding in reading.findings {
        output.warn(&format!("warning: {}", located(file, &finding)));
    }
}

/// A finding with the file, line and column before it, as compilers have it.
pub(crate) fn located(file: &Path, finding: &Finding) -> String {
    match finding.place() {
        Some(place) => format!("{}:{}:{}: {finding}", file.display(), place.line, place.column),
        None => format!("{}: {finding}", file.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_found_with_its_place_and_the_name_that_was_meant() {
        let xml = "<domain type='qemu'>\n  <name>a</name>\n  <vcpuz>4</vcpuz>\n  <os><type>hvm</type></os>\n</domain>";
        let Reading { domain, findings } = read(xml).unwrap();
        assert_eq!((domain.unwrap().name.as_str(), findings.len()), ("a", 1));
        assert_eq!(
            located(Path::new("a.xml"), &findings[0]),
            "a.xml:3:3: <vcpuz> is not known here, so it has no effect (at /domain/vcpuz); did you mean 'vcpu'?"
        );
        let object = findings[0].as_json();
        assert_eq!((&object["kind"], &object["place"]["line"]), (&json!("unknown-element"), &json!(3)));
    }

    #[test]
    fn a_refusal_says_which_values_are_allowed() {
        let xml = "<domain type='qemu'><name>a</name><os><type>hvm</type></os><devices>\
                   <disk type='file' device='tape'><target dev='vda'/></disk></devices></domain>";
        let finding = Finding::Refused(read(xml).err().unwrap());
        assert_eq!(finding.as_json()["kind"], "refused");
        assert_eq!(finding.place().map(|place| place.path.as_str()), Some("/domain/devices/disk@device"));
        assert!(finding.to_string().ends_with("; allowed values: disk, cdrom, floppy, lun"), "{finding}");
    }
}
