//! The CPU of a guest that does not say which it wants, and how closely it is checked.

use virt_conf::Result;
use virt_conf::domain::{
    Cpu, CpuCheck, CpuFallback, CpuFeature, CpuMatch, CpuMode, Domain, FeaturePolicy, VirtType,
};

use super::QemuPolicy;
use crate::caps::Cap;
use crate::error::{internal, unsupported};

/// Gives the guest the CPU that its machine has by default, so that it does not change with QEMU.
pub(super) fn choose_model(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let chosen = |cpu: &Cpu| cpu.mode != CpuMode::Custom || cpu.model.is_some();
    if domain.cpu.as_ref().is_some_and(chosen) {
        return Ok(());
    }
    let arch = domain.os.arch;
    let emulated = domain.virt_type == VirtType::Qemu;
    // Elsewhere QEMU's answer is about emulation only.
    let known = arch.is_x86() || arch.is_s390() || arch.is_ppc64() || (arch.is_arm() && emulated);
    let machine = domain.os.machine.as_deref().unwrap_or_default();
    let machine = policy.caps.machine(domain.virt_type, machine).filter(|_| known);
    let Some(model) = machine.and_then(|machine| machine.default_cpu.as_deref()) else { return Ok(()) };
    let native_s390 = arch.is_s390() && policy.host.arch.is_s390();
    let cpu = domain.cpu.get_or_insert_default();
    if model == "host" {
        if domain.virt_type != VirtType::Kvm {
            return Err(internal(
                "QEMU reports invalid default CPU model \"host\" for non-kvm domain virt type",
            ));
        }
        cpu.mode = if native_s390 { CpuMode::HostModel } else { CpuMode::HostPassthrough };
        return Ok(());
    }
    // No host may have exactly what QEMU's default model has: it leaves out what is missing.
    cpu.check = Some(CpuCheck::None);
    cpu.mode = CpuMode::Custom;
    cpu.matching = Some(CpuMatch::Exact);
    cpu.fallback = CpuFallback::Forbid;
    cpu.model = Some(model.to_owned());
    Ok(())
}

/// Completes what is said of the CPU.
pub(super) fn complete(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let running = domain.id.is_some();
    let Some(cpu) = &mut domain.cpu else { return Ok(()) };
    require_sve(cpu)?;
    if !running && cpu.mode == CpuMode::HostPassthrough && cpu.migratable.is_none() {
        cpu.migratable = match policy.caps.has(Cap::CpuMigratable) {
            true => Some(true),
            false => domain.os.arch.is_x86().then_some(false),
        };
    }
    if cpu.check.is_none() {
        cpu.check = match cpu.mode {
            CpuMode::HostPassthrough | CpuMode::Maximum => Some(CpuCheck::None),
            CpuMode::HostModel => Some(CpuCheck::Partial),
            // A topology alone is no CPU.
            CpuMode::Custom if cpu.model.is_none() => None,
            CpuMode::Custom if domain.virt_type == VirtType::Qemu => Some(CpuCheck::None),
            CpuMode::Custom => Some(CpuCheck::Partial),
        };
    }
    Ok(())
}

/// A length of SVE vectors asks for SVE.
fn require_sve(cpu: &mut Cpu) -> Result<()> {
    let lengths = cpu.features.iter().any(|feature| feature.name.starts_with("sve") && feature.name != "sve");
    if !lengths {
        return Ok(());
    }
    match cpu.features.iter_mut().find(|feature| feature.name == "sve") {
        Some(sve) if matches!(sve.policy, FeaturePolicy::Disable | FeaturePolicy::Forbid) => {
            Err(unsupported("SVE disabled, but SVE vector lengths provided"))
        }
        Some(sve) => {
            sve.policy = FeaturePolicy::Require;
            Ok(())
        }
        None => {
            cpu.features.push(CpuFeature { name: "sve".to_owned(), policy: FeaturePolicy::Require });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(name: &str, policy: FeaturePolicy) -> CpuFeature {
        CpuFeature { name: name.to_owned(), policy }
    }

    #[test]
    fn vector_lengths_need_sve() {
        let require = FeaturePolicy::Require;
        for (given, expected) in [
            (vec![feature("sve512", require)], Some(vec!["sve512", "sve"])),
            (
                vec![feature("sve", FeaturePolicy::Optional), feature("sve256", require)],
                Some(vec!["sve", "sve256"]),
            ),
            (vec![feature("sve", FeaturePolicy::Disable), feature("sve256", require)], None),
            (vec![feature("sve", FeaturePolicy::Disable)], Some(vec!["sve"])),
        ] {
            let mut cpu = Cpu { features: given, ..Cpu::default() };
            let names = require_sve(&mut cpu)
                .ok()
                .map(|()| cpu.features.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>());
            assert_eq!(names, expected);
        }
    }
}
