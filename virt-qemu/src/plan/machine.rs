//! `-machine`, `-accel` and the properties of the chipset.

use virt_conf::domain::{CpuMode, Domain, GicVersion, IoapicDriver, LaunchSecurity, TimerName, VirtType};
use virt_types::{Arch, Result};

use super::{PlanContext, firmware};
use crate::caps::Cap;
use crate::device;
use crate::error::unsupported;
use crate::machine;

/// `-machine` with all that it carries.
pub(super) fn machine(cx: &mut PlanContext<'_>) -> Result<()> {
    let mut options = vec![cx.domain.os.machine.clone().unwrap_or_default(), "usb=off".to_owned()];
    key_wrapping(cx.domain, &mut options)?;
    features(cx, &mut options)?;
    options.extend(device_options(cx, "iommu")?);
    memory(cx, &mut options)?;
    if let Some(cpu) = &cx.domain.cpu
        && let Some(model) = &cpu.model
        && cpu.mode == CpuMode::HostModel
        && machine::is_pseries(cx.domain)
    {
        options.push(format!("max-cpu-compat={model}"));
    }
    options.extend(loadparm(cx.domain).map(|loadparm| format!("loadparm={loadparm}")));
    if cx.domain.launch_security.is_some() {
        options.push("confidential-guest-support=lsec0".to_owned());
    }
    options.extend(firmware::machine_options(cx.domain));
    if cx.domain.numa.has_hmat() {
        options.push("hmat=on".to_owned());
    }
    // On x86 this sends the firmware's output to the serial port.
    if cx.domain.os.bios.useserial == Some(true) {
        options.push("graphics=off".to_owned());
    }
    if cx.caps.has(Cap::MachineHpet)
        && let Some(present) = cx.domain.clock.timer(TimerName::Hpet).and_then(|timer| timer.present)
    {
        options.push(format!("hpet={}", on_off(present)));
    }
    options.extend(device_options(cx, "sound")?);
    if cx.machine_type().and_then(|machine| machine.acpi) == Some(true) {
        options.push(format!("acpi={}", on_off(cx.domain.features.acpi)));
    }
    cx.option("-machine", options.join(","));
    Ok(())
}

pub(super) const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What devices of a kind add to the machine, each thing once.
fn device_options(cx: &PlanContext<'_>, element: &str) -> Result<Vec<String>> {
    let mut options: Vec<String> = Vec::new();
    for device in cx.domain.devices.iter().filter(|device| device.kind().element() == element) {
        let option = device::machine_option(device, cx)?;
        options.extend(option.filter(|option| !options.contains(option)));
    }
    Ok(options)
}

fn key_wrapping(domain: &Domain, options: &mut Vec<String>) -> Result<()> {
    let Some(keywrap) = &domain.keywrap else { return Ok(()) };
    if !domain.os.arch.is_s390() {
        let detail = "'aes-key-wrap'/'dea-key-wrap' is not available on this architecture";
        return Err(unsupported(detail));
    }
    options.extend(keywrap.aes.map(|on| format!("aes-key-wrap={}", on_off(on))));
    options.extend(keywrap.dea.map(|on| format!("dea-key-wrap={}", on_off(on))));
    Ok(())
}

fn features(cx: &PlanContext<'_>, options: &mut Vec<String>) -> Result<()> {
    let features = &cx.domain.features;
    let mut switch = |name: &str, state: Option<bool>| {
        options.extend(state.map(|on| format!("{name}={}", on_off(on))));
    };
    switch("vmport", features.vmport);
    switch("smm", features.smm.map(|smm| smm.state));
    if let Some(version) = features.gic.and_then(|gic| gic.version) {
        // Where the version can not be chosen it is 2.
        let choosable = cx.caps.arch == Arch::Aarch64;
        if choosable {
            options.push(format!("gic-version={version}"));
        } else if version != GicVersion::V2 {
            return Err(unsupported("gic-version option is not available with this QEMU binary"));
        }
    }
    options.extend(features.ioapic.map(|driver| match driver {
        IoapicDriver::Qemu => "kernel_irqchip=split".to_owned(),
        IoapicDriver::Kvm => "kernel_irqchip=on".to_owned(),
    }));
    if let Some(hpt) = features.hpt {
        options.extend(hpt.resizing.map(|resizing| format!("resize-hpt={resizing}")));
        if hpt.maxpagesize > 0 {
            options.push(format!("cap-hpt-max-page-size={}k", hpt.maxpagesize));
        }
    }
    let mut switch = |name: &str, state: Option<bool>| {
        options.extend(state.map(|on| format!("{name}={}", on_off(on))));
    };
    switch("cap-htm", features.htm);
    switch("cap-nested-hv", features.nested_hv);
    switch("cap-ccf-assist", features.ccf_assist);
    options.extend(features.cfpc.map(|value| format!("cap-cfpc={value}")));
    options.extend(features.sbbc.map(|value| format!("cap-sbbc={value}")));
    options.extend(features.ibs.map(|value| format!("cap-ibs={value}")));
    Ok(())
}

fn memory(cx: &PlanContext<'_>, options: &mut Vec<String>) -> Result<()> {
    let dump = cx.domain.memory.dump_core.unwrap_or(cx.config.dump_guest_core);
    options.push(format!("dump-guest-core={}", on_off(dump)));
    if cx.domain.memory_backing.nosharepages {
        options.push("mem-merge=off".to_owned());
    }
    options.extend(device_options(cx, "memory")?);
    if cx.domain.numa.cells.is_empty()
        && let Some(id) = cx.default_ram_id()
    {
        options.push(format!("memory-backend={id}"));
    }
    Ok(())
}

/// The parameter of the s390 boot loader, from the first boot device.
fn loadparm(domain: &Domain) -> Option<&str> {
    if !domain.os.arch.is_s390() {
        return None;
    }
    ["disk", "interface", "hostdev"].into_iter().find_map(|element| {
        let mut devices = domain.devices.iter().filter(|device| device.kind().element() == element);
        devices.find_map(|device| {
            let info = device.info().filter(|info| info.effective_boot_order == Some(1))?;
            info.loadparm.as_deref()
        })
    })
}

/// `-accel` and the size of the memory of system management mode.
pub(super) fn accelerator(cx: &mut PlanContext<'_>) {
    let domain = cx.domain;
    let accel = match domain.virt_type {
        VirtType::Qemu => match domain.features.tcg {
            Some(kib) => format!("tcg,tb-size={}", kib >> 10),
            None => "tcg".to_owned(),
        },
        VirtType::Kvm => {
            let ring = domain.features.kvm.as_ref().and_then(|kvm| kvm.dirty_ring);
            match ring.filter(|ring| ring.state) {
                Some(ring) => format!("kvm,dirty-ring-size={}", ring.size),
                None => "kvm".to_owned(),
            }
        }
        other => other.to_string(),
    };
    cx.option("-accel", accel);
    if let Some(tseg) = domain.features.smm.and_then(|smm| smm.tseg) {
        cx.option("-global", format!("mch.extended-tseg-mbytes={}", tseg >> 20));
    }
}

/// The object that keeps a guest's memory from the host.
pub(super) fn launch_security(cx: &mut PlanContext<'_>) -> Result<()> {
    match &cx.domain.launch_security {
        None => Ok(()),
        Some(LaunchSecurity::Sev(_)) => {
            Err(unsupported("SEV launch security is not supported with this QEMU binary"))
        }
        Some(LaunchSecurity::S390Pv) => {
            Err(unsupported("S390 PV launch security is not supported by this host or kernel"))
        }
    }
}
