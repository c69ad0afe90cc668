//! `<shmem>`: memory that guests share.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, abi, sanitize_path, scaled};
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;

text_enum! {
    /// What kind of device.
    pub enum ShmemModel {
        #[default] Ivshmem = "ivshmem", IvshmemPlain = "ivshmem-plain", IvshmemDoorbell = "ivshmem-doorbell",
    }
}

text_enum! {
    /// Whether the memory goes along when the guest migrates.
    pub enum ShmemRole { Master = "master", Peer = "peer" }
}

/// Memory that guests share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shmem {
    /// `name` of the memory.
    pub name: String,
    /// `<model type='…'>`.
    pub model: ShmemModel,
    /// `role`.
    pub role: Option<ShmemRole>,
    /// `<size>`, bytes; 0 where the server or the driver decides.
    pub size: u64,
    /// `<server>`, where a server hands out memory and interrupts.
    pub server: Option<ShmemServer>,
    /// `<msi>`: interrupts between the guests.
    pub msi: Option<ShmemMsi>,
    /// Alias and address.
    pub info: DeviceInfo,
}

/// The server that hands out memory and interrupts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShmemServer {
    /// `path` of its socket; absent where the driver decides.
    pub path: Option<String>,
}

/// Interrupts between guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShmemMsi {
    /// `vectors`; absent where QEMU decides.
    pub vectors: Option<u32>,
    /// `ioeventfd`.
    pub ioeventfd: Option<bool>,
}

impl Device for Shmem {
    const ELEMENT: &'static str = "shmem";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = match el.child("model") {
            Some(model) => model.attr_enum("type")?.unwrap_or_default(),
            None => ShmemModel::default(),
        };
        let name = el
            .attr("name")
            .ok_or_else(|| xml_error("shmem element must contain 'name' attribute").at(el.place()))?;
        let role = if model == ShmemModel::Ivshmem { None } else { el.attr_enum("role")? };
        let size = scaled::child_bytes(el, "size", 1, u64::MAX)?.unwrap_or(0);
        let server =
            el.child("server").map(|server| ShmemServer { path: server.attr("path").map(sanitize_path) });
        let msi = el.child("msi").map(ShmemMsi::parse).transpose()?;
        if msi.is_some() && server.is_none() {
            return Err(xml_error("msi option is only supported with a server").at(el.place()));
        }
        let info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(Self { name: name.to_owned(), model, role, size, server, msi, info })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("name", &self.name);
            w.attr_opt("role", self.role);
            w.element("model", |w| w.attr("type", self.model));
            if self.size > 0 {
                w.text_element_with("size", |w| w.attr("unit", "M"), self.size >> 20);
            }
            if let Some(server) = &self.server {
                w.element("server", |w| w.attr_opt("path", server.path.as_ref()));
            }
            if let Some(msi) = self.msi {
                w.element("msi", |w| {
                    w.attr_opt("vectors", msi.vectors);
                    w.attr_on_off("ioeventfd", msi.ioeventfd);
                });
            }
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn validate(&self, _domain: &Domain) -> Result<()> {
        // The name becomes that of a file.
        if self.name.contains('/') {
            return Err(unsupported("shmem name cannot include '/' character"));
        }
        match self.name.as_str() {
            "." | ".." => Err(unsupported(format!("shmem name cannot be equal to '{}'", self.name))),
            _ => Ok(()),
        }
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let role = |role: Option<ShmemRole>| role.map_or("default", TextEnum::text);
        abi::same("shared memory role", role(self.role), role(target.role))?;
        abi::same("shared memory model", self.model, target.model)?;
        abi::same("shared memory size", self.size, target.size)?;
        abi::unchanged("shared memory server usage", &self.server.is_some(), &target.server.is_some())?;
        abi::unchanged("shared memory MSI configuration", &self.msi, &target.msi)
    }

    fn same_device(&self, other: &Self) -> bool {
        self.name == other.name
            && self.model == other.model
            && self.role == other.role
            && self.size == other.size
            && self.server == other.server
            && self.msi == other.msi
    }
}

impl ShmemMsi {
    fn parse(el: Element<'_>) -> Result<Self> {
        let vectors = el.attr_u32("vectors", Base::Any)?.filter(|vectors| *vectors > 0);
        Ok(Self { vectors, ioeventfd: el.attr_on_off("ioeventfd")? })
    }
}

grammar! {
    GRAMMAR = [
        Must("name", Str), Attr("role", OneOf(ShmemRole::NAMES)), Opt("model", &[Must("type", OneOf(ShmemModel::NAMES))]),
        Opt("size", SIZE), Opt("server", &[Attr("path", PATH)]), Opt("msi", &[Attr("vectors", U32), Attr("ioeventfd", OnOff)]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        for (xml, expected) in [
            (
                "<shmem name='a' role='peer'><size unit='GiB'>1</size><model type='ivshmem-plain'/></shmem>",
                "<shmem name='a' role='peer'>\n  <model type='ivshmem-plain'/>\n  <size unit='M'>1024</size>\n</shmem>",
            ),
            (
                "<shmem name='b'><msi vectors='0x10' ioeventfd='on'/><server path='/run//b'/></shmem>",
                "<shmem name='b'>\n  <model type='ivshmem'/>\n  <server path='/run/b'/>\n  <msi vectors='16' ioeventfd='on'/>\n</shmem>",
            ),
            ("<shmem/>", "XML error: shmem element must contain 'name' attribute"),
            ("<shmem name='b'><msi/></shmem>", "XML error: msi option is only supported with a server"),
            ("<shmem name='..'/>", "unsupported configuration: shmem name cannot be equal to '..'"),
            ("<shmem name='a/b'/>", "unsupported configuration: shmem name cannot include '/' character"),
        ] {
            check::<Shmem>(xml, expected);
        }
    }
}
