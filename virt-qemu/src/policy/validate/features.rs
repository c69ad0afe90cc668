//! Features that QEMU can not give.

use virt_conf::Result;
use virt_conf::domain::{Domain, LaunchSecurity, VirtType};

use super::not_on_machine;
use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;

pub(super) fn check(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let features = &domain.features;
    let arch = domain.os.arch;
    let feature = |name: &str| not_on_machine(&format!("The '{name}' feature is"), domain);
    if features.apic.is_some_and(|apic| apic.eoi.is_some()) && !arch.is_x86() {
        return Err(not_on_machine("The 'eoi' attribute of the 'apic' feature is", domain));
    }
    if features.hyperv.is_some() && !arch.is_x86() && !machine::is_arm_virt(domain) {
        return Err(not_on_machine("Hyperv features are", domain));
    }
    if features.pvspinlock.is_some() && !arch.is_x86() {
        return Err(feature("pvspinlock"));
    }
    if features.pmu == Some(false) && arch.is_ppc64() {
        return Err(unsupported(format!("PMU is always enabled for architecture '{arch}'")));
    }
    if features.vmport.is_some() && !has_vmport(domain, caps) {
        return Err(unsupported("vmport is not available with this QEMU binary"));
    }
    if features.gic.is_some() && !machine::is_arm_virt(domain) {
        return Err(feature("gic"));
    }
    if features.ioapic.is_some() && !arch.is_x86() {
        return Err(feature("ioapic"));
    }
    if features.vmcoreinfo == Some(true) && !caps.has(Cap::Vmcoreinfo) {
        return Err(unsupported("vmcoreinfo is not available with this QEMU binary"));
    }
    for (name, given) in [
        ("hpt", features.hpt.is_some()),
        ("htm", features.htm.is_some()),
        ("nested-hv", features.nested_hv.is_some()),
        ("ccf-assist", features.ccf_assist.is_some()),
        ("cfpc", features.cfpc.is_some()),
        ("sbbc", features.sbbc.is_some()),
        ("ibs", features.ibs.is_some()),
    ] {
        if given && !machine::is_pseries(domain) {
            return Err(feature(name));
        }
    }
    if let Some(kib) = features.tcg {
        if domain.virt_type != VirtType::Qemu {
            let detail = format!("TCG features are incompatible with domain type '{}'", domain.virt_type);
            return Err(unsupported(detail));
        }
        if kib % 1024 != 0 {
            return Err(unsupported("tb-cache size must be an integer multiple of MiB"));
        }
    }
    if features.async_teardown == Some(true) && !caps.has(Cap::AsyncTeardown) {
        return Err(unsupported("asynchronous teardown is not available with this QEMU binary"));
    }
    Ok(())
}

fn has_vmport(domain: &Domain, caps: &Capabilities) -> bool {
    let board = machine::is_i440fx(domain)
        || machine::is_q35(domain)
        || domain.os.machine.as_deref() == Some("isapc");
    caps.has(Cap::Vmport) && board
}

/// Nothing yet finds out whether a host can keep a guest's memory from itself.
pub(super) fn launch_security(domain: &Domain) -> Result<()> {
    match &domain.launch_security {
        None => Ok(()),
        Some(LaunchSecurity::Sev(_)) => {
            Err(unsupported("SEV launch security is not supported with this QEMU binary"))
        }
        Some(LaunchSecurity::S390Pv) => {
            Err(unsupported("S390 PV launch security is not supported with this QEMU binary"))
        }
    }
}
