//! Sizes of memory that QEMU accepts.

use virt_conf::domain::Domain;
use virt_types::Result;

use crate::device::memory::{POWER_ALIGN, align_on_power};
use crate::error::unsupported;

/// What memory is aligned to, KiB.
const ALIGN: u64 = 1024;
/// What memory modules are aligned to, KiB.
const MODULE_ALIGN: u64 = 2048;

/// The largest size whose bytes fit the numbers of libvirt's interfaces, KiB.
const LIMIT: u64 = i64::MAX as u64 >> 10;

/// Rounds the sizes of nodes, of all memory, and of modules up to what QEMU accepts.
///
/// # Errors
/// For sizes that get too large, and for a module of a POWER guest that is too small.
pub(super) fn align(domain: &mut Domain) -> Result<()> {
    let power = domain.os.arch.is_ppc64();
    let align = if power { POWER_ALIGN } else { ALIGN };
    let initial = domain.initial_memory().next_multiple_of(align);
    let overflow = |what: String| Err(unsupported(format!("{what} overflowed after alignment")));
    for (id, cell) in domain.numa.cells.iter_mut().enumerate() {
        cell.memory = cell.memory.next_multiple_of(align);
        if cell.memory > LIMIT {
            return overflow(format!("memory size of NUMA node '{id}'"));
        }
    }
    let nodes = domain.numa.cells.iter().try_fold(0u64, |sum, cell| sum.checked_add(cell.memory));
    let nodes = nodes.filter(|nodes| *nodes <= LIMIT);
    let Some(nodes) = nodes.filter(|_| initial <= LIMIT) else {
        return overflow("initial memory size".into());
    };
    domain.memory.max = domain.memory.max.next_multiple_of(align);
    if domain.memory.max > LIMIT {
        return overflow("maximum memory size".into());
    }
    let mut modules = 0;
    for (position, module) in domain.devices.memories.iter_mut().enumerate() {
        if power {
            align_on_power(module)?;
        } else {
            module.size = module.size.next_multiple_of(MODULE_ALIGN);
        }
        if module.size > LIMIT {
            return overflow(format!("size of memory module '{position}'"));
        }
        modules += module.size;
    }
    domain.memory.total = modules + if nodes > 0 { nodes } else { initial };
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::NumaCell;
    use virt_conf::domain::device::MemoryDevice;

    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let mut domain = Domain::default();
        domain.memory.total = 5000;
        align(&mut domain).unwrap();
        assert_eq!(domain.memory.total, 5120);
        domain.numa.cells = vec![NumaCell { memory: 1025, ..NumaCell::default() }; 2];
        domain.devices.memories = vec![MemoryDevice { size: 2049, ..MemoryDevice::default() }];
        align(&mut domain).unwrap();
        assert_eq!(domain.memory.total, 2 * 2048 + 4096);
    }
}
