//! Room for the domain's memory modules.

use virt_conf::Result;
use virt_conf::domain::Domain;
use virt_conf::domain::device::MemoryModel;

use crate::device::memory::check_place;
use crate::error::unsupported;

/// Refuses modules for which the domain has no room.
pub(super) fn check(domain: &Domain) -> Result<()> {
    let modules = &domain.devices.memories;
    let nodes = !domain.numa.cells.is_empty();
    if !domain.memory.has_hotplug() {
        if modules.is_empty() {
            return Ok(());
        }
        return Err(unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined"));
    }
    // QEMU would make a node by itself, which nobody asked for.
    if !nodes && !domain.os.arch.is_ppc64() {
        return Err(unsupported("At least one numa node has to be configured when enabling memory hotplug"));
    }
    for module in modules {
        check_place(module, domain.memory.slots)?;
        let on_node = !matches!(module.model(), MemoryModel::VirtioPmem | MemoryModel::SgxEpc);
        if on_node && nodes && module.node.is_none() {
            return Err(unsupported("target NUMA node needs to be specified for memory device"));
        }
    }
    let in_slots =
        modules.iter().filter(|module| matches!(module.model(), MemoryModel::Dimm | MemoryModel::Nvdimm));
    let (needed, slots) = (in_slots.count(), domain.memory.slots);
    if needed > slots as usize {
        return Err(unsupported(format!(
            "count of memory devices requiring memory slots '{needed}' exceeds slots count '{slots}'"
        )));
    }
    let wanted: u64 = modules.iter().map(|module| module.size).sum();
    if wanted > domain.memory.max.saturating_sub(domain.initial_memory()) {
        return Err(unsupported("memory device total size exceeds hotplug space"));
    }
    Ok(())
}
