//! `<memballoon>`: the guest's memory balloon.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver};
use crate::grammar::Part;

text_enum! {
    /// What kind of balloon.
    pub enum MemballoonModel {
        #[default] Virtio = "virtio", Xen = "xen", None = "none", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

/// A memory balloon.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memballoon {
    /// `model`.
    pub model: MemballoonModel,
    /// `autodeflate`: the balloon gives memory back before the guest runs out of it.
    pub autodeflate: Option<bool>,
    /// `freePageReporting`.
    pub free_page_reporting: Option<bool>,
    /// `<stats period='…'/>`, seconds between two statistics; 0 for none.
    pub stats_period: u32,
    /// `<driver>`.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Memballoon {
    const ELEMENT: &'static str = "memballoon";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum::<MemballoonModel>("model")?)?;
        let autodeflate = el.attr_on_off("autodeflate")?;
        let free_page_reporting = el.attr_on_off("freePageReporting")?;
        let stats_period = match el.child("stats") {
            Some(stats) => stats.attr_u32("period", Base::Ten)?.unwrap_or(0),
            None => 0,
        };
        let info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        let virtio = VirtioDriver::parse_child(el)?;
        Ok(Self { model, autodeflate, free_page_reporting, stats_period, virtio, info })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model.text());
            w.attr_on_off("autodeflate", self.autodeflate);
            w.attr_on_off("freePageReporting", self.free_page_reporting);
            if self.stats_period > 0 {
                w.element("stats", |w| w.attr("period", self.stats_period));
            }
            self.info.format(w, Takes::NOTHING);
            self.virtio.format_child(w);
        });
    }

    has_info!();
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(MemballoonModel::NAMES)), Attr("autodeflate", OnOff), Attr("freePageReporting", OnOff),
        Opt("stats", &[Attr("period", U32)]), Opt("driver", crate::common::virtio_driver::VIRTIO), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Memballoon>(
            "<memballoon model='virtio' autodeflate='on'><stats period='10'/><driver iommu='on'/></memballoon>",
            "<memballoon model='virtio' autodeflate='on'>\n  <stats period='10'/>\n  <driver iommu='on'/>\n</memballoon>",
        );
        check::<Memballoon>("<memballoon model='none'/>", "<memballoon model='none'/>");
        check::<Memballoon>(
            "<memballoon/>",
            "XML error: Missing required attribute 'model' in element 'memballoon'",
        );
    }
}
