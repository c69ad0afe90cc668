//! NUMA cells, shared caches and what the kernel can divide or count of them, and whether there is an IOMMU.

mod cache;
mod cells;
mod resctrl;

use virt_conf::capabilities::{Cache, MemoryBandwidth};

use crate::{Result, Root};

pub use cells::{cells, interconnects};

/// The caches that CPUs share from the third level on, and how memory bandwidth can be bounded.
///
/// # Errors
/// Where the kernel's files are not as they should be.
pub fn caches(root: &Root) -> Result<(Cache, MemoryBandwidth)> {
    let control = resctrl::Resctrl::read(root)?;
    let mut banks = cache::banks(root)?;
    for bank in &mut banks {
        bank.controls = control.controls_of(bank);
    }
    let nodes = control.bandwidth_nodes(&banks);
    let cache = Cache { monitor: control.cache_monitor(), banks };
    Ok((cache, MemoryBandwidth { nodes, monitor: control.bandwidth_monitor() }))
}

/// Whether devices are kept apart in groups, so that they can be handed to guests.
#[must_use]
pub fn has_iommu(root: &Root) -> bool {
    !root.names("/sys/kernel/iommu_groups").is_empty()
}
