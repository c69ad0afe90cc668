//! `-m`, the objects behind the guest's memory, and its NUMA nodes.

use virt_conf::common::Bitmap;
use virt_conf::domain::{
    CacheAssociativity, CachePolicy, Domain, Interconnect, InterconnectKind, MemorySource, NumaCache,
    NumaCell,
};
use virt_types::Result;

use super::machine::on_off;
use super::memory_backend::{self, Backend};
use super::{HostNeed, Part, PlanContext, short_name};
use crate::error::unsupported;

/// `-m` and what the memory is made of where the guest has no nodes.
pub(super) fn memory(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let memory = &domain.memory;
    let initial = initial_memory(domain);
    if memory.has_hotplug() {
        let mut words = vec![format!("size={initial}k")];
        if memory.slots > 0 {
            words.push(format!("slots={}", memory.slots));
        }
        if memory.max > 0 {
            words.push(format!("maxmem={}k", align(domain, memory.max)));
        }
        cx.option("-m", words.join(","));
    } else {
        cx.option("-m", (initial >> 10).to_string());
    }
    if domain.numa.cells.is_empty() {
        match cx.default_ram_id().map(str::to_owned) {
            Some(id) => {
                let backend = Backend { system: true, ..Backend::new(id, initial) };
                memory_backend::plan(cx, &backend)?;
            }
            None => memory_path(cx)?,
        }
    }
    cx.option("-overcommit", format!("mem-lock={}", on_off(domain.memory_backing.locked)));
    Ok(())
}

/// The KiB that a guest starts with, without memory devices, as QEMU gets them.
#[must_use]
pub fn initial_memory(domain: &Domain) -> u64 {
    if !domain.numa.cells.is_empty() {
        return domain.numa.cells.iter().map(|cell| align(domain, cell.memory)).sum();
    }
    align(domain, domain.initial_memory())
}

/// A size in KiB, rounded up to what the machine can have.
#[must_use]
pub fn align(domain: &Domain, kib: u64) -> u64 {
    let unit = if domain.os.arch.is_ppc64() { 256 << 10 } else { 1 << 10 };
    kib.next_multiple_of(unit)
}

/// `-mem-path` and `-mem-prealloc`, for machines whose memory is no object.
fn memory_path(cx: &mut PlanContext<'_>) -> Result<()> {
    let backing = &cx.domain.memory_backing;
    let mut prealloc = backing.allocation == Some(virt_conf::domain::MemoryAllocation::Immediate);
    let huge = backing.hugepages.first().filter(|page| page.size != memory_backend::SYSTEM_PAGE);
    let path = match huge {
        Some(page) => {
            prealloc = true;
            Some(memory_backend::hugepage_path(cx, page.size)?)
        }
        None if backing.source == Some(MemorySource::File) => {
            let dir = cx.config.memory_backing_dir().join("libvirt/qemu").join(short_name(cx.domain));
            cx.plan.needs.push(HostNeed::Directory(dir.clone()));
            Some(dir.join("ram"))
        }
        None => None,
    };
    if prealloc && !cx.preallocates {
        cx.part(Part::Flag("-mem-prealloc"));
        cx.preallocates = true;
    }
    if let Some(path) = path {
        cx.option("-mem-path", path.to_string_lossy());
    }
    Ok(())
}

/// `-numa` and the objects behind each node.
pub(super) fn numa(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let numa = &domain.numa;
    if numa.cells.is_empty() {
        return Ok(());
    }
    let hmat = numa.has_hmat();
    let by_size = cx.machine_type().is_some_and(|machine| machine.numa_mem_supported);
    let backends: Vec<Backend> = numa
        .cells
        .iter()
        .zip(0..)
        .map(|(cell, node)| Backend {
            node: Some(node),
            ..Backend::new(format!("ram-node{node}"), align(domain, cell.memory))
        })
        .collect();
    let mut objects = !by_size || hmat;
    for backend in &backends {
        objects |= memory_backend::is_needed(cx, backend)?;
    }
    if !objects {
        memory_path(cx)?;
    }
    let first = numa.cells.iter().position(|cell| cell.cpus.is_some());
    let first = first.ok_or_else(|| unsupported("At least one NUMA node has to have CPUs"))?;
    for (id, (cell, backend)) in numa.cells.iter().zip(&backends).enumerate() {
        if objects {
            memory_backend::plan(cx, backend)?;
        }
        let mut option = format!("node,nodeid={id}{}", node_cpus(cell));
        if hmat {
            option.push_str(&format!(",initiator={}", initiator(domain, id).unwrap_or(first)));
        }
        option.push_str(&if objects {
            format!(",memdev={}", backend.id)
        } else {
            format!(",mem={}", backend.size >> 10)
        });
        cx.option("-numa", option);
    }
    distances(cx);
    if hmat {
        heterogeneous(cx);
    }
    Ok(())
}

fn node_cpus(cell: &NumaCell) -> String {
    let runs = cell.cpus.as_ref().map(Bitmap::runs).unwrap_or_default();
    runs.into_iter()
        .map(
            |(first, last)| {
                if first == last { format!(",cpus={first}") } else { format!(",cpus={first}-{last}") }
            },
        )
        .collect()
}

/// The node that has the best way to this one; itself where it has CPUs.
fn initiator(domain: &Domain, id: usize) -> Option<usize> {
    if domain.numa.cells[id].cpus.is_some() {
        return Some(id);
    }
    let links = || domain.numa.interconnects.0.iter().filter(|link| link.target as usize == id);
    let latency = links().filter(|link| link.kind == InterconnectKind::Latency).min_by_key(|link| link.value);
    let bandwidth = || {
        let links = links().filter(|link| link.kind == InterconnectKind::Bandwidth);
        // Of equals the first one counts.
        links.reduce(|best, link| if link.value > best.value { link } else { best })
    };
    latency.or_else(bandwidth).map(|link| link.initiator as usize)
}

/// Where one distance is given all have to be.
fn distances(cx: &mut PlanContext<'_>) {
    let numa = &cx.domain.numa;
    let cells = numa.cells.len();
    let pairs = || (0..cells).flat_map(move |from| (0..cells).map(move |to| (from, to)));
    if pairs().all(|(from, to)| numa.effective_distance(from, to) == if from == to { 10 } else { 20 }) {
        return;
    }
    for (from, to) in pairs() {
        let value = numa.effective_distance(from, to);
        cx.option("-numa", format!("dist,src={from},dst={to},val={value}"));
    }
}

fn heterogeneous(cx: &mut PlanContext<'_>) {
    let numa = &cx.domain.numa;
    for link in &numa.interconnects.0 {
        cx.option("-numa", link_option(link));
    }
    for (id, cell) in numa.cells.iter().enumerate() {
        for cache in &cell.caches {
            cx.option("-numa", cache_option(id, cache));
        }
    }
}

fn link_option(link: &Interconnect) -> String {
    let hierarchy = match link.cache {
        0 => "memory",
        1 => "first-level",
        2 => "second-level",
        _ => "third-level",
    };
    let value = match link.kind {
        InterconnectKind::Latency => format!("latency,latency={}", link.value),
        InterconnectKind::Bandwidth => format!("bandwidth,bandwidth={}K", link.value),
    };
    format!(
        "hmat-lb,initiator={},target={},hierarchy={hierarchy},data-type={}-{value}",
        link.initiator, link.target, link.access
    )
}

fn cache_option(id: usize, cache: &NumaCache) -> String {
    let associativity = match cache.associativity {
        CacheAssociativity::None => "none",
        CacheAssociativity::Direct => "direct",
        CacheAssociativity::Full => "complex",
    };
    let policy = match cache.policy {
        CachePolicy::None => "none",
        CachePolicy::Writeback => "write-back",
        CachePolicy::Writethrough => "write-through",
    };
    let line = if cache.line > 0 { format!(",line={}", cache.line) } else { String::new() };
    format!(
        "hmat-cache,node-id={id},size={}K,level={},associativity={associativity},policy={policy}{line}",
        cache.size, cache.level
    )
}
