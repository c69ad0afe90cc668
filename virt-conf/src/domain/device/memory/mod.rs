//! `<memory>` among the devices: memory modules. All sizes are KiB.

mod conflict;
mod kind;
#[cfg(test)]
mod tests;

use virt_types::text_enum;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

pub use kind::{MemoryKind, RamSource};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::scaled::child_memory;
use crate::common::{DeviceInfo, abi};
use crate::domain::MemoryAccess;
use crate::error::{xml_detail, xml_error};
use crate::grammar::Part;

text_enum! {
    /// What kind of module.
    pub enum MemoryModel {
        #[default] Dimm = "dimm", Nvdimm = "nvdimm", VirtioPmem = "virtio-pmem", VirtioMem = "virtio-mem",
        SgxEpc = "sgx-epc",
    }
}

/// A memory module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryDevice {
    /// `access`: whether other processes of the host may map it.
    pub access: Option<MemoryAccess>,
    /// `discard`: its content is thrown away when it is unplugged.
    pub discard: Option<bool>,
    /// `<target><size>`.
    pub size: u64,
    /// `<target><node>`: the guest's NUMA node.
    pub node: Option<u32>,
    /// The model, and what only it has.
    pub kind: MemoryKind,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl MemoryDevice {
    /// The model.
    #[must_use]
    pub const fn model(&self) -> MemoryModel {
        self.kind.model()
    }
}

impl Device for MemoryDevice {
    const ELEMENT: &'static str = "memory";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum::<MemoryModel>("model")?)?;
        let access = el.attr_enum("access")?;
        let discard = el.attr_yes_no("discard")?;
        let mut kind = MemoryKind::parse_source(model, el)?;
        let target = el
            .child("target")
            .ok_or_else(|| xml_error("missing <target> element for <memory> device").at(el.place()))?;
        let node = target.child_text("node").map(|text| {
            number::parse_i32(&text, Base::Ten)
                .and_then(|node| u32::try_from(node).ok())
                .ok_or_else(|| xml_error("invalid value of memory device node").at(target.place()))
        });
        let node = node.transpose()?;
        let size = child_memory(target, "size")?
            .ok_or_else(|| xml_error("missing element or attribute './size'").at(target.place()))?;
        kind.parse_target(target, size)?;
        let info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(Self { access, discard, size, node, kind, info })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model());
            w.attr_opt("access", self.access);
            w.attr_yes_no("discard", self.discard);
            self.kind.format_source(w);
            w.element("target", |w| {
                w.text_element_with("size", |w| w.attr("unit", "KiB"), self.size);
                w.text_element_opt("node", self.node);
                self.kind.format_target(w, cx);
            });
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        // What the guest writes has to reach the file.
        if self.model() == MemoryModel::VirtioPmem {
            self.access = self.access.or(Some(MemoryAccess::Shared));
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        if let Some(node) = self.node {
            let nodes = domain.numa.cells.len();
            if nodes == 0 {
                return Err(xml_detail("can't add memory backend as guest has no NUMA nodes configured"));
            }
            if node as usize >= nodes {
                return Err(xml_detail(format!(
                    "can't add memory backend for guest node '{node}' as the guest has only '{nodes}' NUMA nodes configured"
                )));
            }
        }
        self.kind.validate(self, domain)?;
        conflict::check(self, &domain.devices.memories)
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        abi::same("memory device model", self.model(), target.model())?;
        let node = |node: Option<u32>| node.map_or(-1, i64::from);
        abi::same("memory device targetNode", node(self.node), node(target.node))?;
        abi::same("memory device size", self.size, target.size)?;
        self.kind.check_abi(&target.kind)
    }

    fn same_device(&self, other: &Self) -> bool {
        let sources = match (&self.kind, &other.kind) {
            (
                MemoryKind::VirtioMem { source, block, .. },
                MemoryKind::VirtioMem { source: s, block: b, .. },
            ) => source == s && block == b,
            (kind, other) => kind == other,
        };
        sources
            && self.access == other.access
            && self.discard == other.discard
            && self.size == other.size
            && self.node == other.node
    }
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(MemoryModel::NAMES)), Attr("access", OneOf(MemoryAccess::NAMES)), Attr("discard", YesNo),
        Opt("uuid", &[Text(UUID)]),
        Opt("source", &[
            Opt("path", &[Text(Str)]), Opt("alignsize", SIZE), Opt("pagesize", SIZE), Opt("nodemask", &[Text(CPUSET)]), Opt("pmem", FLAG),
        ]),
        One("target", &[
            One("size", SIZE), Opt("node", NUMBER), Opt("label", &[One("size", SIZE)]), Opt("readonly", FLAG),
            Opt("block", SIZE), Opt("requested", SIZE), Opt("current", SIZE), Opt("address", &[Attr("base", Hex(u64::MAX))]),
        ]),
        With(crate::common::device_info::INFO),
    ];
}
