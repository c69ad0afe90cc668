//! `-cpu` and `-smp`.

use virt_conf::domain::device::PanicModel;
use virt_conf::domain::{
    CacheMode, Cpu, CpuMode, Domain, FeaturePolicy, HypervMode, MaxPhysAddrMode, TimerName, TimerTickpolicy,
};
use virt_types::{Arch, Result};

use super::PlanContext;
use super::machine::on_off;
use crate::caps::Cap;
use crate::caps::cpu_feature;
use crate::error::unsupported;

/// `-cpu`, where there is something to say.
pub(super) fn cpu(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let mut flags = Vec::new();
    timers(domain, &mut flags);
    features(domain, &mut flags);
    if let Some(cpu) = &domain.cpu {
        cache(cpu, &mut flags);
        physical_address(cpu, &mut flags);
    }
    let mut words = match &domain.cpu {
        Some(cpu) if cpu.mode != CpuMode::Custom || cpu.model.is_some() => model(cx, cpu),
        _ => {
            let wide = domain.emulator.as_deref().is_some_and(|emulator| {
                emulator.contains("x86_64") || (cx.host.arch == Arch::X86_64 && emulator.contains("kvm"))
            });
            match domain.os.arch {
                // A 64-bit emulator has a 64-bit CPU unless it is told otherwise.
                Arch::I686 if wide || !flags.is_empty() => vec!["qemu32".to_owned()],
                Arch::X86_64 if !flags.is_empty() => vec!["qemu64".to_owned()],
                _ if flags.is_empty() => return Ok(()),
                arch => {
                    let detail =
                        format!("CPU flags requested but can't determine default CPU for arch {arch}");
                    return Err(unsupported(detail));
                }
            }
        }
    };
    words.append(&mut flags);
    cx.option("-cpu", words.join(","));
    Ok(())
}

/// The model's name and what is said of its features.
fn model(cx: &PlanContext<'_>, cpu: &Cpu) -> Vec<String> {
    let arch = cx.domain.os.arch;
    let mut words = Vec::new();
    match cpu.mode {
        CpuMode::HostPassthrough | CpuMode::Maximum => {
            words.push(if cpu.mode == CpuMode::Maximum { "max" } else { "host" }.to_owned());
            if arch == Arch::Armv7l && cx.host.arch == Arch::Aarch64 {
                words.push("aarch64=off".to_owned());
            }
            if let Some(migratable) = cpu.migratable.filter(|_| cx.caps.has(Cap::CpuMigratable)) {
                words.push(format!("migratable={}", on_off(migratable)));
            }
        }
        // Of other architectures it is a model by now.
        CpuMode::HostModel => words.push("host".to_owned()),
        CpuMode::Custom => words.extend(cpu.model.clone()),
    }
    words.extend(cpu.vendor_id.as_ref().map(|id| format!("vendor={id}")));
    words.extend(cpu.features.iter().filter_map(|feature| {
        let state = match feature.policy {
            FeaturePolicy::Force | FeaturePolicy::Require => "on",
            FeaturePolicy::Disable | FeaturePolicy::Forbid => "off",
            FeaturePolicy::Optional => return None,
        };
        Some(format!("{}={state}", cpu_feature::to_qemu(arch, &feature.name)))
    }));
    words
}

/// Time sources that are features of the CPU.
fn timers(domain: &Domain, flags: &mut Vec<String>) {
    for timer in &domain.clock.timers {
        match timer.name {
            TimerName::Kvmclock => {
                flags.extend(timer.present.map(|present| format!("kvmclock={}", on_off(present))));
            }
            TimerName::Hypervclock if timer.present == Some(true) => flags.push("hv-time=on".to_owned()),
            TimerName::Tsc if timer.frequency > 0 => {
                flags.push(format!("tsc-frequency={}", timer.frequency));
            }
            TimerName::Armvtimer => match timer.tickpolicy {
                Some(TimerTickpolicy::Delay) => flags.push("kvm-no-adjvtime=off".to_owned()),
                Some(TimerTickpolicy::Discard) => flags.push("kvm-no-adjvtime=on".to_owned()),
                Some(TimerTickpolicy::Catchup | TimerTickpolicy::Merge) | None => {}
            },
            TimerName::Hypervclock
            | TimerName::Tsc
            | TimerName::Platform
            | TimerName::Pit
            | TimerName::Rtc
            | TimerName::Hpet => {}
        }
    }
}

fn features(domain: &Domain, flags: &mut Vec<String>) {
    let features = &domain.features;
    flags.extend(features.apic.and_then(|apic| apic.eoi).map(|on| format!("kvm-pv-eoi={}", on_off(on))));
    flags.extend(features.pvspinlock.map(|on| format!("kvm-pv-unhalt={}", on_off(on))));
    if let Some(hyperv) = &features.hyperv {
        if hyperv.mode == HypervMode::Passthrough {
            flags.push("hv-passthrough=on".to_owned());
        }
        for (name, _) in hyperv.states().into_iter().filter(|(_, state)| *state == Some(true)) {
            match name {
                "spinlocks" => flags.push(format!("hv-spinlocks={:#x}", hyperv.spinlock_retries)),
                "vendor_id" => {
                    flags.extend(hyperv.vendor_id_value.as_ref().map(|id| format!("hv-vendor-id={id}")))
                }
                _ => flags.push(format!("hv-{name}=on")),
            }
            if name == "stimer" && hyperv.stimer_direct == Some(true) {
                flags.push("hv-stimer-direct=on".to_owned());
            }
        }
    }
    if domain.devices.panics.iter().any(|panic| panic.model == Some(PanicModel::Hyperv)) {
        flags.push("hv-crash".to_owned());
    }
    if let Some(kvm) = &features.kvm {
        for (state, wanted, flag) in [
            (kvm.hidden, true, "kvm=off"),
            (kvm.hint_dedicated, true, "kvm-hint-dedicated=on"),
            (kvm.poll_control, true, "kvm-poll-control=on"),
            (kvm.pv_ipi, false, "kvm-pv-ipi=off"),
        ] {
            if state == Some(wanted) {
                flags.push(flag.to_owned());
            }
        }
    }
    // POWER has it always, without a switch.
    if let Some(on) = features.pmu.filter(|_| !domain.os.arch.is_ppc64()) {
        flags.push(format!("pmu={}", on_off(on)));
    }
}

fn cache(cpu: &Cpu, flags: &mut Vec<String>) {
    let Some(cache) = cpu.cache else { return };
    let host_off = cpu.is_host().then_some("host-cache-info=off");
    let words = match cache.mode {
        CacheMode::Emulate => [Some("l3-cache=on"), host_off],
        CacheMode::Passthrough => [Some("host-cache-info=on"), Some("l3-cache=off")],
        CacheMode::Disable => [host_off, Some("l3-cache=off")],
    };
    flags.extend(words.into_iter().flatten().map(str::to_owned));
}

fn physical_address(cpu: &Cpu, flags: &mut Vec<String>) {
    let Some(address) = cpu.maxphysaddr else { return };
    match (address.mode, address.bits.filter(|bits| *bits > 0)) {
        (MaxPhysAddrMode::Passthrough, _) => {
            flags.push("host-phys-bits=on".to_owned());
            flags.extend(address.limit.map(|limit| format!("host-phys-bits-limit={limit}")));
        }
        (MaxPhysAddrMode::Emulate, Some(bits)) => flags.push(format!("phys-bits={bits}")),
        (MaxPhysAddrMode::Emulate, None) => flags.push("host-phys-bits=off".to_owned()),
    }
}

/// `-smp`: CPUs that can be unplugged again are added once the guest is there.
pub(super) fn smp(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let vcpus = &domain.vcpus;
    let fixed = match &vcpus.individual {
        None => vcpus.current,
        Some(list) => {
            let fixed = list.values().filter(|vcpu| vcpu.online && vcpu.hotpluggable == Some(false));
            fixed.count() as u32
        }
    };
    let mut words = vec![fixed.to_string()];
    if fixed != vcpus.max {
        words.push(format!("maxcpus={}", vcpus.max));
    }
    match domain.cpu.as_ref().and_then(|cpu| cpu.topology) {
        Some(topology) => {
            words.push(format!("sockets={}", topology.sockets));
            if cx.caps.has(Cap::SmpDies) {
                words.push(format!("dies={}", topology.dies));
            } else if topology.dies != 1 {
                return Err(unsupported("Only 1 die per socket is supported"));
            }
            words.push(format!("cores={},threads={}", topology.cores, topology.threads));
        }
        None => words.push(format!("sockets={},cores=1,threads=1", vcpus.max)),
    }
    cx.option("-smp", words.join(","));
    Ok(())
}
