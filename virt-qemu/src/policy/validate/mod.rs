//! What QEMU, or this build of it, can not do with a domain as a whole.

pub(super) mod address;
mod cpu;
mod features;
mod firmware;
mod memory;
mod timers;

use virt_conf::Result;
use virt_conf::domain::{Domain, LifecycleAction, OsType, Sysinfo, VirtType};

use super::QemuPolicy;
use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::planner::refuse_virt_type;

/// Checks everything but devices, in libvirt's order.
pub(super) fn domain(domain: &Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let caps = policy.caps;
    emulator(domain, policy)?;
    firmware::acpi(domain, caps)?;
    if domain.memtune.min_guarantee.is_some() {
        return Err(unsupported("Parameter 'min_guarantee' not supported by QEMU."));
    }
    firmware::needs_acpi(domain)?;
    if domain.genid.is_some() && !caps.has(Cap::Vmgenid) {
        return Err(unsupported("this QEMU does not support the 'genid' capability"));
    }
    firmware::serial_output(domain)?;
    lifecycle(domain)?;
    cpu::model(domain, caps)?;
    super::memory::check(domain)?;
    iothreads(domain, caps)?;
    timers::check(domain, caps)?;
    let sleeps = domain.pm.suspend_to_mem.is_some() || domain.pm.suspend_to_disk.is_some();
    if sleeps && !domain.os.arch.is_x86() {
        return Err(unsupported("setting ACPI S3/S4 not supported"));
    }
    firmware::boot(domain)?;
    cpu::topology(domain, caps)?;
    if !domain.cputune.resctrl.is_empty() && domain.virt_type != VirtType::Kvm {
        return Err(unsupported("cachetune is only supported for KVM domains"));
    }
    features::check(domain, caps)?;
    memory::hugepages(domain, caps)?;
    if domain.numa.has_hmat() && !caps.has(Cap::NumaHmat) {
        return Err(unsupported("HMAT is not supported with this QEMU"));
    }
    firmware_blobs(domain)?;
    features::launch_security(domain)
}

fn emulator(domain: &Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let caps = policy.caps;
    let emulator = domain.emulator.as_deref().unwrap_or(&caps.binary);
    let refuse = |what: &str, value: &dyn std::fmt::Display| {
        unsupported(format!("Emulator '{emulator}' does not support {what} '{value}'"))
    };
    if domain.os.os_type != OsType::Hvm {
        return Err(refuse("os type", &domain.os.os_type));
    }
    if !caps.runs(domain.os.arch) {
        return Err(refuse("arch", &domain.os.arch));
    }
    if !caps.supports(domain.virt_type) {
        return Err(refuse_virt_type(emulator, domain.virt_type, policy.host));
    }
    let machine = domain.os.machine.as_deref().unwrap_or_default();
    if caps.machine(domain.virt_type, machine).is_none() {
        let names = caps.machine_names(domain.virt_type);
        return Err(refuse("machine type", &machine).with_nearest(machine, names));
    }
    Ok(())
}

fn lifecycle(domain: &Domain) -> Result<()> {
    let actions = domain.lifecycle;
    for (event, action) in
        [("on_poweroff", actions.poweroff()), ("on_reboot", actions.reboot()), ("on_crash", actions.crash())]
    {
        if action == LifecycleAction::RestartRename {
            let detail = format!("qemu driver doesn't support the 'rename-restart' action for '{event}'");
            return Err(unsupported(detail));
        }
    }
    if (actions.poweroff(), actions.reboot()) == (LifecycleAction::Restart, LifecycleAction::Destroy) {
        let detail =
            "qemu driver doesn't support 'onReboot' set to 'destroy' and 'onPoweroff' set to 'reboot'";
        return Err(unsupported(detail));
    }
    Ok(())
}

fn iothreads(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let threads = domain.iothreads.list.iter().map(|thread| (thread.thread_pool_min, thread.thread_pool_max));
    let default = domain.iothreads.default.map(|thread| (thread.thread_pool_min, thread.thread_pool_max));
    let sized = threads.chain(default).any(|(min, max)| min.is_some() || max.is_some());
    if sized && !caps.has(Cap::IothreadThreadPoolMax) {
        let detail = "thread_pool_min and thread_pool_max is not supported by this QEMU binary";
        return Err(unsupported(detail));
    }
    Ok(())
}

/// Names under `opt/` are the user's, but for those of the firmware and of QEMU.
fn firmware_blobs(domain: &Domain) -> Result<()> {
    let entries = domain.sysinfo.iter().filter_map(|sysinfo| match sysinfo {
        Sysinfo::FwCfg(entries) => Some(entries),
        Sysinfo::Smbios(_) => None,
    });
    for entry in entries.flatten() {
        if !entry.name.starts_with("opt/") {
            return Err(unsupported("Invalid firmware name"));
        }
        if ["opt/ovmf/", "opt/org.qemu/"].iter().any(|prefix| entry.name.starts_with(prefix)) {
            return Err(unsupported("That firmware name is reserved"));
        }
    }
    Ok(())
}

/// A refusal that names architecture and machine.
fn not_on_machine(feature: &str, domain: &Domain) -> virt_types::Error {
    let machine = domain.os.machine.as_deref().unwrap_or_default();
    unsupported(format!(
        "{feature} not supported for architecture '{}' or machine type '{machine}'",
        domain.os.arch
    ))
}
