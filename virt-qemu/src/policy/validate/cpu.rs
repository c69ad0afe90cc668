//! CPUs that QEMU can not give.

use virt_conf::Result;
use virt_conf::domain::{CacheMode, CpuMode, Domain, MaxPhysAddrMode};

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;

/// With more vCPUs the interrupt controller needs its extended mode.
const MAX_VCPUS_WITHOUT_EIM: u32 = 255;

pub(super) fn model(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let Some(cpu) = &domain.cpu else { return Ok(()) };
    let arch = domain.os.arch;
    if let Some(address) = cpu.maxphysaddr {
        if !arch.is_x86() {
            let what = "CPU maximum physical address bits specification";
            return Err(unsupported(format!("{what} is not supported for '{arch}' architecture")));
        }
        if address.mode == MaxPhysAddrMode::Passthrough && address.bits.is_some() {
            let what = "CPU maximum physical address bits number specification";
            return Err(unsupported(format!("{what} cannot be used with mode='{}'", address.mode)));
        }
    }
    if let Some(cache) = cpu.cache {
        if !arch.is_x86() {
            let detail = format!("CPU cache specification is not supported for '{arch}' architecture");
            return Err(unsupported(detail));
        }
        let mode = cache.mode;
        match mode {
            CacheMode::Emulate if cache.level != Some(3) => {
                return Err(unsupported(format!("CPU cache mode '{mode}' can only be used with level='3'")));
            }
            CacheMode::Passthrough if !cpu.is_host() => {
                let detail = format!(
                    "CPU cache mode '{mode}' can only be used with '{}' / '{}' CPUs",
                    CpuMode::HostPassthrough,
                    CpuMode::Maximum
                );
                return Err(unsupported(detail));
            }
            CacheMode::Passthrough | CacheMode::Disable if cache.level.is_some() => {
                return Err(unsupported(format!("unsupported CPU cache level for mode '{mode}'")));
            }
            CacheMode::Emulate | CacheMode::Passthrough | CacheMode::Disable => {}
        }
    }
    match cpu.mode {
        CpuMode::HostPassthrough if cpu.migratable == Some(true) && !caps.has(Cap::CpuMigratable) => {
            let what = "Migratable attribute for host-passthrough CPU";
            Err(unsupported(format!("{what} is not supported by this QEMU binary")))
        }
        CpuMode::Maximum if !caps.has(Cap::CpuMax) => {
            Err(unsupported("maximum CPU is not supported by QEMU binary"))
        }
        CpuMode::HostPassthrough | CpuMode::Maximum | CpuMode::HostModel | CpuMode::Custom => Ok(()),
    }
}

pub(super) fn topology(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let vcpus = &domain.vcpus;
    if vcpus.online_count() == 0 {
        return Err(unsupported("Domain requires at least 1 vCPU"));
    }
    let machine = caps.machine(domain.virt_type, domain.os.machine.as_deref().unwrap_or_default());
    let limit = machine.map_or(0, |machine| machine.max_cpus);
    if limit > 0 && vcpus.max > limit {
        let detail = format!("Maximum CPUs greater than specified machine type limit {limit}");
        return Err(unsupported(detail));
    }
    if let Some(topology) = domain.cpu.as_ref().and_then(|cpu| cpu.topology) {
        if topology.vcpus() != u64::from(vcpus.max) {
            return Err(unsupported("CPU topology doesn't match maximum vcpu count"));
        }
        // POWER's CPUs are plugged a core at a time.
        if machine::is_pseries(domain) && !vcpus.online_count().is_multiple_of(topology.threads) {
            let detail = format!(
                "vCPUs count must be a multiple of the vCPU hotplug granularity ({})",
                topology.threads
            );
            return Err(unsupported(detail));
        }
    }
    if domain.os.arch.is_x86() && vcpus.max > MAX_VCPUS_WITHOUT_EIM && !machine::is_q35(domain) {
        let detail =
            format!("more than {MAX_VCPUS_WITHOUT_EIM} vCPUs are only supported on q35-based machine types");
        return Err(unsupported(detail));
    }
    Ok(())
}
