//! Memory that QEMU can not give.

use virt_conf::Result;
use virt_conf::domain::{Domain, MemoryAccess, MemoryAllocation, MemorySource};

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;

/// The host's own page size in KiB.
const SYSTEM_PAGE: u64 = 4;

pub(super) fn hugepages(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let backing = &domain.memory_backing;
    let Some(first) = backing.hugepages.first() else { return Ok(()) };
    if backing.allocation == Some(MemoryAllocation::Ondemand) {
        return Err(unsupported("hugepages are not allowed with memory allocation ondemand"));
    }
    if backing.allocation_threads > 0 && !caps.has(Cap::MemoryBackendPreallocThreads) {
        return Err(unsupported("preallocation threads are unsupported with this QEMU"));
    }
    match backing.source {
        Some(MemorySource::Anonymous) => {
            return Err(unsupported("hugepages are not allowed with anonymous memory source"));
        }
        Some(MemorySource::Memfd) if !caps.has(Cap::MemoryBackendMemfdHugetlb) => {
            return Err(unsupported("hugepages is not supported with memfd memory source"));
        }
        Some(MemorySource::Memfd | MemorySource::File) | None => {}
    }
    let machine = caps.machine(domain.virt_type, domain.os.machine.as_deref().unwrap_or_default());
    let is_object = machine.is_some_and(|machine| machine.default_ram_id.is_some());
    if let Some(access) = backing.access.filter(|access| *access != MemoryAccess::Private)
        && !is_object
        && first.size != SYSTEM_PAGE
        && domain.numa.cells.is_empty()
    {
        let detail = format!("memory access mode '{access}' not supported without guest numa node");
        return Err(unsupported(detail));
    }
    Ok(())
}
