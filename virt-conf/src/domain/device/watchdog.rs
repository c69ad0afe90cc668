//! `<watchdog>`: a device that acts when the guest stops feeding it.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::common::device_info::Takes;
use crate::grammar::Part;

text_enum! {
    /// What kind of watchdog.
    pub enum WatchdogModel {
        #[default] I6300esb = "i6300esb", Ib700 = "ib700", Diag288 = "diag288", Itco = "itco",
    }
}

text_enum! {
    /// What happens when it fires.
    pub enum WatchdogAction {
        #[default] Reset = "reset", Shutdown = "shutdown", Poweroff = "poweroff", Pause = "pause", Dump = "dump",
        None = "none", InjectNmi = "inject-nmi",
    }
}

/// A watchdog.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watchdog {
    /// `model`.
    pub model: WatchdogModel,
    /// `action`.
    pub action: WatchdogAction,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Watchdog {
    const ELEMENT: &'static str = "watchdog";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum::<WatchdogModel>("model")?)?;
        let action = el.attr_enum::<WatchdogAction>("action")?.unwrap_or_default();
        Ok(Self { model, action, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model.text());
            w.attr("action", self.action.text());
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(WatchdogModel::NAMES)), Attr("action", OneOf(WatchdogAction::NAMES)), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Watchdog>("<watchdog model='ib700'/>", "<watchdog model='ib700' action='reset'/>");
        check::<Watchdog>(
            "<watchdog model='itco' action='inject-nmi'/>",
            "<watchdog model='itco' action='inject-nmi'/>",
        );
        check::<Watchdog>(
            "<watchdog action='reset'/>",
            "XML error: Missing required attribute 'model' in element 'watchdog'",
        );
    }
}
