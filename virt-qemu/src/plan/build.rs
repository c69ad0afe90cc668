//! The whole plan, in the order in which libvirt tells QEMU of a guest.

use serde_json::Value;
use virt_conf::domain::{Domain, QemuOverrideKind, QemuProperty};
use virt_types::Result;
use virt_xml::number::{self, Base};

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
    let overridden = overridden(domain, caps);
    let caps = overridden.as_ref().unwrap_or(caps);
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
    override_properties(domain, &mut cx.plan);
    Ok(cx.plan)
}

/// The capabilities as the document wants them taken, where it says so; names that no plan asks for are ignored.
fn overridden(domain: &Domain, caps: &Capabilities) -> Option<Capabilities> {
    let qemu = domain.namespace.qemu()?;
    if qemu.add_capabilities.is_empty() && qemu.del_capabilities.is_empty() {
        return None;
    }
    let known = |name: &String| Cap::TABLE.iter().map(|(cap, _)| *cap).find(|cap| cap.name() == name);
    let mut caps = caps.clone();
    caps.caps.extend(qemu.add_capabilities.iter().filter_map(known));
    for cap in qemu.del_capabilities.iter().filter_map(known) {
        caps.caps.remove(&cap);
    }
    Some(caps)
}

/// Gives devices the properties that the document sets over all else.
fn override_properties(domain: &Domain, plan: &mut Plan) {
    let Some(qemu) = domain.namespace.qemu() else { return };
    for part in &mut plan.parts {
        let Part::Device(props) = part else { continue };
        let id = props.get("id").and_then(Value::as_str);
        let wanted = qemu.overrides.iter().filter(|device| Some(device.alias.as_str()) == id);
        for property in wanted.flat_map(|device| &device.frontend).collect::<Vec<_>>() {
            props.set(&property.name, override_value(property));
        }
    }
}

/// The value of an override; nothing where the property is to go. Reading the document checked the numbers.
fn override_value(property: &QemuProperty) -> Option<Value> {
    let text = property.value.as_deref().unwrap_or_default();
    match property.kind {
        QemuOverrideKind::String => Some(Value::from(text)),
        QemuOverrideKind::Signed => number::parse_i64(text, Base::Ten).map(Value::from),
        QemuOverrideKind::Unsigned => number::parse_u64(text, Base::Ten).map(Value::from),
        QemuOverrideKind::Bool => Some(Value::Bool(text == "true")),
        QemuOverrideKind::Remove => None,
    }
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
    use virt_conf::ParseFlags;
    use virt_conf::domain::DeviceKind;

    use super::*;

    #[test]
    fn a_document_overrides_properties_and_capabilities() {
        let xml = "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>a</name><memory>1</memory><os><type>hvm</type></os>
          <q:capabilities><q:add capability='vmgenid'/><q:del capability='vmcoreinfo'/><q:del capability='x'/></q:capabilities>
          <q:override><q:device alias='d'><q:frontend>
            <q:property name='a' type='signed' value='-1'/><q:property name='b' type='remove'/>
          </q:frontend></q:device></q:override>
        </domain>";
        let domain = Domain::parse(xml, ParseFlags::INACTIVE).unwrap();
        let caps = Capabilities { caps: [Cap::Vmcoreinfo].into(), ..Capabilities::default() };
        assert_eq!(overridden(&domain, &caps).unwrap().caps, [Cap::Vmgenid].into());
        let device = |id: &str| Part::Device(Props::new().str("id", id).str("b", "x").str("a", "y"));
        let mut plan = Plan { parts: vec![device("c"), device("d")], ..Plan::default() };
        override_properties(&domain, &mut plan);
        assert_eq!(
            plan.argv(),
            ["-device", r#"{"id":"c","b":"x","a":"y"}"#, "-device", r#"{"id":"d","a":-1}"#]
        );
    }

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
