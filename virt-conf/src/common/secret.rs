//! How a document names a secret: by UUID or by usage.

use virt_types::Uuid;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// Which secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretLookup {
    /// By its UUID.
    Uuid(Uuid),
    /// By what it is used for, as its own definition says.
    Usage(String),
}

impl SecretLookup {
    /// Reads the attributes of a `<secret>` element.
    ///
    /// # Errors
    /// Where there is neither attribute, or both.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        match (el.attr("uuid"), el.attr("usage")) {
            (None, None) => Err(xml_error("missing secret uuid or usage attribute").at(el.place())),
            (Some(_), Some(_)) => Err(xml_error("either secret uuid or usage expected").at(el.place())),
            (Some(uuid), None) => match uuid.parse() {
                Ok(uuid) => Ok(Self::Uuid(uuid)),
                Err(_) => Err(xml_error(format!("invalid secret uuid '{uuid}'")).at(el.place())),
            },
            (None, Some(usage)) => Ok(Self::Usage(usage.to_owned())),
        }
    }

    /// Writes a `<secret>` element of this type.
    pub fn format(&self, w: &mut Writer, kind: Option<&str>) {
        w.element("secret", |w| {
            w.attr_opt("type", kind);
            match self {
                Self::Uuid(uuid) => w.attr("uuid", uuid),
                Self::Usage(usage) => w.attr("usage", usage),
            }
        });
    }
}
