//! The whole plan, in the order in which libvirt tells QEMU of a guest.

use virt_conf::domain::Domain;
use virt_types::Result;

use super::{
    Monitor, Part, Plan, PlanContext, Props, cpu, firmware, identity, iothread, machine, memory, monitor,
    power,
};
use crate::caps::{Cap, Capabilities};
use crate::config::Config;
use crate::device::{self, controller, disk, hostdev};
use crate::host::Host;

/// A step of a plan.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The devices of this element.
    Devices(&'static str),
    /// Something else.
    Do(fn(&mut PlanContext<'_>) -> Result<()>),
}

use Step::{Devices, Do};

/// All steps. Guests depend on their order: ids that QEMU gives itself follow it.
const ORDER: &[Step] = &[
    Do(start),
    Devices("iommu"),
    Do(controller::plan_hole64),
    Do(controller::plan_all),
    Devices("memory"),
    Devices("hub"),
    Do(controller::plan_ccid),
    Do(disk::plan_all),
    Devices("filesystem"),
    Devices("interface"),
    Devices("smartcard"),
    Devices("serial"),
    Devices("parallel"),
    Devices("channel"),
    Devices("console"),
    Devices("tpm"),
    Devices("input"),
    Devices("audio"),
    Devices("graphics"),
    Devices("video"),
    Devices("sound"),
    Devices("watchdog"),
    Devices("redirdev"),
    Do(hostdev::plan_all),
    Devices("memballoon"),
    Devices("rng"),
    Devices("nvram"),
    Do(finish),
    Devices("panic"),
    Devices("shmem"),
    Devices("vsock"),
    Devices("crypto"),
    Do(end),
];

/// Kinds of devices that other steps plan, or that QEMU is not told of.
#[cfg(test)]
const ELSEWHERE: &[&str] = &["controller", "disk", "hostdev", "lease", "redirfilter"];

/// Plans the start of a filled and validated domain.
///
/// # Errors
/// For what shows only now, such as a missing secret.
pub fn build(
    domain: &Domain,
    caps: &Capabilities,
    config: &Config,
    host: &Host,
    monitor: Monitor,
) -> Result<Plan> {
    let mut cx = PlanContext { monitor, ..PlanContext::new(domain, caps, config, host) };
    cx.plan.program = domain.emulator.clone().unwrap_or_else(|| caps.binary.clone());
    for step in ORDER {
        match step {
            Do(plan) => plan(&mut cx)?,
            Devices(element) => {
                for device in domain.devices.iter().filter(|device| device.kind().element() == *element) {
                    let plan = device::plan(device, &mut cx)?;
                    cx.device(plan);
                }
            }
        }
    }
    Ok(cx.plan)
}

/// Everything before the devices.
fn start(cx: &mut PlanContext<'_>) -> Result<()> {
    identity::process(cx);
    disk::plan_managed_reservations(cx);
    firmware::flash_images(cx)?;
    machine::machine(cx)?;
    machine::accelerator(cx);
    cpu::cpu(cx)?;
    firmware::loader(cx);
    memory::memory(cx)?;
    cpu::smp(cx)?;
    iothread::iothreads(cx);
    memory::numa(cx)?;
    identity::identity(cx)?;
    monitor::monitor(cx);
    power::clock(cx)?;
    power::power_management(cx);
    power::boot(cx);
    Ok(())
}

/// What follows the devices that sit on buses.
fn finish(cx: &mut PlanContext<'_>) -> Result<()> {
    if cx.domain.features.vmcoreinfo == Some(true) {
        cx.part(Part::Device(Props::new().str("driver", "vmcoreinfo")));
    }
    machine::launch_security(cx)?;
    if let Some(qemu) = cx.domain.namespace.qemu() {
        for arg in &qemu.args {
            cx.part(Part::Raw(arg.clone()));
        }
        for env in &qemu.env {
            cx.plan.env.push((env.name.clone(), env.value.clone().unwrap_or_default()));
        }
    }
    if cx.caps.has(Cap::SeccompSandbox) {
        let sandbox = match cx.config.seccomp_sandbox {
            Some(false) => "off",
            _ => "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        };
        cx.option("-sandbox", sandbox);
    }
    Ok(())
}

/// The last words.
fn end(cx: &mut PlanContext<'_>) -> Result<()> {
    if let Some(enabled) = cx.domain.features.async_teardown.filter(|_| cx.caps.has(Cap::AsyncTeardown)) {
        cx.option("-run-with", format!("async-teardown={}", machine::on_off(enabled)));
    }
    if cx.config.log_timestamp {
        cx.option("-msg", "timestamp=on");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::DeviceKind;

    use super::*;

    #[test]
    fn every_kind_of_device_has_its_place() {
        for kind in DeviceKind::ALL {
            let element = kind.element();
            let places =
                ORDER.iter().filter(|step| matches!(step, Devices(name) if *name == element)).count()
                    + ELSEWHERE.iter().filter(|name| **name == element).count();
            assert_eq!(places, 1, "{element}");
        }
    }
}
