//! `<vsock>`: sockets between guest and host.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver, abi};
use crate::error::unsupported;
use crate::grammar::Part;

text_enum! {
    /// What kind of device.
    pub enum VsockModel {
        #[default] Default = "default", Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

/// The addresses below are the hypervisor's, the loopback's and the host's (`linux/vm_sockets.h`).
const FIRST_GUEST_CID: u32 = 3;

/// A device for sockets between guest and host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vsock {
    /// `model`.
    pub model: VsockModel,
    /// `<cid auto='…'>`: the driver chooses the guest's address.
    pub auto_cid: Option<bool>,
    /// `<cid address='…'>`: the guest's address; absent until chosen.
    pub cid: Option<u32>,
    /// `<driver>`.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Vsock {
    const ELEMENT: &'static str = "vsock";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mut vsock = Self { model: el.attr_enum("model")?.unwrap_or_default(), ..Self::default() };
        if let Some(cid) = el.child("cid") {
            vsock.cid = cid.nonzero("address", cid.attr_u32("address", Base::Ten)?)?;
            vsock.auto_cid = cid.attr_yes_no("auto")?;
        }
        vsock.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        vsock.virtio = VirtioDriver::parse_child(el)?;
        Ok(vsock)
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            if self.model != VsockModel::Default {
                w.attr("model", self.model);
            }
            w.element_if_any("cid", |w| {
                w.attr_yes_no("auto", self.auto_cid);
                w.attr_opt("address", self.cid);
            });
            self.info.format(w, Takes::NOTHING);
            self.virtio.format_child(w);
        });
    }

    has_info!();

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        self.auto_cid = self.auto_cid.or_else(|| Some(self.cid.is_none()));
        Ok(())
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        abi::same("domain vsock device model", self.model, target.model)?;
        self.virtio.check_abi(&target.virtio)
    }

    fn validate(&self, _domain: &Domain) -> Result<()> {
        if self.cid.is_some_and(|cid| cid < FIRST_GUEST_CID) {
            return Err(unsupported(format!("guest CIDs must be >= {FIRST_GUEST_CID}")));
        }
        if self.model == VsockModel::Default {
            self.virtio.refuse()?;
        }
        Ok(())
    }
}

grammar! {
    GRAMMAR = [
        Attr("model", OneOf(VsockModel::NAMES)), Opt("cid", &[Attr("auto", YesNo), Attr("address", Number(3, 4_294_967_294))]),
        Opt("driver", crate::common::virtio_driver::VIRTIO), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Vsock>("<vsock/>", "<vsock>\n  <cid auto='yes'/>\n</vsock>");
        check::<Vsock>(
            "<vsock model='virtio'><driver packed='on'/><cid address='7'/></vsock>",
            "<vsock model='virtio'>\n  <cid auto='no' address='7'/>\n  <driver packed='on'/>\n</vsock>",
        );
        check::<Vsock>(
            "<vsock><cid address='2'/></vsock>",
            "unsupported configuration: guest CIDs must be >= 3",
        );
        check::<Vsock>(
            "<vsock><cid address='0'/></vsock>",
            "XML error: Invalid value for attribute 'address' in element 'cid': Zero is not permitted",
        );
    }
}
