//! `<os>`: what kind of machine, and how it boots.

use virt_types::{Arch, TextEnum, text_enum};
use virt_xml::{Element, Writer};

use crate::{FormatFlags, Result};

text_enum! {
    /// How the guest sees its virtualization.
    pub enum OsType { #[default] Hvm = "hvm", Xen = "xen", Linux = "linux", Exe = "exe", Uml = "uml", Xenpvh = "xenpvh" }
}

/// `<os>`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Os {
    /// `<type>`.
    pub os_type: OsType,
    /// `<type arch='…'>`.
    pub arch: Arch,
    /// `<type machine='…'>`.
    pub machine: Option<String>,
}

impl Os {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.descend(&["os", "type"]) else { return Ok(Self::default()) };
        Ok(Self {
            os_type: OsType::from_text(&el.text()).unwrap_or_default(),
            arch: el.attr_enum("arch")?.unwrap_or_default(),
            machine: el.attr("machine").map(str::to_owned),
        })
    }

    pub(super) fn format(&self, w: &mut Writer, _flags: FormatFlags) {
        w.element("os", |w| {
            let attributes = |w: &mut Writer| {
                w.attr_opt("arch", (self.arch != Arch::None).then(|| self.arch.text()));
                w.attr_opt("machine", self.machine.as_ref());
            };
            w.text_element_with("type", attributes, self.os_type.text());
        });
    }
}
