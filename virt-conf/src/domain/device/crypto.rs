//! `<crypto>`: devices that encrypt for the guest.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver, abi};
use crate::error::xml_error;
use crate::grammar::Part;

text_enum! {
    /// What kind of device.
    pub enum CryptoModel { #[default] Virtio = "virtio" }
}

text_enum! {
    /// Who provides it.
    pub enum CryptoType { #[default] Qemu = "qemu" }
}

text_enum! {
    /// What does the work: QEMU itself, or the host's kernel.
    pub enum CryptoBackend { #[default] Builtin = "builtin", Lkcf = "lkcf" }
}

/// A device that encrypts for the guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crypto {
    /// `model`.
    pub model: CryptoModel,
    /// `type`.
    pub kind: CryptoType,
    /// `<backend model='…'>`.
    pub backend: CryptoBackend,
    /// `<backend queues='…'>`; absent where QEMU decides.
    pub queues: Option<u32>,
    /// `<driver>`.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Crypto {
    const ELEMENT: &'static str = "crypto";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum("model")?)?;
        let kind = el.required("type", el.attr_enum("type")?)?;
        let mut backends = el.children_named("backend");
        let (Some(backend), None) = (backends.next(), backends.next()) else {
            return Err(xml_error("only one crypto backend is supported").at(el.place()));
        };
        Ok(Self {
            model,
            kind,
            backend: backend.required("model", backend.attr_enum("model")?)?,
            queues: backend.attr_u32("queues", Base::Ten)?.filter(|queues| *queues > 0),
            info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?,
            virtio: VirtioDriver::parse_child(el)?,
        })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model);
            w.attr("type", self.kind);
            w.element("backend", |w| {
                w.attr("model", self.backend);
                w.attr_opt("queues", self.queues);
            });
            self.virtio.format_child(w);
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn check_abi(&self, target: &Self) -> Result<()> {
        abi::same("crypto model", self.model, target.model)?;
        abi::same("crypto type", self.kind, target.kind)?;
        abi::same("crypto backend", self.backend, target.backend)?;
        self.virtio.check_abi(&target.virtio)
    }
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(CryptoModel::NAMES)), Must("type", OneOf(CryptoType::NAMES)),
        Opt("backend", &[Must("model", OneOf(CryptoBackend::NAMES)), Attr("queues", U32)]), Opt("driver", crate::common::virtio_driver::VIRTIO),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Crypto>(
            "<crypto type='qemu' model='virtio'><driver iommu='on'/><backend queues='2' model='lkcf'/></crypto>",
            "<crypto model='virtio' type='qemu'>\n  <backend model='lkcf' queues='2'/>\n  <driver iommu='on'/>\n</crypto>",
        );
        check::<Crypto>(
            "<crypto type='qemu' model='virtio'/>",
            "XML error: only one crypto backend is supported",
        );
    }
}
