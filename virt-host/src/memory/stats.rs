//! `virNodeGetMemoryStats`, and the form of the kernel's memory files.

use super::{NODE_DIR, last_node, nodes};
use crate::{Error, Result, Root, only_flags};

/// Names of figures in the kernel's files, and libvirt's.
const FIELDS: &[(&str, &str)] =
    &[("MemTotal", "total"), ("MemFree", "free"), ("Buffers", "buffers"), ("Cached", "cached")];

/// Figures of one cell's memory, or of all together with -1: name and KiB.
///
/// # Errors
/// [`Error::NoCell`]; [`Error::Flags`] for flags, of which there are none; where the kernel does not tell.
pub fn stats(root: &Root, cell: i32, flags: u32) -> Result<Vec<(&'static str, u64)>> {
    only_flags(flags, 0, "virHostMemGetStats")?;
    let cell = u32::try_from(cell).ok();
    let path = match cell {
        // A kernel without cells is one.
        Some(0) if nodes(root).is_empty() => "/proc/meminfo".to_owned(),
        None => "/proc/meminfo".to_owned(),
        Some(cell) => {
            let last = last_node(root);
            if cell > last {
                return Err(Error::NoCell { last });
            }
            format!("{NODE_DIR}/node{cell}/meminfo")
        }
    };
    let text = root.required(&path)?;
    // Of a cell only the first two are told, whatever the kernel has.
    let fields = if path.starts_with(NODE_DIR) { &FIELDS[..2] } else { FIELDS };
    Ok(fields.iter().filter_map(|(key, field)| Some((*field, figure(&text, key)?))).collect())
}

/// `KEY: N kB`, behind `Node N` in the file of a cell.
pub(super) fn figure(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let mut first = words.next()?;
        if first == "Node" {
            first = words.nth(1)?;
        }
        if first.strip_suffix(':')? != key {
            return None;
        }
        words.next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_host_and_of_a_cell() {
        assert_eq!(figure("MemTotal:       24684096 kB\nMemFree: 7 kB\n", "MemFree"), Some(7));
        assert_eq!(figure("\nNode 1 MemTotal:        8386980 kB\n", "MemTotal"), Some(8_386_980));
        assert_eq!(figure("SwapCached: 1 kB", "Cached"), None);
    }
}
