//! The guest's CPU made definite: checked against the host's, completed from it, and given in one of the binary's models.

use virt_conf::capabilities::HostCpu;
use virt_conf::domain::{Cpu, CpuCheck, CpuFallback, CpuMode, Domain, FeaturePolicy, TimerName, VirtType};
use virt_cpu::Description;
use virt_types::{Arch, Result};

use super::PrepareContext;
use crate::caps::Cap;
use crate::caps::emulator::is_native;
use crate::error::unsupported;

/// How far from the host's a guest's clock may be that the host's processors do not scale, in millionths.
const TOLERANCE: u64 = 250;

/// Whether the domain has a CPU: a topology alone is none.
fn has_model(cpu: &Cpu) -> bool {
    cpu.mode != CpuMode::Custom || cpu.model.is_some()
}

/// The clock that the guest's time stamp counter must have, in Hz.
fn wanted_clock(domain: &Domain) -> Option<u64> {
    let timers = domain.clock.timers.iter().filter(|timer| timer.name == TimerName::Tsc);
    timers.map(|timer| timer.frequency).find(|frequency| *frequency > 0)
}

/// Whether preparing the CPU has to know the host's processor, which not every host tells in no time.
#[must_use]
pub fn needs_processor(domain: &Domain) -> bool {
    let checked = |cpu: &Cpu| has_model(cpu) && cpu.check != Some(CpuCheck::None);
    let accelerated = domain.virt_type == VirtType::Kvm && domain.os.arch.is_x86();
    wanted_clock(domain).is_some() || (accelerated && domain.cpu.as_ref().is_some_and(checked))
}

/// Refuses features that no such CPU has, and a clock that the host cannot give.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED`
pub(super) fn check(domain: &Domain, cx: &PrepareContext<'_>) -> Result<()> {
    if let Some(cpu) = &domain.cpu {
        virt_cpu::validate_features(domain.os.arch, cpu)?;
        refuse_unseen(cpu, domain.os.arch, cx)?;
    }
    let Some(wanted) = wanted_clock(domain) else { return Ok(()) };
    let Some(counter) = cx.processor.and_then(|processor| processor.tsc) else { return Ok(()) };
    let tolerance = counter.frequency * TOLERANCE / 1_000_000;
    let (least, most) = (counter.frequency - tolerance, counter.frequency + tolerance);
    if (least..=most).contains(&wanted) || counter.scaling != Some(false) {
        return Ok(());
    }
    let frequency = counter.frequency;
    Err(unsupported(format!(
        "Requested TSC frequency {wanted} Hz is outside tolerance range ([{least}, {most}] Hz) around host frequency \
         {frequency} Hz and TSC scaling is not supported by the host CPU"
    )))
}

/// Whether a guest got what a model specific register shows only newer binaries tell.
fn refuse_unseen(cpu: &Cpu, arch: Arch, cx: &PrepareContext<'_>) -> Result<()> {
    if !arch.is_x86() || cx.caps.has(Cap::CpuUnavailableFeatures) {
        return Ok(());
    }
    let names = cpu.features.iter().map(|feature| feature.name.as_str());
    let unseen: Vec<&str> = names.filter(|name| virt_cpu::x86::is_in_register(name)).collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let list = unseen.join(", ");
    Err(unsupported(format!("Some features cannot be reliably used with this QEMU: {list}")))
}

/// Completes the CPU from the host's, with everything that the accelerator can give.
///
/// # Errors
/// `VIR_ERR_CPU_INCOMPATIBLE` where the host lacks what the guest must have, or has what it must not have;
/// `VIR_ERR_CONFIG_UNSUPPORTED` where the binary has no such mode or model.
pub(super) fn resolve(domain: &mut Domain, cx: &PrepareContext<'_>) -> Result<()> {
    let (arch, host, virt_type) = (domain.os.arch, cx.host.arch, domain.virt_type);
    let Some(cpu) = domain.cpu.as_mut().filter(|cpu| has_model(cpu)) else { return Ok(()) };
    check_mode(cpu.mode, arch, virt_type, cx)?;
    virt_cpu::convert_legacy(host, cpu)?;
    let whole = if cpu.check == Some(CpuCheck::None) { None } else { whole(virt_type, cx) };
    if let Some(whole) = &whole {
        virt_cpu::check_forbidden(cpu, &whole.cpu)?;
    }
    if !cpu.is_host() {
        if cpu.check == Some(CpuCheck::Partial) {
            let guest = Description { host: false, arch: Arch::None, cpu: cpu.clone() };
            virt_cpu::compare(host, whole.as_ref(), &guest, true)?;
        }
        let movable = cx.caps.migratable_host_model(virt_type, host);
        let movable = movable.map(|cpu| Description { host: false, arch: Arch::None, cpu });
        virt_cpu::update(arch, cpu, movable.as_ref())?;
        let models = cx.caps.hypervisor_models(virt_type);
        virt_cpu::translate(arch, cpu, Some(models.as_slice()).filter(|models| !models.is_empty()))?;
        cpu.fallback = CpuFallback::Forbid;
    }
    if arch.is_x86() {
        virt_cpu::drop_host_features(cpu);
        if let Some(known) = cx.caps.cpu_features(virt_type, false) {
            // What QEMU has never heard of it does not give either.
            cpu.features.retain(|feature| {
                !matches!(feature.policy, FeaturePolicy::Disable | FeaturePolicy::Forbid)
                    || known.contains(&feature.name)
            });
        }
    }
    Ok(())
}

/// A host's own CPU is there for guests that it runs itself only.
fn check_mode(mode: CpuMode, arch: Arch, virt_type: VirtType, cx: &PrepareContext<'_>) -> Result<()> {
    let (caps, host) = (cx.caps, cx.host.arch);
    let supported = match mode {
        CpuMode::HostPassthrough => virt_type == VirtType::Kvm && is_native(host, caps.arch),
        CpuMode::HostModel => caps.has_host_model(virt_type, host),
        CpuMode::Maximum | CpuMode::Custom => true,
    };
    if supported {
        return Ok(());
    }
    Err(unsupported(format!(
        "CPU mode '{mode}' for {arch} {virt_type} domain on {host} host is not supported by hypervisor"
    )))
}

/// All that guests can have here: what QEMU offers, and what the processor has besides.
fn whole(virt_type: VirtType, cx: &PrepareContext<'_>) -> Option<Description> {
    let reported = cx.caps.host_model(virt_type, cx.host.arch)?;
    let processor = cx.processor.filter(|_| virt_type == VirtType::Kvm).and_then(of_processor);
    Some(match processor {
        None => Description { host: false, arch: Arch::None, cpu: reported },
        Some(mut processor) => {
            let mut expanded = reported;
            // A model that is not known has nothing to add.
            let _ = virt_cpu::expand(cx.caps.arch, &mut expanded);
            for feature in expanded.features {
                if feature.policy == FeaturePolicy::Require && processor.cpu.feature(&feature.name).is_none()
                {
                    processor.cpu.features.push(feature);
                }
            }
            processor
        }
    })
}

/// The host's processor as comparing takes it; absent where its model is not known.
pub(crate) fn of_processor(processor: &HostCpu) -> Option<Description> {
    processor.model.as_ref()?;
    Description::parse_host(&processor.to_xml()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use virt_conf::ParseFlags;
    use virt_conf::capabilities::TscCounter;
    use virt_types::ErrorCode;

    use super::*;
    use crate::caps::{Accelerated, Capabilities, CpuDefinition, CpuInfo};
    use crate::config::Config;
    use crate::host::Host;

    /// A binary on a host with the features of SandyBridge and a little more.
    fn caps() -> Capabilities {
        let mut expanded = Cpu { model: Some("SandyBridge".to_owned()), ..Cpu::default() };
        virt_cpu::expand(Arch::X86_64, &mut expanded).unwrap();
        let names = expanded.features.iter().map(|feature| feature.name.as_str()).chain(["hypervisor"]);
        let mut features: BTreeMap<String, bool> = names
            .map(|name| (crate::caps::cpu_feature::to_qemu(Arch::X86_64, name).to_owned(), true))
            .collect();
        features.insert("invtsc".to_owned(), false);
        let info = CpuInfo {
            features,
            unavailable: ["avx2".to_owned(), "vmx".to_owned()].into(),
            vendor: Some("GenuineIntel".to_owned()),
            signature: (6, 42, 1),
            ..CpuInfo::default()
        };
        let model = |name: &str| CpuDefinition { name: name.to_owned(), ..CpuDefinition::default() };
        let accelerated = Accelerated {
            cpus: ["qemu64", "Nehalem", "SandyBridge"].map(model).into(),
            cpu: Some(info),
            ..Accelerated::default()
        };
        Capabilities { arch: Arch::X86_64, kvm: Some(accelerated), ..Capabilities::default() }
    }

    fn resolved(cpu: &str, processor: Option<&HostCpu>) -> Result<String> {
        let xml = format!(
            "<domain type='kvm'><name>g</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os>{cpu}</domain>"
        );
        let mut domain = Domain::parse(&xml, ParseFlags::INACTIVE)?;
        let (caps, config) = (caps(), Config::system());
        let host = Host { arch: Arch::X86_64, ..Host::default() };
        let cx = PrepareContext { caps: &caps, config: &config, host: &host, processor };
        check(&domain, &cx)?;
        resolve(&mut domain, &cx)?;
        Ok(domain.cpu.map(|cpu| cpu.to_xml().replace('\n', "").replace("  ", "")).unwrap_or_default())
    }

    #[test]
    fn a_guest_gets_what_the_host_can_give() {
        for (cpu, expected) in [
            (
                "<cpu mode='host-model' check='partial'/>",
                "<cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>SandyBridge</model><vendor>Intel</vendor><feature policy='require' name='hypervisor'/></cpu>",
            ),
            (
                "<cpu check='partial'><model>core2duo</model><feature policy='optional' name='avx2'/><feature policy='disable' name='nonstop_tsc'/></cpu>",
                "unknown CPU feature: nonstop_tsc",
            ),
            (
                "<cpu check='partial'><model fallback='allow'>Westmere</model><feature policy='optional' name='avx2'/></cpu>",
                "<cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>Nehalem</model><feature policy='require' name='aes'/><feature policy='disable' name='avx2'/></cpu>",
            ),
            (
                "<cpu check='partial'><model fallback='forbid'>Westmere</model></cpu>",
                "CPU model Westmere is not supported by hypervisor",
            ),
            (
                "<cpu check='partial'><model>Nehalem</model><feature policy='require' name='avx2'/></cpu>",
                "Host CPU does not provide required features: avx2",
            ),
            (
                "<cpu check='partial'><model>Nehalem</model><feature policy='forbid' name='invtsc'/></cpu>",
                "Host CPU provides forbidden feature 'invtsc'",
            ),
            (
                "<cpu check='none'><model>Nehalem</model><feature policy='disable' name='clzero'/><feature policy='disable' name='vmx'/></cpu>",
                "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>Nehalem</model><feature policy='disable' name='vmx'/></cpu>",
            ),
            ("<cpu mode='host-passthrough'/>", "<cpu mode='host-passthrough'/>"),
        ] {
            let answer = resolved(cpu, None).unwrap_or_else(|error| error.detail().to_owned());
            assert_eq!(answer, expected, "{cpu}");
        }
        let error = resolved("<cpu check='partial'><model>Haswell</model></cpu>", None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::CpuIncompatible);
    }

    #[test]
    fn the_processor_counts_beside_what_qemu_tells() {
        let processor = HostCpu {
            arch: Arch::X86_64,
            model: Some("Haswell".to_owned()),
            vendor: Some("Intel".to_owned()),
            tsc: Some(TscCounter { frequency: 2_000_000_000, scaling: Some(false) }),
            ..HostCpu::default()
        };
        let haswell = "<cpu check='partial'><model fallback='allow'>Haswell</model></cpu>";
        assert!(resolved(haswell, None).is_err());
        assert!(resolved(haswell, Some(&processor)).unwrap().contains(">SandyBridge<"));

        let clock = |hertz| format!("<clock><timer name='tsc' frequency='{hertz}'/></clock>");
        assert!(resolved(&clock(2_000_400_000), Some(&processor)).is_ok());
        assert!(resolved(&clock(2_000_400_000), None).is_ok());
        let error = resolved(&clock(2_100_000_000), Some(&processor)).unwrap_err();
        assert!(error.detail().contains("([1999500000, 2000500000] Hz) around host"), "{error}");
    }
}
