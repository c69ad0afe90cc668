//! `<secret>`: a secret, without its value.

use virt_types::{ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

use crate::Result;
use crate::error::Refuse;

const REFUSE: Refuse = Refuse(ErrorDomain::Secret);

text_enum! {
    /// What a secret is for.
    pub enum SecretUsageType {
        #[default] None = "none", Volume = "volume", Ceph = "ceph", Iscsi = "iscsi", Tls = "tls", Vtpm = "vtpm",
    }
}

/// A secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secret {
    /// `ephemeral`: kept in memory only.
    pub ephemeral: bool,
    /// `private`: its value is given to nobody outside.
    pub private: bool,
    /// `<uuid>`; absent until the engine gives one.
    pub uuid: Option<Uuid>,
    /// `<description>`
    pub description: Option<String>,
    /// `<usage type='…'>`
    pub usage_type: SecretUsageType,
    /// What it names within; always there where the type is not `none`.
    pub usage_id: Option<String>,
}

impl SecretUsageType {
    /// The element that names the use, and how libvirt calls type and name in words.
    const fn element(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::None => None,
            Self::Volume => Some(("volume", "volume", "volume path")),
            Self::Ceph => Some(("name", "Ceph", "name")),
            Self::Iscsi => Some(("target", "iSCSI", "target")),
            Self::Tls => Some(("name", "TLS", "name")),
            Self::Vtpm => Some(("name", "vTPM", "name")),
        }
    }
}

impl Secret {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no secret, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("secret")?)
    }

    /// Reads a `<secret>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Secret::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let flag = |name: &'static str| match el.attr_filled(name) {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(_) => Err(REFUSE.xml(format!("invalid value of '{name}'")).at(el.place())),
        };
        let mut secret = Self {
            ephemeral: flag("ephemeral")?,
            private: flag("private")?,
            uuid: REFUSE.uuid(el)?,
            description: el.child_text("description"),
            ..Self::default()
        };
        if let Some(usage) = el.child("usage") {
            (secret.usage_type, secret.usage_id) = parse_usage(usage)?;
        }
        Ok(secret)
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.open_element("secret", |w| {
            w.attr_yes_no("ephemeral", Some(self.ephemeral));
            w.attr_yes_no("private", Some(self.private));
            w.text_element_opt("uuid", self.uuid);
            w.text_element_opt("description", self.description.as_ref());
            if let Some((element, ..)) = self.usage_type.element() {
                w.element("usage", |w| {
                    w.attr("type", self.usage_type);
                    w.text_element_opt(element, self.usage_id.as_ref());
                });
            }
        });
        w.finish()
    }
}

fn parse_usage(el: Element<'_>) -> Result<(SecretUsageType, Option<String>)> {
    let text =
        el.attr_filled("type").ok_or_else(|| REFUSE.xml("unknown secret usage type").at(el.place()))?;
    let kind = SecretUsageType::from_text(text).ok_or_else(|| {
        let detail = format!("unknown secret usage type {text}");
        REFUSE.unsupported(detail).with_hint(SecretUsageType::hint(text)).at(el.place())
    })?;
    let Some((element, words, missing)) = kind.element() else { return Ok((kind, None)) };
    let id = el.child_text(element).ok_or_else(|| {
        REFUSE.internal(format!("{words} usage specified, but {missing} is missing")).at(el.place())
    })?;
    Ok((kind, Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_has_a_type_and_a_name() {
        for (usage, expected) in [
            ("", ""),
            ("<usage type='none'/>", ""),
            (
                "<usage type='volume'><volume>/v</volume></usage>",
                "  <usage type='volume'>\n    <volume>/v</volume>\n  </usage>\n",
            ),
            (
                "<usage type='iscsi'><target>t</target></usage>",
                "  <usage type='iscsi'>\n    <target>t</target>\n  </usage>\n",
            ),
            ("<usage/>", "XML error: unknown secret usage type"),
            ("<usage type='door'/>", "unsupported configuration: unknown secret usage type door"),
            ("<usage type='vtpm'/>", "internal error: vTPM usage specified, but name is missing"),
            ("<usage type='volume'/>", "internal error: volume usage specified, but volume path is missing"),
        ] {
            let written = match Secret::parse(&format!("<secret private='yes'>{usage}</secret>")) {
                Ok(secret) => secret.format(),
                Err(error) => error.to_string(),
            };
            let expected = match expected.starts_with(['X', 'u', 'i']) {
                true => expected.to_owned(),
                false => format!("<secret ephemeral='no' private='yes'>\n{expected}</secret>\n"),
            };
            assert_eq!(written, expected, "{usage}");
        }
        let error = Secret::parse("<secret ephemeral='maybe'/>").unwrap_err();
        assert_eq!(error.to_string(), "XML error: invalid value of 'ephemeral'");
    }
}
