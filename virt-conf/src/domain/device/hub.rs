//! `<hub>`: more ports on a bus.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::common::device_info::Takes;
use crate::error::{internal, unsupported_value};
use crate::grammar::Part;

text_enum! {
    /// The bus.
    pub enum HubType { #[default] Usb = "usb" }
}

/// A hub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hub {
    /// `type`.
    pub kind: HubType,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Hub {
    const ELEMENT: &'static str = "hub";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.attr("type").ok_or_else(|| internal("missing hub device type").at(el.place()))?;
        let kind = HubType::from_text(kind)
            .ok_or_else(|| unsupported_value(el, "type", format!("unknown hub device type '{kind}'")))?;
        Ok(Self { kind, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.kind);
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();
}

grammar! {
    GRAMMAR = [Must("type", OneOf(HubType::NAMES)), With(crate::common::device_info::INFO)];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Hub>(
            "<hub type='usb'><address type='usb' bus='0' port='1'/></hub>",
            "<hub type='usb'>\n  <address type='usb' bus='0' port='1'/>\n</hub>",
        );
        check::<Hub>("<hub type='scsi'/>", "unsupported configuration: unknown hub device type 'scsi'");
        check::<Hub>("<hub/>", "internal error: missing hub device type");
    }
}
