//! The CPU that a guest really got: compared with what it must have, and noted in its document.

use serde_json::Value;
use virt_conf::domain::{Cpu, CpuCheck, CpuMode, Domain};
use virt_cpu::Description;
use virt_cpu::x86::{CpuData, Leaf, register_features};
use virt_qmp::Call;
use virt_qmp::call::read_reply;
use virt_qmp::command::{QomGet, QueryCpusFast};
use virt_types::{Arch, Result};

use super::monitor::GuestMonitor;
use crate::caps::{Cap, Capabilities, cpu_feature, join_all};
use crate::error::unsupported;

/// Where QEMU keeps the first CPU of a machine that does not plug them.
const FIRST_CPU: &str = "/machine/unattached/device[0]";

/// What guests are given without a property that tells, or what cannot be missing.
const NOT_CHECKED: &[&str] = &["spinlocks", "vendor_id"];
/// What guests do without where the host lacks it.
const NOT_NEEDED: &[&str] = &["relaxed", "vapic"];

/// What the first CPU has.
#[derive(Debug, Default)]
struct Given {
    enabled: CpuData,
    disabled: CpuData,
    /// Names of Hyper-V's properties that are on.
    hyperv: Vec<String>,
}

/// Asks what CPU the guest has, refuses one that lacks what was demanded, and writes it into the live document, which from
/// then on says exactly what there is.
pub(super) async fn settle(monitor: &GuestMonitor, live: &mut Domain, caps: &Capabilities) -> Result<()> {
    let has_model = live.cpu.as_ref().is_some_and(|cpu| cpu.mode != CpuMode::Custom || cpu.model.is_some());
    let wanted = hyperv_properties(live);
    if !live.os.arch.is_x86() || !(has_model || !wanted.is_empty() || live.features.pvspinlock == Some(true))
    {
        return Ok(());
    }
    let given = ask(monitor, live.os.arch, &wanted, caps).await?;
    verify(live, &given)?;
    if has_model { note(live, &given) } else { Ok(()) }
}

/// The properties of Hyper-V that the document switches on and that may be missing.
fn hyperv_properties(live: &Domain) -> Vec<String> {
    let Some(hyperv) = &live.features.hyperv else { return Vec::new() };
    let on = hyperv
        .states()
        .into_iter()
        .filter(|(name, state)| *state == Some(true) && !NOT_CHECKED.contains(name));
    let mut properties: Vec<String> = on.map(|(name, _)| format!("hv-{name}")).collect();
    if hyperv.stimer == Some(true) && hyperv.stimer_direct == Some(true) {
        properties.push("hv-stimer-direct".to_owned());
    }
    properties
}

/// Asks all at once; a property that the binary does not have is off.
async fn ask(monitor: &GuestMonitor, arch: Arch, hyperv: &[String], caps: &Capabilities) -> Result<Given> {
    let cpus = monitor.execute(&QueryCpusFast {}).await?;
    let first = cpus.iter().find(|cpu| cpu.cpu_index == 0).map(|cpu| cpu.qom_path.clone());
    let path = first.filter(|path| !path.is_empty()).unwrap_or_else(|| FIRST_CPU.to_owned());
    let registers: Vec<&str> = match caps.has(Cap::CpuUnavailableFeatures) {
        true => register_features().collect(),
        false => Vec::new(),
    };
    let words = ["feature-words", "unavailable-features"].into_iter();
    let flags = registers.iter().map(|name| cpu_feature::to_qemu(arch, name));
    let properties: Vec<&str> = words.chain(flags).chain(hyperv.iter().map(String::as_str)).collect();
    let mut calls = Vec::with_capacity(properties.len());
    for property in &properties {
        let get = QomGet { path: path.clone(), property: (*property).to_owned() };
        let call = Call::new(&get).map_err(|error| monitor.refused(error))?;
        calls.push(monitor.monitor.call(call, monitor.deadline()));
    }
    let mut given = Given::default();
    for (property, answer) in properties.iter().zip(join_all(calls.into_iter()).await) {
        let value = match answer {
            Ok(raw) => read_reply::<QomGet>(&raw).map_err(|error| monitor.refused(error))?,
            Err(error) if error.command_error().is_some() => Value::Null,
            Err(error) => return Err(monitor.refused(error)),
        };
        match *property {
            "feature-words" => add_words(&mut given.enabled, &value),
            "unavailable-features" => {
                for name in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    given.disabled.add_feature(cpu_feature::from_qemu(arch, name));
                }
            }
            name if value == Value::Bool(true) && name.starts_with("hv-") => {
                given.hyperv.push(name.to_owned())
            }
            name if value == Value::Bool(true) => {
                given.enabled.add_feature(cpu_feature::from_qemu(arch, name));
            }
            _ => {}
        }
    }
    Ok(given)
}

/// Registers of CPUID as QEMU tells them (`X86CPUFeatureWordInfo`).
fn add_words(data: &mut CpuData, words: &Value) {
    for word in words.as_array().into_iter().flatten() {
        let number = |name: &str| word[name].as_u64().and_then(|number| u32::try_from(number).ok());
        let names = ["EAX", "EBX", "ECX", "EDX"];
        let register = names.iter().position(|name| word["cpuid-register"] == *name);
        if let (Some(eax), Some(register), Some(bits)) =
            (number("cpuid-input-eax"), register, number("features"))
        {
            let mut registers = [0; 4];
            registers[register] = bits;
            data.set(Leaf::Cpuid(eax, number("cpuid-input-ecx").unwrap_or(0)), registers);
        }
    }
}

/// Whether KVM wakes processors that wait for a lock (CPUID 0x40000001, EAX bit 7).
fn has_pv_unhalt(data: &CpuData) -> bool {
    data.get(Leaf::Cpuid(0x4000_0001, 0)).is_some_and(|[eax, ..]| eax >> 7 & 1 == 1)
}

/// Refuses a guest without a feature that it cannot do without.
fn verify(live: &Domain, given: &Given) -> Result<()> {
    let no = |what: String| Err(unsupported(format!("host doesn't support {what}")));
    if live.features.pvspinlock == Some(true) && !has_pv_unhalt(&given.enabled) {
        return no("paravirtual spinlocks".to_owned());
    }
    for property in hyperv_properties(live) {
        let name = property.trim_start_matches("hv-");
        if given.hyperv.contains(&property) || NOT_NEEDED.contains(&name) {
            continue;
        }
        return no(match name {
            "stimer-direct" => "hyperv stimer 'direct' feature".to_owned(),
            name => format!("hyperv '{name}' feature"),
        });
    }
    let Some(cpu) = &live.cpu else { return Ok(()) };
    let wanted = Description { host: false, arch: Arch::None, cpu: cpu.clone() };
    if virt_cpu::has_feature(live.os.arch, &wanted, "invtsc")? && !given.enabled.has_feature("invtsc") {
        return no("invariant TSC".to_owned());
    }
    Ok(())
}

fn note(live: &mut Domain, given: &Given) -> Result<()> {
    let arch = live.os.arch;
    let Some(cpu) = &mut live.cpu else { return Ok(()) };
    let asked: Cpu = cpu.clone();
    if virt_cpu::update_live(arch, cpu, &given.enabled, &given.disabled)? {
        if *cpu != asked && live.asked_cpu.is_none() {
            live.asked_cpu = Some(Box::new(asked));
        }
        cpu.check = Some(CpuCheck::Full);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use virt_conf::ParseFlags;
    use virt_conf::domain::FeaturePolicy;

    use super::*;

    fn domain(content: &str) -> Domain {
        let xml = format!(
            "<domain type='kvm'><name>g</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os>{content}</domain>"
        );
        Domain::parse(&xml, ParseFlags::INACTIVE).unwrap()
    }

    fn words() -> Value {
        json!([
            {"cpuid-input-eax": 1, "cpuid-register": "EDX", "features": 0x0783_fbfd_u32},
            {"cpuid-input-eax": 7, "cpuid-input-ecx": 0, "cpuid-register": "EBX", "features": 1 << 5},
            {"cpuid-input-eax": 0x4000_0001, "cpuid-register": "EAX", "features": 1 << 7},
        ])
    }

    #[test]
    fn words_are_bits_of_registers() {
        let mut data = CpuData::default();
        add_words(&mut data, &words());
        assert!(data.has_feature("sse2") && data.has_feature("avx2") && !data.has_feature("fsgsbase"));
        assert!(has_pv_unhalt(&data));
        add_words(&mut data, &Value::Null);
    }

    #[test]
    fn what_is_missing_and_needed_is_refused() {
        let given = Given { hyperv: vec!["hv-stimer".to_owned()], ..Given::default() };
        for (content, expected) in [
            ("<features><pvspinlock state='on'/></features>", "host doesn't support paravirtual spinlocks"),
            (
                "<features><hyperv><relaxed state='on'/><spinlocks state='on' retries='4096'/><ipi state='on'/></hyperv></features>",
                "host doesn't support hyperv 'ipi' feature",
            ),
            (
                "<features><hyperv><stimer state='on'><direct state='on'/></stimer></hyperv></features>",
                "host doesn't support hyperv stimer 'direct' feature",
            ),
            (
                "<cpu><model>qemu64</model><feature policy='require' name='invtsc'/></cpu>",
                "host doesn't support invariant TSC",
            ),
        ] {
            assert_eq!(verify(&domain(content), &given).unwrap_err().detail(), expected);
        }
        assert!(verify(&domain("<features><hyperv><vapic state='on'/></hyperv></features>"), &given).is_ok());
    }

    #[test]
    fn the_live_document_tells_what_there_is() {
        let mut given = Given::default();
        add_words(&mut given.enabled, &words());
        let mut live = domain("<cpu><model>486</model><feature policy='require' name='vmx'/></cpu>");
        note(&mut live, &given).unwrap();
        let cpu = live.cpu.as_ref().unwrap();
        assert_eq!(cpu.check, Some(CpuCheck::Full));
        assert_eq!(cpu.feature("avx2").unwrap().policy, FeaturePolicy::Require);
        assert_eq!(cpu.feature("vmx").unwrap().policy, FeaturePolicy::Disable);
        assert_eq!(live.asked_cpu.as_ref().unwrap().features.len(), 1);

        let mut own = domain("<cpu mode='host-passthrough' check='none'/>");
        note(&mut own, &given).unwrap();
        assert_eq!((own.cpu.unwrap().check, own.asked_cpu), (Some(CpuCheck::None), None));
    }
}
