//! The objects behind guest memory: that of the machine, of NUMA nodes and of memory devices.

use std::path::PathBuf;

use serde_json::Value;
use virt_conf::common::Bitmap;
use virt_conf::domain::device::MemoryKind;
use virt_conf::domain::{HugePage, MemoryAccess, MemoryAllocation, MemorySource, NumaMemMode};
use virt_types::Result;

use super::{HostNeed, Part, PlanContext, Props, short_name};
use crate::caps::Cap;
use crate::error::{internal, unsupported};

/// The host's own page size in KiB, on which no huge page is.
pub(super) const SYSTEM_PAGE: u64 = 4;

/// What an object has to provide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backend {
    /// The object's id.
    pub id: String,
    /// KiB.
    pub size: u64,
    /// The guest's NUMA node.
    pub node: Option<u32>,
    /// Who may map it; absent for what the node or the domain says.
    pub access: Option<MemoryAccess>,
    /// Whether the content is thrown away at exit; absent for what the node or the domain says.
    pub discard: Option<bool>,
    /// The memory module that it is for.
    pub module: Option<MemoryKind>,
    /// The name of the file where the memory is one in the domain's directory; absent for that of the object.
    pub file: Option<String>,
    /// Whether it is all of the machine's memory, whose name in a migration stream must stay the same.
    pub system: bool,
}

impl Backend {
    /// An object of this id and size, as the domain wants its memory.
    #[must_use]
    pub fn new(id: impl Into<String>, kib: u64) -> Self {
        Self { id: id.into(), size: kib, ..Self::default() }
    }

    /// The file itself, for persistent memory.
    fn path(&self) -> Option<&str> {
        self.module.as_ref().and_then(MemoryKind::path)
    }

    /// The host's nodes; absent for what the domain says.
    fn host_nodes(&self) -> Option<&Bitmap> {
        self.module.as_ref().and_then(MemoryKind::source_nodes)
    }
}

/// Which pages an object uses.
#[derive(Debug, Clone, Copy, Default)]
struct Pages {
    /// KiB; 0 for the host's own.
    size: u64,
    /// Asked for this object alone, so that an object there must be.
    special: bool,
}

fn pages(cx: &PlanContext<'_>, backend: &Backend) -> Result<Pages> {
    if let Some(size) = backend.module.as_ref().map(MemoryKind::page_size).filter(|size| *size > 0) {
        return Ok(if size == SYSTEM_PAGE { Pages::default() } else { Pages { size, special: true } });
    }
    let pages = &cx.domain.memory_backing.hugepages;
    let of_node = |page: &&HugePage| match (&page.nodeset, backend.node) {
        (Some(nodes), Some(node)) => nodes.contains(node),
        _ => false,
    };
    let special = pages.iter().find(of_node);
    let page = special.or_else(|| pages.iter().rev().find(|page| page.nodeset.is_none()));
    match page {
        None => Ok(Pages::default()),
        Some(page) if page.size == SYSTEM_PAGE => Ok(Pages::default()),
        Some(page) => {
            let size = if page.size == 0 { default_page(cx)? } else { page.size };
            Ok(Pages { size, special: special.is_some() })
        }
    }
}

fn default_page(cx: &PlanContext<'_>) -> Result<u64> {
    let none = "hugetlbfs filesystem is not mounted or disabled by administrator config";
    cx.host.hugepages.first().map(|(size, _)| *size).ok_or_else(|| internal(none))
}

/// Whether the memory is allocated before the guest runs.
///
/// # Errors
/// For huge pages that the host does not have.
pub fn preallocates(cx: &PlanContext<'_>, backend: &Backend) -> Result<bool> {
    let own = match &backend.module {
        // A file that is persistent memory has nothing to allocate.
        Some(MemoryKind::Nvdimm { pmem, .. }) => !pmem,
        Some(MemoryKind::SgxEpc { .. }) => true,
        Some(MemoryKind::VirtioPmem { .. }) => false,
        Some(MemoryKind::Dimm(_) | MemoryKind::VirtioMem { .. }) | None => pages(cx, backend)?.size > 0,
    };
    Ok(own || cx.domain.memory_backing.allocation == Some(MemoryAllocation::Immediate))
}

/// Whether a NUMA node can not be described by its size alone.
pub(super) fn is_needed(cx: &PlanContext<'_>, backend: &Backend) -> Result<bool> {
    host_nodes(cx, backend)?;
    let source = cx.domain.memory_backing.source;
    let specified = backend.node.is_some_and(|node| cx.domain.numatune.node(node).is_some());
    Ok(pages(cx, backend)?.special
        || backend.host_nodes().is_some()
        || specified
        || backend.path().is_some()
        || access(cx, backend).is_some()
        || matches!(source, Some(MemorySource::File | MemorySource::Memfd)))
}

fn access(cx: &PlanContext<'_>, backend: &Backend) -> Option<MemoryAccess> {
    let cell = backend.node.and_then(|node| cx.domain.numa.cells.get(node as usize));
    backend.access.or_else(|| cell.and_then(|cell| cell.access)).or(cx.domain.memory_backing.access)
}

fn discard(cx: &PlanContext<'_>, backend: &Backend) -> Option<bool> {
    let cell = backend.node.and_then(|node| cx.domain.numa.cells.get(node as usize));
    let everywhere = cx.domain.memory_backing.discard.then_some(true);
    backend.discard.or_else(|| cell.and_then(|cell| cell.discard)).or(everywhere)
}

/// Where huge pages of this size (0 for the default) of the domain are.
pub(super) fn hugepage_path(cx: &mut PlanContext<'_>, size: u64) -> Result<PathBuf> {
    let size = if size == 0 { default_page(cx)? } else { size };
    let mount = cx.host.hugepages.iter().find(|(mounted, _)| *mounted == size);
    let Some((_, mount)) = mount else {
        let detail = format!("Unable to find any usable hugetlbfs mount for {size} KiB");
        return Err(internal(detail).with_hint("mount a hugetlbfs with this page size"));
    };
    let path = PathBuf::from(mount).join("libvirt/qemu").join(short_name(cx.domain));
    need_directory(cx, path.clone());
    Ok(path)
}

fn need_directory(cx: &mut PlanContext<'_>, path: PathBuf) {
    let need = HostNeed::Directory(path);
    if !cx.plan.needs.contains(&need) {
        cx.plan.needs.push(need);
    }
}

/// Plans the object, and the thread context that fills it from the right host nodes.
///
/// # Errors
/// For pages that the host has not, and objects that the binary has not.
pub fn plan(cx: &mut PlanContext<'_>, backend: &Backend) -> Result<()> {
    for part in parts(cx, backend)? {
        cx.part(part);
    }
    Ok(())
}

/// The objects as parts, in order.
///
/// # Errors
/// As [`plan`].
pub fn parts(cx: &mut PlanContext<'_>, backend: &Backend) -> Result<Vec<Part>> {
    let backing = &cx.domain.memory_backing;
    let pages = pages(cx, backend)?;
    let huge = pages.size > 0 && backend.path().is_none();
    let access = access(cx, backend);
    let share = access.map(|access| access == MemoryAccess::Shared);
    let mut props = Props::new();
    let (kind, stable_name) = if matches!(backend.module, Some(MemoryKind::SgxEpc { .. })) {
        ("memory-backend-epc", false)
    } else if backend.path().is_none() && backing.source == Some(MemorySource::Memfd) {
        if !cx.caps.has(Cap::MemoryBackendMemfd) {
            return Err(unsupported("this qemu doesn't support the memory-backend-memfd object"));
        }
        if huge {
            props = props.bool("hugetlb", true).u64("hugetlbsize", pages.size << 10);
        }
        props = props.opt_bool("share", share);
        ("memory-backend-memfd", true)
    } else if huge
        || backend.path().is_some()
        || access.is_some()
        || backing.source == Some(MemorySource::File)
    {
        let path = match backend.path() {
            Some(path) => path.into(),
            None if huge => hugepage_path(cx, pages.size)?,
            None => {
                let dir = cx.config.memory_backing_dir().join("libvirt/qemu").join(short_name(cx.domain));
                need_directory(cx, dir.clone());
                dir.join(backend.file.as_ref().unwrap_or(&backend.id))
            }
        };
        props = props.str("mem-path", path.to_string_lossy());
        if backend.path().is_none() {
            props = props.opt_bool("discard-data", discard(cx, backend));
        }
        props = props.opt_bool("share", share);
        ("memory-backend-file", true)
    } else {
        ("memory-backend-ram", false)
    };
    if backend.system && stable_name {
        props = props.bool("x-use-canonical-path-for-ramblock-id", false);
    }
    let elastic = matches!(backend.module, Some(MemoryKind::VirtioMem { .. }));
    let prealloc = !elastic && !cx.preallocates && preallocates(cx, backend)?;
    if elastic {
        // The device itself allocates what the guest has of it.
        let never = cx.preallocates && !cx.caps.has(Cap::VirtioMemPciPrealloc);
        let reserve = cx.caps.has(Cap::MemoryBackendReserve).then_some(false);
        props = props.opt_bool("prealloc", never.then_some(false)).opt_bool("reserve", reserve);
    } else {
        let threads = Some(backing.allocation_threads).filter(|threads| *threads > 0 && !cx.preallocates);
        props = props.opt_bool("prealloc", prealloc.then_some(true)).opt_u64("prealloc-threads", threads);
    }
    props = props.u64("size", backend.size << 10);
    if let Some(MemoryKind::Nvdimm { align, pmem, .. }) = backend.module {
        props = props.opt_u64("align", Some(align << 10).filter(|align| *align > 0));
        if pmem && !cx.caps.has(Cap::MemoryBackendFilePmem) {
            return Err(unsupported("nvdimm pmem property is not available with this QEMU binary"));
        }
        props = props.opt_bool("pmem", pmem.then_some(true));
    }
    let nodes = host_nodes(cx, backend)?;
    let mode = cx.domain.numatune.mode(backend.node).unwrap_or_default();
    if let Some(nodes) = nodes.as_ref().filter(|_| mode != NumaMemMode::Restrictive) {
        let policy = match mode {
            NumaMemMode::Strict | NumaMemMode::Restrictive => "bind",
            NumaMemMode::Preferred => "preferred",
            NumaMemMode::Interleave => "interleave",
        };
        props = props.value("host-nodes", numbers(nodes)).str("policy", policy);
    }
    let mut parts = Vec::new();
    if let Some(nodes) = nodes.filter(|_| prealloc && cx.caps.has(Cap::ThreadContext)) {
        let context = format!("tc-{}", backend.id);
        parts.push(Part::Object(
            Props::new()
                .str("qom-type", "thread-context")
                .str("id", context.as_str())
                .value("node-affinity", numbers(&nodes)),
        ));
        props = props.str("prealloc-context", context);
    }
    let head = Props::new().str("qom-type", kind).str("id", backend.id.as_str());
    parts.push(Part::Object(head.extend(props)));
    Ok(parts)
}

fn host_nodes(cx: &PlanContext<'_>, backend: &Backend) -> Result<Option<Bitmap>> {
    if backend.host_nodes().is_none() && cx.domain.numatune.is_placed_automatically() {
        return Err(internal("Advice from numad is needed in case of automatic numa placement"));
    }
    let nodes = backend.host_nodes().or_else(|| cx.domain.numatune.nodeset(backend.node));
    if let Some(missing) =
        nodes.into_iter().flat_map(Bitmap::iter).find(|node| !cx.host.numa_nodes.contains(node))
    {
        return Err(unsupported(format!("NUMA node {missing} is unavailable")));
    }
    Ok(nodes.cloned())
}

fn numbers(set: &Bitmap) -> Value {
    Value::Array(set.iter().map(Value::from).collect())
}
