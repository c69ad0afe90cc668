//! What only one model of memory module has.

use virt_types::Uuid;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{MemoryDevice, MemoryModel};
use crate::Result;
use crate::common::scaled::child_memory;
use crate::common::{Address, Bitmap, abi};
use crate::domain::{Domain, FormatContext, MemoryAccess};
use crate::error::{internal, unsupported, xml_detail, xml_error};

/// The smallest label of an NVDIMM, KiB.
const MIN_LABEL: u64 = 128;
/// The size of a transparent huge page, KiB: blocks below it could not be backed by one.
const MIN_BLOCK: u64 = 2048;
/// What guest addresses of persistent memory are aligned to, bytes.
const PAGE: u64 = 4096;

/// Where the host takes a module's memory from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RamSource {
    /// `<pagesize>`, KiB; 0 where the domain's settings decide.
    pub page_size: u64,
    /// `<nodemask>`: the host's NUMA nodes.
    pub nodes: Option<Bitmap>,
}

/// The model of a module, and what only it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryKind {
    /// Ordinary memory.
    Dimm(RamSource),
    /// Persistent memory.
    Nvdimm {
        /// `<uuid>`, of POWER guests.
        uuid: Option<Uuid>,
        /// `<source><path>`.
        path: Option<String>,
        /// `<source><alignsize>`, KiB; 0 where QEMU decides.
        align: u64,
        /// `<source><pmem>`: the source is persistent memory.
        pmem: bool,
        /// `<target><label><size>`, KiB; 0 for none.
        label: u64,
        /// `<target><readonly>`.
        readonly: bool,
    },
    /// Persistent memory that the host caches.
    VirtioPmem {
        /// `<source><path>`.
        path: Option<String>,
        /// `<target><address base='…'>`; 0 where QEMU decides.
        base: u64,
    },
    /// Memory that grows and shrinks.
    VirtioMem {
        /// Where the host takes the memory from.
        source: RamSource,
        /// `<target><block>`, KiB: the steps in which it grows and shrinks.
        block: u64,
        /// `<target><requested>`, KiB: how much the guest should have.
        requested: u64,
        /// `<target><current>`, KiB: how much it has.
        current: u64,
        /// `<target><address base='…'>`; 0 where QEMU decides.
        base: u64,
    },
    /// Memory of SGX enclaves.
    SgxEpc {
        /// `<nodemask>`: the host's NUMA nodes.
        nodes: Option<Bitmap>,
    },
}

impl Default for MemoryKind {
    fn default() -> Self {
        Self::Dimm(RamSource::default())
    }
}

impl RamSource {
    fn parse(source: Option<Element<'_>>) -> Result<Self> {
        let Some(el) = source else { return Ok(Self::default()) };
        Ok(Self { page_size: child_memory(el, "pagesize")?.unwrap_or(0), nodes: nodemask(el)? })
    }

    fn format(&self, w: &mut Writer) {
        w.text_element_opt("nodemask", self.nodes.as_ref());
        size(w, "pagesize", self.page_size);
    }
}

fn nodemask(source: Element<'_>) -> Result<Option<Bitmap>> {
    let Some(text) = source.child_text("nodemask") else { return Ok(None) };
    let nodes: Bitmap = text.parse().map_err(|error: crate::Error| error.at(source.place()))?;
    if nodes.is_empty() {
        return Err(unsupported(format!("Invalid value of 'nodemask': {text}")).at(source.place()));
    }
    Ok(Some(nodes))
}

fn size(w: &mut Writer, name: &str, kib: u64) {
    if kib > 0 {
        w.text_element_with(name, |w| w.attr("unit", "KiB"), kib);
    }
}

impl MemoryKind {
    /// The model.
    #[must_use]
    pub const fn model(&self) -> MemoryModel {
        match self {
            Self::Dimm(_) => MemoryModel::Dimm,
            Self::Nvdimm { .. } => MemoryModel::Nvdimm,
            Self::VirtioPmem { .. } => MemoryModel::VirtioPmem,
            Self::VirtioMem { .. } => MemoryModel::VirtioMem,
            Self::SgxEpc { .. } => MemoryModel::SgxEpc,
        }
    }

    /// The file or device whose content the module is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Nvdimm { path, .. } | Self::VirtioPmem { path, .. } => path.as_deref(),
            Self::Dimm(_) | Self::VirtioMem { .. } | Self::SgxEpc { .. } => None,
        }
    }

    /// Size of the host's pages, KiB; 0 where the domain's settings decide.
    #[must_use]
    pub const fn page_size(&self) -> u64 {
        match self {
            Self::Dimm(source) | Self::VirtioMem { source, .. } => source.page_size,
            Self::Nvdimm { .. } | Self::VirtioPmem { .. } | Self::SgxEpc { .. } => 0,
        }
    }

    /// The host's NUMA nodes.
    #[must_use]
    pub const fn source_nodes(&self) -> Option<&Bitmap> {
        match self {
            Self::Dimm(source) | Self::VirtioMem { source, .. } => source.nodes.as_ref(),
            Self::SgxEpc { nodes } => nodes.as_ref(),
            Self::Nvdimm { .. } | Self::VirtioPmem { .. } => None,
        }
    }

    pub(super) fn parse_source(model: MemoryModel, el: Element<'_>) -> Result<Self> {
        let source = el.child("source");
        let path = || source.and_then(|source| source.child_text("path"));
        Ok(match model {
            MemoryModel::Dimm => Self::Dimm(RamSource::parse(source)?),
            MemoryModel::VirtioMem => Self::VirtioMem {
                source: RamSource::parse(source)?,
                block: 0,
                requested: 0,
                current: 0,
                base: 0,
            },
            MemoryModel::Nvdimm => {
                let uuid = el
                    .child_text("uuid")
                    .map(|text| text.parse().map_err(|_| internal("malformed uuid element").at(el.place())));
                let align = source.map(|source| child_memory(source, "alignsize")).transpose()?.flatten();
                Self::Nvdimm {
                    uuid: uuid.transpose()?,
                    path: path(),
                    align: align.unwrap_or(0),
                    pmem: source.is_some_and(|source| source.child("pmem").is_some()),
                    label: 0,
                    readonly: false,
                }
            }
            MemoryModel::VirtioPmem => Self::VirtioPmem { path: path(), base: 0 },
            MemoryModel::SgxEpc => Self::SgxEpc { nodes: source.map(nodemask).transpose()?.flatten() },
        })
    }

    /// Reads what the model has in `<target>`; `size` is that of the module.
    pub(super) fn parse_target(&mut self, target: Element<'_>, size: u64) -> Result<()> {
        let place = |base: &mut u64| -> Result<()> {
            if let Some(address) = target.child("address") {
                *base = address.attr_u64("base", Base::Sixteen)?.unwrap_or(0);
            }
            Ok(())
        };
        match self {
            Self::Nvdimm { label, readonly, .. } => {
                if let Some(el) = target.child("label") {
                    *label = child_memory(el, "size")?.unwrap_or(0);
                }
                if (1..MIN_LABEL).contains(label) {
                    let detail = format!("nvdimm label must be at least {MIN_LABEL}KiB");
                    return Err(xml_error(detail).at(target.place()));
                }
                if *label >= size {
                    let detail = "label size must be smaller than NVDIMM size";
                    return Err(xml_error(detail).at(target.place()));
                }
                *readonly = target.child("readonly").is_some();
            }
            Self::VirtioMem { block, requested, current, base, .. } => {
                *block = child_memory(target, "block")?.unwrap_or(0);
                *requested = child_memory(target, "requested")?.unwrap_or(0);
                *current = child_memory(target, "current")?.unwrap_or(0);
                place(base)?;
            }
            Self::VirtioPmem { base, .. } => place(base)?,
            Self::Dimm(_) | Self::SgxEpc { .. } => {}
        }
        Ok(())
    }

    pub(super) fn format_source(&self, w: &mut Writer) {
        if let Self::Nvdimm { uuid, .. } = self {
            w.text_element_opt("uuid", *uuid);
        }
        w.element_if_any("source", |w| match self {
            Self::Dimm(source) | Self::VirtioMem { source, .. } => source.format(w),
            Self::Nvdimm { path, align, pmem, .. } => {
                w.text_element_opt("path", path.as_ref());
                size(w, "alignsize", *align);
                if *pmem {
                    w.element("pmem", |_| {});
                }
            }
            Self::VirtioPmem { path, .. } => w.text_element_opt("path", path.as_ref()),
            Self::SgxEpc { nodes } => w.text_element_opt("nodemask", nodes.as_ref()),
        });
    }

    pub(super) fn format_target(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let place = |w: &mut Writer, base: u64| {
            if base > 0 {
                w.element("address", |w| w.attr("base", format_args!("0x{base:x}")));
            }
        };
        match self {
            Self::Nvdimm { label, readonly, .. } => {
                w.element_if_any("label", |w| size(w, "size", *label));
                if *readonly {
                    w.element("readonly", |_| {});
                }
            }
            Self::VirtioPmem { base, .. } => place(w, *base),
            Self::VirtioMem { block, requested, current, base, .. } => {
                if *block > 0 {
                    size(w, "block", *block);
                    w.text_element_with("requested", |w| w.attr("unit", "KiB"), requested);
                    if !cx.inactive() {
                        w.text_element_with("current", |w| w.attr("unit", "KiB"), current);
                    }
                }
                place(w, *base);
            }
            Self::Dimm(_) | Self::SgxEpc { .. } => {}
        }
    }

    /// Refuses a change that the guest would see.
    pub(super) fn check_abi(&self, target: &Self) -> Result<()> {
        let place = |source, target| {
            let text = |base: u64| format!("0x{base:x}");
            abi::same("memory device address", text(source).as_str(), &text(target))
        };
        match (self, target) {
            (
                Self::Nvdimm { uuid, align, pmem, label, readonly, .. },
                Self::Nvdimm { uuid: u, align: a, pmem: p, label: l, readonly: r, .. },
            ) => {
                abi::same("NVDIMM label size", label, l)?;
                abi::same("NVDIMM alignment", align, a)?;
                abi::unchanged("NVDIMM pmem flag", pmem, p)?;
                abi::unchanged("NVDIMM readonly flag", readonly, r)?;
                abi::unchanged("NVDIMM UUID", uuid, u)
            }
            (Self::VirtioPmem { base, .. }, Self::VirtioPmem { base: b, .. }) => place(*base, *b),
            (
                Self::VirtioMem { block, requested, base, .. },
                Self::VirtioMem { block: k, requested: r, base: b, .. },
            ) => {
                abi::same("memory device block size", block, k)?;
                abi::same("memory device requested size", requested, r)?;
                place(*base, *b)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn validate(&self, device: &MemoryDevice, domain: &Domain) -> Result<()> {
        let model = self.model();
        match self {
            Self::Dimm(_) => Ok(()),
            Self::SgxEpc { .. } if device.info.address != Address::None => {
                Err(unsupported(format!("memory device address is not supported for model '{model}'")))
            }
            Self::SgxEpc { .. } => Ok(()),
            Self::Nvdimm { path: None, .. } | Self::VirtioPmem { path: None, .. } => {
                Err(xml_detail(format!("path is required for model '{model}'")))
            }
            Self::Nvdimm { .. } if device.discard == Some(true) => {
                Err(unsupported("discard is not supported for nvdimms"))
            }
            Self::Nvdimm { label: 0, .. } if domain.os.arch.is_ppc64() => {
                Err(unsupported("label size is required for NVDIMM device"))
            }
            Self::Nvdimm { uuid: Some(_), .. } if !domain.os.arch.is_ppc64() => {
                Err(unsupported("UUID is not supported for NVDIMM device"))
            }
            Self::Nvdimm { .. } => Ok(()),
            Self::VirtioPmem { base, .. } => {
                if device.discard == Some(true) {
                    return Err(unsupported(format!("discard is not supported for model '{model}'")));
                }
                if device.access != Some(MemoryAccess::Shared) {
                    return Err(unsupported("shared access mode required for virtio-pmem device"));
                }
                if device.node.is_some() {
                    return Err(unsupported("virtio-pmem does not support NUMA nodes"));
                }
                if !base.is_multiple_of(PAGE) {
                    return Err(unsupported(format!("memory address must be aligned to {PAGE} bytes")));
                }
                Ok(())
            }
            Self::VirtioMem { block, requested, base, .. } => {
                let refuse = |detail: String| Err(xml_detail(detail));
                if *requested > device.size {
                    return refuse(format!(
                        "requested size must be smaller than or equal to @size ({}KiB)",
                        device.size
                    ));
                }
                if !block.is_power_of_two() {
                    return refuse("block size must be a power of two".into());
                }
                if *block < MIN_BLOCK {
                    return refuse(format!("block size too small, must be at least {MIN_BLOCK}KiB"));
                }
                if !requested.is_multiple_of(*block) {
                    return refuse("requested size must be an integer multiple of block size".into());
                }
                if !base.is_multiple_of(block * 1024) {
                    return refuse("memory device address must be aligned to blocksize".into());
                }
                Ok(())
            }
        }
    }
}
