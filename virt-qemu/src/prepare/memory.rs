//! Sizes of memory that QEMU accepts.

use virt_conf::domain::Domain;
use virt_types::Result;

use crate::device::memory::{POWER_ALIGN, align_on_power};

/// What memory is aligned to, KiB.
const ALIGN: u64 = 1024;
/// What memory modules are aligned to, KiB.
const MODULE_ALIGN: u64 = 2048;

/// Rounds the sizes of nodes, of all memory, and of modules up to what QEMU accepts.
///
/// # Errors
/// For a module of a POWER guest that is too small.
pub(super) fn align(domain: &mut Domain) -> Result<()> {
    let power = domain.os.arch.is_ppc64();
    let align = if power { POWER_ALIGN } else { ALIGN };
    let initial = domain.initial_memory().next_multiple_of(align);
    for cell in &mut domain.numa.cells {
        cell.memory = cell.memory.next_multiple_of(align);
    }
    let nodes: u64 = domain.numa.cells.iter().map(|cell| cell.memory).sum();
    domain.memory.max = domain.memory.max.next_multiple_of(align);
    let mut modules = 0;
    for module in &mut domain.devices.memories {
        if power {
            align_on_power(module)?;
        } else {
            module.size = module.size.next_multiple_of(MODULE_ALIGN);
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
