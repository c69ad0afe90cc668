//! Memory by NUMA cell.

use virt_conf::common::Bitmap;

use super::NODE_DIR;
use super::stats::figure;
use crate::{Error, Result, Root};

/// The cells that are there; none in a kernel without NUMA.
#[must_use]
pub fn nodes(root: &Root) -> Bitmap {
    root.numbered(NODE_DIR, "node")
}

/// The highest number of a cell; 0 in a kernel without NUMA.
#[must_use]
pub fn last_node(root: &Root) -> u32 {
    nodes(root).iter().last().unwrap_or(0)
}

/// Memory of a cell and what of it is free, in bytes. A cell without memory has none.
pub(crate) fn node_memory(root: &Root, node: u32) -> Result<(u64, u64)> {
    let text = root.text(&format!("{NODE_DIR}/node{node}/meminfo"))?.unwrap_or_default();
    let bytes = |key| figure(&text, key).unwrap_or(0) * 1024;
    Ok((bytes("MemTotal"), bytes("MemFree")))
}

fn whole(root: &Root, key: &str) -> Result<u64> {
    let nodes = nodes(root);
    if nodes.is_empty() {
        let text = root.required("/proc/meminfo")?;
        return Ok(figure(&text, key).unwrap_or(0) * 1024);
    }
    nodes.iter().try_fold(0, |sum, node| {
        let (total, free) = node_memory(root, node)?;
        Ok(sum + if key == "MemFree" { free } else { total })
    })
}

/// All memory of the host, in bytes.
///
/// # Errors
/// Where the kernel does not tell.
pub fn total(root: &Root) -> Result<u64> {
    whole(root, "MemTotal")
}

/// Free memory of the host, in bytes.
///
/// # Errors
/// Where the kernel does not tell.
pub fn free(root: &Root) -> Result<u64> {
    whole(root, "MemFree")
}

/// Free memory of at most `count` cells from `start` on, in bytes.
///
/// # Errors
/// [`Error::StartCell`]; where the kernel does not tell.
pub fn cells_free(root: &Root, start: i32, count: i32) -> Result<Vec<u64>> {
    let last = last_node(root);
    let first = u32::try_from(start).ok().filter(|first| *first <= last);
    let first = first.ok_or(Error::StartCell { start, last })?;
    if nodes(root).is_empty() {
        return Ok(vec![free(root)?]);
    }
    let count = u32::try_from(count).unwrap_or(0);
    let cells = first..=last.min(first.saturating_add(count).saturating_sub(1));
    cells.take(count as usize).map(|node| Ok(node_memory(root, node)?.1)).collect()
}
