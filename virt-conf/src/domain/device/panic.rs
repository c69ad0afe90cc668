//! `<panic>`: a device through which the guest tells of its own crash.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::common::device_info::Takes;
use crate::error::unsupported_value;
use crate::grammar::Part;

text_enum! {
    /// What kind of device.
    pub enum PanicModel {
        Isa = "isa", Pseries = "pseries", Hyperv = "hyperv", S390 = "s390", Pvpanic = "pvpanic",
    }
}

/// A panic device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panic {
    /// `model`; absent until the driver chooses.
    pub model: Option<PanicModel>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Panic {
    const ELEMENT: &'static str = "panic";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        let model = match el.attr("model") {
            None | Some("default") => None,
            Some(text) => Some(
                PanicModel::from_text(text)
                    .ok_or_else(|| unsupported_value(el, "model", format!("unknown panic model '{text}'")))?,
            ),
        };
        Ok(Self { model, info })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr_opt("model", self.model);
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();
}

grammar! {
    GRAMMAR = [Attr("model", OneOf(PanicModel::NAMES)), With(crate::common::device_info::INFO)];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Panic>("<panic/>", "<panic/>");
        check::<Panic>(
            "<panic model='isa'><address type='isa' iobase='0x505'/></panic>",
            "<panic model='isa'>\n  <address type='isa' iobase='0x505'/>\n</panic>",
        );
        check::<Panic>("<panic model='vax'/>", "unsupported configuration: unknown panic model 'vax'");
    }
}
