//! CPU models: what a CPU is, whether one can be another, what several have in common, what becomes of a guest's.

use serde_json::{Value, json};
use virt_conf::domain::{Cpu, CpuFallback, CpuMatch, CpuMode, FeaturePolicy, VirtType};
use virt_cpu::x86::{Choice, CpuData, Leaf};
use virt_cpu::{Comparison, Description, HypervisorModel};
use virt_qemu::caps::{Capabilities, Replies};
use virt_testkit::corpus::{Case, Verdict, same};
use virt_types::{Arch, TextEnum};
use virt_xml::{Document, Element};

pub(crate) fn run(case: &Case) -> Verdict {
    match case.text("api") {
        "compare" => compare(case),
        "baseline" => baseline(case),
        "update" => update(case),
        "hasfeature" => has_feature(case),
        "guestcpu" => guest_cpu(case),
        "host-cpuid" => decoded(case, true),
        "guest-cpuid" => decoded(case, false),
        "cpuid-signature" => signature(case, cpu_data(&read(case, "/input/cpuid")?)?.signature()),
        "json-cpuid" => expected(case, told(case).map(|cpu| cpu.to_xml())),
        "json-signature" => {
            let props = expansion(case)?["props"].clone();
            let number = |name: &str| props[name].as_u64().unwrap_or(0) as u32;
            signature(case, Some((number("family"), number("model"), number("stepping"))))
        }
        "update-live" => update_live(case),
        api => Err(format!("{api} is not answered")),
    }
}

fn arch(case: &Case) -> Arch {
    Arch::from_text(case.text("arch")).unwrap_or_default()
}

fn read(case: &Case, pointer: &str) -> Result<String, String> {
    case.read(pointer).ok_or_else(|| format!("the case has no {pointer}"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn description(case: &Case, pointer: &str) -> Result<Description, String> {
    Description::parse(&read(case, pointer)?).map_err(text)
}

/// The document that the case expects, or that it has to be refused. Where libvirt 9.0.0 answers otherwise than the corpus
/// does, its answer is recorded too and counts.
fn expected(case: &Case, answer: Result<String, String>) -> Verdict {
    let refused = !case.row["expect_failure"].is_null();
    match answer {
        Ok(_) if refused => Err("is not refused".to_owned()),
        Ok(xml) => {
            let newer = case.read("/in_9_0_0");
            same(&xml, &newer.map_or_else(|| read(case, "/expected"), Ok)?)
        }
        Err(_) if refused => Ok(()),
        Err(error) => Err(error),
    }
}

fn compare(case: &Case) -> Verdict {
    let answer = description(case, "/input/host").and_then(|host| {
        let cpu = description(case, "/input/cpu")?;
        virt_cpu::compare(arch(case), Some(&host), &cpu, false).map_err(text)
    });
    let answer = match answer {
        Ok(Comparison::Incompatible) => "INCOMPATIBLE",
        Ok(Comparison::Identical) => "IDENTICAL",
        Ok(Comparison::Superset) => "SUPERSET",
        Err(_) if case.text("result") == "ERROR" => "ERROR",
        Err(error) => return Err(error),
    };
    same(answer, case.text("result"))
}

fn baseline(case: &Case) -> Verdict {
    let flag = |name: &str| case.row["flags"].as_array().is_some_and(|flags| flags.iter().any(|f| f == name));
    let document = read(case, "/input")?;
    let answer = || {
        let cpus = cpus(&document).into_iter().map(|xml| Ok(Description::parse_host(&xml)?));
        let cpus = cpus.collect::<Result<Vec<_>, virt_cpu::Error>>()?;
        let mut cpu: Cpu = virt_cpu::baseline(arch(case), &cpus, flag("MIGRATABLE"))?;
        if flag("EXPAND_FEATURES") {
            virt_cpu::expand(arch(case), &mut cpu)?;
        }
        Ok::<_, virt_cpu::Error>(cpu.to_xml())
    };
    expected(case, answer().map_err(text))
}

/// The text of the `<cpu>` elements of a document that holds several.
fn cpus(document: &str) -> Vec<String> {
    let end = "</cpu>";
    let whole = |at: &usize| !document[at + 4..].starts_with(|c: char| c.is_alphabetic());
    let starts = document.match_indices("<cpu").map(|(at, _)| at).filter(whole);
    starts
        .filter_map(|at| {
            document[at..].find(end).map(|length| document[at..at + length + end.len()].to_owned())
        })
        .collect()
}

fn update(case: &Case) -> Verdict {
    let answer = || {
        let mut host = description(case, "/input/host")?;
        let mut cpu = description(case, "/input/cpu")?.cpu;
        host.cpu = virt_cpu::migratable(arch(case), host.cpu);
        virt_cpu::update(arch(case), &mut cpu, Some(&host)).map_err(text)?;
        Ok(cpu.to_xml())
    };
    expected(case, answer())
}

fn has_feature(case: &Case) -> Verdict {
    let host = description(case, "/input/host")?;
    let answer = match virt_cpu::has_feature(arch(case), &host, case.text("feature")) {
        Ok(true) => "YES",
        Ok(false) => "NO",
        Err(_) => "FAIL",
    };
    same(answer, case.text("result"))
}

fn guest_cpu(case: &Case) -> Verdict {
    let answer = || {
        let arch = arch(case);
        let host = description(case, "/input/host")?;
        let mut guest = description(case, "/input/cpu")?;
        virt_cpu::convert_legacy(arch, &mut guest.cpu).map_err(text)?;
        if virt_cpu::compare(arch, Some(&host), &guest, false).map_err(text)? == Comparison::Incompatible {
            return Err("incompatible".to_owned());
        }
        virt_cpu::update(arch, &mut guest.cpu, Some(&host)).map_err(text)?;
        let models = case.row["models"].as_array().map(|names| {
            let names = names.iter().filter_map(Value::as_str);
            names
                .map(|name| HypervisorModel { name: name.to_owned(), blockers: Vec::new() })
                .collect::<Vec<_>>()
        });
        virt_cpu::translate(arch, &mut guest.cpu, models.as_deref()).map_err(text)?;
        Ok(guest.cpu.to_xml())
    };
    expected(case, answer())
}

/// A number as these documents have it.
fn number(element: Element<'_>, name: &'static str) -> u32 {
    let text = element.attr(name).unwrap_or("0");
    text.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0)
}

fn cpu_data(xml: &str) -> Result<CpuData, String> {
    let document = Document::parse(xml).map_err(text)?;
    let mut data = CpuData::default();
    for element in document.root().children() {
        let register = |name: &'static str| number(element, name);
        let leaf = match element.name() {
            "msr" => Leaf::Msr(register("index")),
            _ => Leaf::Cpuid(register("eax_in"), register("ecx_in")),
        };
        data.set(leaf, ["eax", "ebx", "ecx", "edx"].map(register));
    }
    Ok(data)
}

fn decoded(case: &Case, host: bool) -> Verdict {
    let data = cpu_data(&read(case, "/input/cpuid")?)?;
    let models = if case.row.pointer("/input/qmp").is_some() && case.text("json").starts_with("MODELS") {
        Some(capabilities(case)?.hypervisor_models(VirtType::Kvm))
    } else {
        None
    };
    let choice = Choice { host, models: models.as_deref(), fallback: true, ..Choice::default() };
    let decoded = data.decode(choice).map_err(text)?;
    let mut cpu = Cpu {
        mode: CpuMode::Custom,
        matching: Some(CpuMatch::Exact),
        fallback: if host { CpuFallback::Allow } else { CpuFallback::Forbid },
        model: Some(decoded.model),
        vendor: decoded.vendor.map(str::to_owned),
        features: decoded.features,
        ..Cpu::default()
    };
    if !host {
        return expected(case, Ok(cpu.to_xml()));
    }
    let theirs = description(case, "/expected")?;
    let said = |cpu: &Cpu| {
        let names = cpu.features.iter().map(|feature| feature.name.clone()).collect::<Vec<_>>();
        format!("{:?} {:?} {}", cpu.model, cpu.vendor, names.join(" "))
    };
    cpu.matching = None;
    same(&said(&cpu), &said(&theirs.cpu))
}

fn signature(case: &Case, signature: Option<(u32, u32, u32)>) -> Verdict {
    let (family, model, stepping) = signature.ok_or("no signature")?;
    let mut data = CpuData::default();
    data.set_signature(family, model, stepping);
    let [eax, ..] = data.get(Leaf::Cpuid(1, 0)).unwrap_or_default();
    let line = |name: &str, value: u32| format!("{name:<9}{value:>4} ({value:#04x})");
    let ours = [line("family:", family), line("model:", model), line("stepping:", stepping)];
    same(&format!("{eax:06x}\n{}", ours.join("\n")), &read(case, "/expected")?)
}

/// What QEMU answered: the documents of a file that holds several.
fn replies(case: &Case) -> Result<Vec<Value>, String> {
    let file = read(case, "/input/qmp")?;
    let documents = serde_json::Deserializer::from_str(&file).into_iter::<Value>();
    documents.map(|document| document.map(|value| value["return"].clone()).map_err(text)).collect()
}

fn expansion(case: &Case) -> Result<Value, String> {
    Ok(replies(case)?.first().ok_or("nothing is recorded")?["model"].clone())
}

/// Capabilities of a QEMU that answers so.
fn capabilities(case: &Case) -> Result<Capabilities, String> {
    let answers = replies(case)?;
    let mut replies = Replies::new();
    replies.insert("query-target", json!({"arch": "x86_64"}));
    replies.insert("query-kvm", json!({"enabled": true, "present": true}));
    let unavailable = json!([{"name": "unavailable-features"}]);
    replies.insert_properties("device-list-properties", "max-x86_64-cpu", unavailable);
    for question in ["query-cpu-model-expansion.migratable", "query-cpu-model-expansion.whole"] {
        replies.insert(question, answers.first().cloned().unwrap_or_default());
    }
    if let Some(definitions) = answers.get(1) {
        replies.insert("query-cpu-definitions", definitions.clone());
    }
    Ok(Capabilities::from_replies("/usr/bin/qemu-system-x86_64", None, Some(&replies)))
}

/// The CPU of mode `host-model` by what QEMU told.
fn told(case: &Case) -> Result<Cpu, String> {
    let caps = capabilities(case)?;
    caps.host_model(VirtType::Kvm, Arch::X86_64).ok_or_else(|| "no host model".to_owned())
}

/// Features of both are compared; what one says of one more that it is off does not count.
fn update_live(case: &Case) -> Verdict {
    let data = |pointer| cpu_data(&read(case, pointer)?);
    let (mut ours, mut theirs) = (description(case, "/input/cpu")?.cpu, description(case, "/expected")?.cpu);
    virt_cpu::update_live(Arch::X86_64, &mut ours, &data("/input/enabled")?, &data("/input/disabled")?)
        .map_err(text)?;
    if ours.model != theirs.model {
        let only = HypervisorModel { name: theirs.model.clone().unwrap_or_default(), blockers: Vec::new() };
        ours.fallback = CpuFallback::Allow;
        virt_cpu::translate(Arch::X86_64, &mut ours, Some(&[only])).map_err(text)?;
    }
    for cpu in [&mut ours, &mut theirs] {
        virt_cpu::expand(Arch::X86_64, cpu).map_err(text)?;
    }
    let on = |cpu: &Cpu| {
        let on = cpu.features.iter().filter(|feature| feature.policy != FeaturePolicy::Disable);
        on.map(|feature| feature.name.as_str()).collect::<Vec<_>>().join("\n")
    };
    same(&on(&ours), &on(&theirs))
}
