//! `<iommu>`: the guest's I/O memory management unit.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{Address, DeviceInfo, abi};
use crate::error::xml_error;
use crate::grammar::Part;

text_enum! {
    /// What kind of unit.
    pub enum IommuModel { #[default] Intel = "intel", Smmuv3 = "smmuv3", Virtio = "virtio" }
}

/// An I/O memory management unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Iommu {
    /// `model`.
    pub model: IommuModel,
    /// `<driver intremap='…'>`: interrupts are remapped.
    pub intremap: Option<bool>,
    /// `<driver caching_mode='…'>`: needed for devices of the host.
    pub caching_mode: Option<bool>,
    /// `<driver eim='…'>`: x2APIC ids.
    pub eim: Option<bool>,
    /// `<driver iotlb='…'>`: devices may cache translations.
    pub iotlb: Option<bool>,
    /// `<driver aw_bits='…'>`: width of I/O addresses; absent where QEMU decides.
    pub aw_bits: Option<u32>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Iommu {
    const ELEMENT: &'static str = "iommu";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum::<IommuModel>("model")?)?;
        let mut iommu = Self { model, ..Self::default() };
        if let Some(driver) = el.child("driver") {
            iommu.intremap = driver.attr_on_off("intremap")?;
            iommu.caching_mode = driver.attr_on_off("caching_mode")?;
            iommu.iotlb = driver.attr_on_off("iotlb")?;
            iommu.eim = driver.attr_on_off("eim")?;
            iommu.aw_bits = driver.attr_u32("aw_bits", Base::Ten)?.filter(|bits| *bits > 0);
        }
        iommu.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(iommu)
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model);
            w.element_if_any("driver", |w| {
                w.attr_on_off("intremap", self.intremap);
                w.attr_on_off("caching_mode", self.caching_mode);
                w.attr_on_off("eim", self.eim);
                w.attr_on_off("iotlb", self.iotlb);
                w.attr_opt("aw_bits", self.aw_bits);
            });
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn check_abi(&self, target: &Self) -> Result<()> {
        abi::same("domain IOMMU device model", self.model, target.model)?;
        for (what, source, target) in [
            ("intremap value", self.intremap, target.intremap),
            ("caching mode", self.caching_mode, target.caching_mode),
            ("eim value", self.eim, target.eim),
            ("iotlb value", self.iotlb, target.iotlb),
        ] {
            let what = format!("domain IOMMU device {what}");
            abi::same(&what, abi::switch(source), abi::switch(target))?;
        }
        let bits = |bits: Option<u32>| bits.unwrap_or(0);
        abi::same("domain IOMMU device aw_bits value", bits(self.aw_bits), bits(target.aw_bits))
    }

    fn validate(&self, _domain: &Domain) -> Result<()> {
        let model = self.model;
        let options = [self.intremap, self.caching_mode, self.eim, self.iotlb];
        let has_options = options.iter().any(Option::is_some) || self.aw_bits.is_some();
        if has_options && model != IommuModel::Intel {
            return Err(xml_error(format!("iommu model '{model}' doesn't support additional attributes")));
        }
        if self.info.address != Address::None && model != IommuModel::Virtio {
            return Err(xml_error(format!("iommu model '{model}' can't have address")));
        }
        Ok(())
    }
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(IommuModel::NAMES)),
        Opt("driver", &[
            Attr("intremap", OnOff), Attr("caching_mode", OnOff), Attr("eim", OnOff), Attr("iotlb", OnOff), Attr("aw_bits", U32),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Iommu>(
            "<iommu model='intel'><driver aw_bits='48' eim='on' intremap='off' caching_mode='on' iotlb='on'/></iommu>",
            "<iommu model='intel'>\n  <driver intremap='off' caching_mode='on' eim='on' iotlb='on' aw_bits='48'/>\n</iommu>",
        );
        check::<Iommu>("<iommu model='smmuv3'><driver/></iommu>", "<iommu model='smmuv3'/>");
        check::<Iommu>(
            "<iommu model='virtio'><driver eim='on'/></iommu>",
            "XML error: iommu model 'virtio' doesn't support additional attributes",
        );
        check::<Iommu>(
            "<iommu model='intel'><address type='pci'/></iommu>",
            "XML error: iommu model 'intel' can't have address",
        );
    }

    #[test]
    fn another_unit_is_another_machine() {
        let one = Iommu { eim: Some(true), ..Iommu::default() };
        assert!(one.check_abi(&one).is_ok());
        let error = one.check_abi(&Iommu::default()).unwrap_err();
        assert_eq!(
            error.detail(),
            "Target domain IOMMU device eim value 'default' does not match source 'on'"
        );
    }
}
