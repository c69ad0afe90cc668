//! `<rng>`: sources of random numbers for the guest.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::chardev::{Chardev, ChardevType, Labels};
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver, abi};
use crate::error::{unsupported_value, xml_error};
use crate::grammar::Part;

text_enum! {
    /// What kind of device.
    pub enum RngModel {
        #[default] Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

text_enum! {
    /// The kinds of backend.
    pub enum RngBackendType { Random = "random", Egd = "egd", Builtin = "builtin" }
}

/// A source of random numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rng {
    /// `model`.
    pub model: RngModel,
    /// `<rate>`, where the guest may not take as much as it likes.
    pub rate: Option<RngRate>,
    /// `<backend>`.
    pub backend: RngBackend,
    /// `<driver>`.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

/// How much the guest may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RngRate {
    /// `bytes` in a period.
    pub bytes: u32,
    /// `period`, milliseconds; absent for a second.
    pub period: Option<u32>,
}

/// Where the numbers come from.
#[derive(Debug, Clone, PartialEq)]
pub enum RngBackend {
    /// A device of the host; absent until filled where the document is silent.
    Random(Option<String>),
    /// A daemon that speaks EGD's protocol.
    Egd(Chardev),
    /// QEMU's own generator.
    Builtin,
}

impl Default for RngBackend {
    fn default() -> Self {
        Self::Random(None)
    }
}

impl Device for Rng {
    const ELEMENT: &'static str = "rng";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum("model")?)?;
        let rate = RngRate::parse(el)?;
        let mut backends = el.children_named("backend");
        let (Some(backend), None) = (backends.next(), backends.next()) else {
            return Err(xml_error("only one RNG backend is supported").at(el.place()));
        };
        let backend = match backend.required("model", backend.attr_enum("model")?)? {
            RngBackendType::Random => {
                RngBackend::Random(Some(backend.text()).filter(|path| !path.is_empty()))
            }
            RngBackendType::Builtin => RngBackend::Builtin,
            RngBackendType::Egd => RngBackend::Egd(parse_egd(backend, cx)?),
        };
        Ok(Self {
            model,
            rate,
            backend,
            info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?,
            virtio: VirtioDriver::parse_child(el)?,
        })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model);
            if let Some(rate) = self.rate {
                w.element("rate", |w| {
                    w.attr("bytes", rate.bytes);
                    w.attr_opt("period", rate.period);
                });
            }
            let model = |w: &mut Writer| w.attr("model", self.backend.kind());
            match &self.backend {
                RngBackend::Random(path) => {
                    w.text_element_with("backend", model, path.as_deref().unwrap_or_default());
                }
                RngBackend::Egd(source) => w.element("backend", |w| {
                    model(w);
                    w.attr("type", source.type_text());
                    source.format(w, cx.flags);
                }),
                RngBackend::Builtin => w.element("backend", model),
            }
            self.virtio.format_child(w);
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        if let RngBackend::Random(path) = &mut self.backend {
            path.get_or_insert_with(|| "/dev/random".to_owned());
        }
        Ok(())
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        abi::same("RNG model", self.model, target.model)?;
        self.virtio.check_abi(&target.virtio)
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        match &self.backend {
            RngBackend::Egd(source) => source.validate(false, domain),
            RngBackend::Random(_) | RngBackend::Builtin => Ok(()),
        }
    }
}

fn parse_egd(backend: Element<'_>, cx: &ParseContext<'_>) -> Result<Chardev> {
    let text = backend.attr("type");
    let text = text.ok_or_else(|| xml_error("missing EGD backend type").at(backend.place()))?;
    let kind = ChardevType::from_text(text).ok_or_else(|| {
        unsupported_value(backend, "type", format!("unknown backend type '{text}' for egd"))
    })?;
    Chardev::parse(backend, kind, Labels::Ignored, cx.flags)
}

impl RngBackend {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> RngBackendType {
        match self {
            Self::Random(_) => RngBackendType::Random,
            Self::Egd(_) => RngBackendType::Egd,
            Self::Builtin => RngBackendType::Builtin,
        }
    }
}

impl RngRate {
    fn parse(rng: Element<'_>) -> Result<Option<Self>> {
        let Some(el) = rng.child("rate") else { return Ok(None) };
        let number = |name: &'static str| match el.attr(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => number::parse_u32(text, Base::Ten)
                .map(|number| Some(number).filter(|number| *number > 0))
                .ok_or_else(|| xml_error(format!("invalid RNG rate {name} value")).at(el.place())),
        };
        let Some(bytes) = number("bytes")? else { return Ok(None) };
        Ok(Some(Self { bytes, period: number("period")? }))
    }
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(RngModel::NAMES)), Opt("rate", &[Must("bytes", U32), Attr("period", U32)]),
        Many("backend", &[Must("model", OneOf(RngBackendType::NAMES)), With(crate::common::chardev::CHARDEV), Text(Str)]),
        Opt("driver", crate::common::virtio_driver::VIRTIO), With(crate::common::device_info::INFO),
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
                "<rng model='virtio'><driver ats='on'/><rate period='0' bytes='100'/><backend model='random'/></rng>",
                "<rng model='virtio'>\n  <rate bytes='100'/>\n  <backend model='random'>/dev/random</backend>\n  <driver ats='on'/>\n</rng>",
            ),
            (
                "<rng model='virtio-transitional'><rate period='5'/><backend model='builtin'/></rng>",
                "<rng model='virtio-transitional'>\n  <backend model='builtin'/>\n</rng>",
            ),
            (
                "<rng model='virtio'><backend model='egd' type='unix'><source mode='connect' path='/run/egd'/></backend></rng>",
                "<rng model='virtio'>\n  <backend model='egd' type='unix'>\n    <source mode='connect' path='/run/egd'/>\n  </backend>\n</rng>",
            ),
            (
                "<rng model='virtio'><backend model='egd' type='pigeon'/></rng>",
                "unsupported configuration: unknown backend type 'pigeon' for egd",
            ),
            ("<rng model='virtio'/>", "XML error: only one RNG backend is supported"),
            (
                "<rng model='virtio'><rate bytes='-1'/><backend model='builtin'/></rng>",
                "XML error: invalid RNG rate bytes value",
            ),
        ] {
            check::<Rng>(xml, expected);
        }
    }
}
