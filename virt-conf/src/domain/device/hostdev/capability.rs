//! What a container sees of the host.

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::ip::IpInfo;
use crate::error::xml_error;

text_enum! {
    /// The kinds, as `type` spells them.
    enum CapabilityType { Storage = "storage", Misc = "misc", Net = "net" }
}

/// A device node or a network interface of the host.
#[derive(Debug, Clone, PartialEq)]
pub enum Capability {
    /// `<block>`: a block device.
    Storage(String),
    /// `<char>`: a character device.
    Misc(String),
    /// A network interface that moves into the container.
    Net {
        /// `<interface>`.
        interface: String,
        /// Its addresses there.
        ip: IpInfo,
    },
}

impl Capability {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let kind: CapabilityType = el.required("type", el.attr_enum("type")?)?;
        let source = el
            .child("source")
            .ok_or_else(|| xml_error("Missing <source> element in hostdev device").at(el.place()))?;
        let text = |name: &'static str, what: &str| {
            source.child_text(name).ok_or_else(|| {
                xml_error(format!("Missing <{name}> element in hostdev {what} device")).at(source.place())
            })
        };
        Ok(match kind {
            CapabilityType::Storage => Self::Storage(text("block", "storage")?),
            CapabilityType::Misc => Self::Misc(text("char", "character")?),
            CapabilityType::Net => Self::Net {
                interface: text("interface", "net")?,
                ip: IpInfo::parse(el, "Domain hostdev device")?,
            },
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("source", |w| match self {
            Self::Storage(path) => w.text_element("block", path),
            Self::Misc(path) => w.text_element("char", path),
            Self::Net { interface, .. } => w.text_element("interface", interface),
        });
        if let Self::Net { ip, .. } = self {
            ip.format(w);
        }
    }

    /// `type` as it is written.
    #[must_use]
    pub const fn type_text(&self) -> &'static str {
        match self {
            Self::Storage(_) => "storage",
            Self::Misc(_) => "misc",
            Self::Net { .. } => "net",
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Storage(a), Self::Storage(b)) | (Self::Misc(a), Self::Misc(b)) => a == b,
            (Self::Net { interface: a, .. }, Self::Net { interface: b, .. }) => a == b,
            _ => false,
        }
    }
}
