//! `<auth>`: who a storage server is told that we are.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::secret::SecretLookup;
use crate::Result;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// How a storage pool authenticates.
    pub enum AuthType { #[default] None = "none", Chap = "chap", Ceph = "ceph" }
}

/// Credentials for a storage server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `username`.
    pub username: String,
    /// `type`, which pools have and disks do not.
    pub auth_type: AuthType,
    /// `<secret type='…'>`: what the secret is for.
    pub secret_type: Option<String>,
    /// Which secret holds the password.
    pub secret: SecretLookup,
}

impl Auth {
    /// Reads an `<auth>` element.
    ///
    /// # Errors
    /// Where user or secret are missing.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let username = el
            .attr("username")
            .filter(|name| !name.is_empty())
            .ok_or_else(|| xml_error("missing username for auth").at(el.place()))?;
        let auth_type = match el.attr("type").filter(|text| !text.is_empty()) {
            None => AuthType::None,
            Some(text) => AuthType::from_text(text)
                .ok_or_else(|| unsupported(format!("unknown auth type '{text}'")).at(el.place()))?,
        };
        let secret =
            el.child("secret").ok_or_else(|| xml_error("Missing <secret> element in auth").at(el.place()))?;
        Ok(Self {
            username: username.to_owned(),
            auth_type,
            secret_type: secret.attr("type").map(str::to_owned),
            secret: SecretLookup::parse(secret)?,
        })
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        w.element("auth", |w| {
            if self.auth_type != AuthType::None {
                w.attr("type", self.auth_type);
            }
            w.attr("username", &self.username);
            self.secret.format(w, self.secret_type.as_deref());
        });
    }
}

grammar! {
    /// `<auth>`
    pub AUTH = [
        Attr("username", Str), Attr("type", OneOf(AuthType::NAMES)),
        One("secret", &[Must("type", OneOf(&["ceph", "iscsi"])), Attr("uuid", UUID), Attr("usage", Str)]),
    ];
}
