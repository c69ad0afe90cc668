//! NUMA cells.

use virt_conf::capabilities::{Cell, CellCpu};
use virt_conf::domain::{
    CacheAssociativity, CachePolicy, Interconnect, InterconnectKind, Interconnects, LatencyKind, NumaCache,
};
use virt_types::Arch;

use crate::cpu::{self, Place};
use crate::memory::{self, NODE_DIR, node_memory, nodes, pools};
use crate::{Error, Result, Root};

/// The cells of the host. A kernel without NUMA has one, of which only CPUs and memory are told.
///
/// # Errors
/// Where the kernel's files are not as they should be.
pub fn cells(root: &Root, arch: Arch) -> Result<Vec<Cell>> {
    let nodes = nodes(root);
    if nodes.is_empty() {
        return Ok(vec![only_cell(root, arch)?]);
    }
    let ids: Vec<u32> = nodes.iter().collect();
    ids.iter().map(|id| cell(root, *id, &ids)).collect()
}

fn cell(root: &Root, id: u32, ids: &[u32]) -> Result<Cell> {
    let dir = format!("{NODE_DIR}/node{id}");
    let cpus = root.set(&format!("{dir}/cpulist"))?.unwrap_or_default();
    let distances = root.text(&format!("{dir}/distance"))?.unwrap_or_default();
    let distances = distances.split_ascii_whitespace().map_while(|word| word.parse().ok());
    Ok(Cell {
        id,
        memory: node_memory(root, id)?.0 / 1024,
        pages: pools(root, i32::try_from(id).unwrap_or(i32::MAX))?,
        distances: ids.iter().copied().zip(distances).filter(|(_, distance)| *distance > 0).collect(),
        caches: memory_caches(root, &dir)?,
        cpus: cpus.iter().map(|cpu| place(root, cpu)).collect::<Result<_>>()?,
    })
}

fn place(root: &Root, id: u32) -> Result<CellCpu> {
    let Place { socket, die, core, siblings } = Place::of(root, id)?;
    Ok(CellCpu { id, socket, die, core, siblings: Some(siblings) })
}

fn only_cell(root: &Root, arch: Arch) -> Result<Cell> {
    let info = cpu::info(root, arch)?;
    let online = cpu::online(root)?;
    let mut cpus = Vec::new();
    let mut first = 0;
    for socket in 0..info.sockets {
        for core in 0..info.cores {
            let threads = first..first + info.threads;
            first = threads.end;
            for id in threads.clone().filter(|id| online.contains(*id)) {
                cpus.push(CellCpu { id, socket, die: 0, core, siblings: Some(threads.clone().collect()) });
            }
        }
    }
    Ok(Cell { memory: memory::total(root)? / 1024, cpus, ..Cell::default() })
}

/// Caches in front of a cell's memory (Linux' Documentation/admin-guide/mm/numaperf.rst).
fn memory_caches(root: &Root, dir: &str) -> Result<Vec<NumaCache>> {
    let dir = format!("{dir}/memory_side_cache");
    let read = |level: u32| {
        let file = |name: &str| format!("{dir}/index{level}/{name}");
        let wrong = |name: &str, value: u32| Error::Parse { path: file(name), text: value.to_string() };
        let size: u64 = root.required_number(&file("size"))?;
        Ok(NumaCache {
            level,
            size: size / 1024,
            line: root.required_number(&file("line_size"))?,
            associativity: match root.required_number(&file("indexing"))? {
                0 => CacheAssociativity::Direct,
                1 => CacheAssociativity::Full,
                2 => CacheAssociativity::None,
                other => return Err(wrong("indexing", other)),
            },
            policy: match root.required_number(&file("write_policy"))? {
                0 => CachePolicy::Writeback,
                1 => CachePolicy::Writethrough,
                2 => CachePolicy::None,
                other => return Err(wrong("write_policy", other)),
            },
        })
    };
    root.numbered(&dir, "index").iter().map(read).collect()
}

/// How fast the cells with processors reach each cell's memory; latencies first.
///
/// # Errors
/// Where the kernel's files are not as they should be.
pub fn interconnects(root: &Root) -> Result<Interconnects> {
    let mut found = Vec::new();
    for target in nodes(root).iter() {
        // The best of the cells that have processors; `access0` counts devices too.
        let dir = format!("{NODE_DIR}/node{target}/access1/initiators");
        if !root.exists(&dir) {
            continue;
        }
        for (kind, access, file, scale) in [
            (InterconnectKind::Bandwidth, LatencyKind::Read, "read_bandwidth", 1024),
            (InterconnectKind::Bandwidth, LatencyKind::Write, "write_bandwidth", 1024),
            (InterconnectKind::Latency, LatencyKind::Read, "read_latency", 1),
            (InterconnectKind::Latency, LatencyKind::Write, "write_latency", 1),
        ] {
            let value = root.required_number::<u64>(&format!("{dir}/{file}"))? * scale;
            for initiator in root.numbered(&dir, "node").iter() {
                found.push(Interconnect { kind, initiator, target, cache: 0, access, value });
            }
        }
    }
    let latency = |link: &Interconnect| link.kind == InterconnectKind::Latency;
    found.sort_by_key(|link| (!latency(link), link.initiator, link.target, link.access));
    Ok(Interconnects(found))
}
