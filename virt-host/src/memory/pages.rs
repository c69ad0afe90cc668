//! Pages by size: `virNodeGetFreePages`, `virNodeAllocPages`.

use virt_conf::capabilities::Pages;

use super::{NODE_DIR, free, last_node, node_memory, nodes, total};
use crate::{Error, Result, Root};

/// The kernel's number of the whole host, where one of a cell is expected.
const WHOLE_HOST: i32 = -1;

/// Size of an ordinary page, in KiB.
fn ordinary() -> u64 {
    virt_sys::host::page_size() as u64 / 1024
}

fn pool_dir(node: i32) -> String {
    if node == WHOLE_HOST {
        "/sys/kernel/mm/hugepages".into()
    } else {
        format!("{NODE_DIR}/node{node}/hugepages")
    }
}

/// Sizes of pages that the host has, in KiB.
///
/// # Errors
/// Where the kernel does not tell.
pub fn page_sizes(root: &Root) -> Result<Vec<u64>> {
    Ok(pools(root, WHOLE_HOST)?.into_iter().map(|pages| pages.size).collect())
}

/// The pools of pages of a cell, or of the whole host with -1, the smallest pages first.
///
/// Memory in pools of huge pages is no more there for ordinary ones, whose number is what remains.
pub(crate) fn pools(root: &Root, node: i32) -> Result<Vec<Pages>> {
    let dir = pool_dir(node);
    let mut pools = Vec::new();
    for name in root.names(&dir) {
        let size = name.strip_prefix("hugepages-").and_then(|name| name.strip_suffix("kB"));
        let Some(size) = size.and_then(|size| size.parse().ok()) else { continue };
        pools.push(Pages { size, count: root.number(&format!("{dir}/{name}/nr_hugepages"))?.unwrap_or(0) });
    }
    let huge: u64 = pools.iter().map(|pool: &Pages| pool.size * pool.count).sum();
    let memory = match u32::try_from(node) {
        Ok(node) => node_memory(root, node)?.0,
        Err(_) => total(root)?,
    };
    let size = ordinary();
    pools.push(Pages { size, count: (memory / 1024).saturating_sub(huge) / size });
    pools.sort_unstable_by_key(|pool| pool.size);
    Ok(pools)
}

/// The cells from `start` on that are asked for.
fn cells(root: &Root, start: i32, count: u32) -> Result<std::ops::RangeInclusive<i32>> {
    let last = last_node(root);
    let range_error = || Error::StartCell { start, last };
    let last_cell = i32::try_from(last).map_err(|_| range_error())?;
    // A kernel without cells answers for the whole.
    let start = if nodes(root).is_empty() && start == 0 && count == 1 { WHOLE_HOST } else { start };
    if start > last_cell || start < WHOLE_HOST {
        return Err(range_error());
    }
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    Ok(start..=last_cell.min(start.saturating_add(count).saturating_sub(1)))
}

/// The file of a pool of huge pages.
fn pool_file(root: &Root, node: i32, size: u32, name: &str) -> Result<String> {
    let path = format!("{}/hugepages-{size}kB/{name}", pool_dir(node));
    if root.exists(&path) {
        return Ok(path);
    }
    match u32::try_from(node) {
        Ok(cell) if !nodes(root).contains(cell) => Err(Error::CellUnavailable(node)),
        _ => Err(Error::PageSize { size, node }),
    }
}

/// Free pages of each of these sizes (KiB), for each of `count` cells from `start` on; -1 is the whole host.
///
/// # Errors
/// [`Error::StartCell`], [`Error::PageSize`], [`Error::CellUnavailable`], [`Error::NoCells`]; where the kernel does not
/// tell.
pub fn free_pages(root: &Root, sizes: &[u32], start: i32, count: u32) -> Result<Vec<u64>> {
    let mut counts = Vec::new();
    for node in cells(root, start, count)? {
        for size in sizes {
            counts.push(if u64::from(*size) == ordinary() {
                let free = match u32::try_from(node) {
                    Ok(node) => node_memory(root, node)?.1,
                    Err(_) => free(root)?,
                };
                free / 1024 / ordinary()
            } else {
                root.required_number(&pool_file(root, node, *size, "free_hugepages")?)?
            });
        }
    }
    if counts.is_empty() { Err(Error::NoCells) } else { Ok(counts) }
}

/// Makes the pools of pages of these sizes (KiB) so large, or by so much larger, in each of `count` cells from `start` on;
/// answers how many pools that were.
///
/// # Errors
/// [`Error::SystemPages`] for ordinary pages, [`Error::PagesLeft`] where the kernel has not the memory for them; else as
/// [`free_pages`].
pub fn allocate(root: &Root, pages: &[(u32, u64)], start: i32, count: u32, add: bool) -> Result<u32> {
    let mut done = 0;
    for node in cells(root, start, count)? {
        for (size, wanted) in pages {
            resize(root, node, *size, *wanted, add)?;
            done += 1;
        }
    }
    Ok(done)
}

fn resize(root: &Root, node: i32, size: u32, count: u64, add: bool) -> Result<()> {
    if u64::from(size) == ordinary() {
        return Err(Error::SystemPages);
    }
    let path = pool_file(root, node, size, "nr_hugepages")?;
    let now: u64 = root.required_number(&path)?;
    let wanted = if add { now.saturating_add(count) } else { count };
    if wanted == now {
        return Ok(());
    }
    root.write(&path, &wanted.to_string())?;
    // The kernel takes what it can and does not say that it was less.
    let got = root.required_number(&path)?;
    if got == wanted { Ok(()) } else { Err(Error::PagesLeft { wanted, got }) }
}
