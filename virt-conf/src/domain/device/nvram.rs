//! `<nvram>` among the devices: the place of a pseries guest's firmware variables.

use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::common::device_info::Takes;
use crate::grammar::Part;

/// The memory of the firmware's variables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nvram {
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Nvram {
    const ELEMENT: &'static str = "nvram";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        Ok(Self { info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| self.info.format(w, Takes::NOTHING));
    }

    has_info!();
}

grammar! {
    GRAMMAR = [With(crate::common::device_info::INFO)];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn its_place_comes_back() {
        check::<Nvram>(
            "<nvram><address type='spapr-vio' reg='0x4000'/></nvram>",
            "<nvram>\n  <address type='spapr-vio' reg='0x00004000'/>\n</nvram>",
        );
    }
}
