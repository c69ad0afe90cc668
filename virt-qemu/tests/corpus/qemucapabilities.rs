//! What a recorded QEMU binary can do. Binaries older than 4.2, which libvirt 9.0.0 refuses, have to be refused here too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Value, json};
use virt_conf::domain::VirtType;
use virt_qemu::caps::{Accelerated, Cap, Capabilities, Replies};
use virt_testkit::corpus::{Case, Verdict, same};
use virt_types::{ErrorCode, TextEnum};
use virt_xml::{Document, Element};

/// The oldest binary, as its version number.
pub(crate) const OLDEST: u32 = 4_002_000;

pub(crate) fn run(case: &Case) -> Verdict {
    let expected = case.read("/expected").ok_or("the case has no /expected")?;
    let expected = Document::parse(&expected).map_err(|error| error.to_string())?;
    let expected = expected.root();
    let version: u32 =
        expected.child_text("version").and_then(|text| text.parse().ok()).ok_or("no version")?;
    let ours = capabilities(&case.read("/input").ok_or("the case has no /input")?)?;
    same(&ours.version.to_string(), &version.to_string())?;
    if version < OLDEST {
        return refused(&ours);
    }
    same(ours.arch.text(), &expected.child_text("arch").unwrap_or_default())?;
    same(&ours.package, &expected.child_text("package").unwrap_or_default())?;
    flags(&ours, expected, known(case))?;
    for (virt_type, accelerated) in [(VirtType::Kvm, &ours.kvm), (VirtType::Qemu, &ours.tcg)] {
        let word = if virt_type == VirtType::Kvm { "kvm" } else { "tcg" };
        let of_type = |name: &'static str| {
            expected.children_named(name).filter(move |el| el.attr("type") == Some(word))
        };
        match accelerated {
            None if of_type("machine").next().is_some() => return Err(format!("nothing of {word}")),
            None => {}
            Some(accelerated) => {
                machines(accelerated, of_type("machine"))?;
                models(accelerated, of_type("cpu"))?;
                if ours.arch.is_x86() || ours.arch.is_s390() {
                    host_cpu(accelerated, of_type("hostCPU").next())?;
                }
            }
        }
    }
    let versions = |of: &'static str| {
        let gics = expected.children_named("gic").filter(move |gic| gic.attr(of) == Some("yes"));
        let versions = gics.filter_map(|gic| gic.attr("version")?.parse::<u64>().ok());
        versions.collect::<BTreeSet<_>>()
    };
    let told: [BTreeSet<u64>; 2] =
        [&ours.kvm_gic_versions, &ours.emulated_gic_versions].map(|gics| gics.iter().copied().collect());
    same(&format!("{told:?}"), &format!("{:?}", [versions("kernel"), versions("emulated")]))
}

/// Passes where a binary is refused, as libvirt 9.0.0 does with old ones.
pub(crate) fn refused(ours: &Capabilities) -> Verdict {
    match ours.check_version() {
        Err(error) if error.code() == ErrorCode::ConfigUnsupported => Ok(()),
        other => Err(format!("{other:?}, expected a refusal")),
    }
}

/// The names of capabilities that the corpus knows: those that any binary in it has.
fn known(case: &Case) -> &'static BTreeSet<String> {
    static KNOWN: OnceLock<BTreeSet<String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let files = std::fs::read_dir(case.dir().join("data")).into_iter().flatten().flatten();
        let texts = files
            .filter(|file| file.file_name().to_string_lossy().ends_with(".xml"))
            .filter_map(|file| std::fs::read_to_string(file.path()).ok());
        let names = |text: String| {
            let lines =
                text.lines().filter_map(|line| line.trim().strip_prefix("<flag name='")?.strip_suffix("'/>"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        texts.flat_map(names).collect()
    })
}

/// Capabilities that libvirt 9.0.0 takes from something else than the corpus does.
const CHANGED: &[&str] = &["machine-vmport-opt"];

/// Capabilities that both know, by name.
fn flags(ours: &Capabilities, expected: Element<'_>, known: &BTreeSet<String>) -> Verdict {
    let theirs: BTreeSet<&str> =
        expected.children_named("flag").filter_map(|flag| flag.attr("name")).collect();
    let listed = |name: &str| theirs.contains(name);
    let differ = Cap::TABLE.iter().filter(|(cap, _)| {
        known.contains(cap.name()) && !CHANGED.contains(&cap.name()) && ours.has(*cap) != listed(cap.name())
    });
    let differ: Vec<_> = differ.map(|(cap, _)| format!("{} {}", cap.name(), ours.has(*cap))).collect();
    if differ.is_empty() { Ok(()) } else { Err(format!("capabilities: {}", differ.join(", "))) }
}

fn machines<'a>(ours: &Accelerated, expected: impl Iterator<Item = Element<'a>>) -> Verdict {
    let theirs: BTreeSet<String> = expected
        .map(|el| {
            let text = |name| el.attr(name).unwrap_or_default();
            let (name, alias) = (text("name"), text("alias"));
            format!("{name} {alias} {} {}", text("maxCpus"), text("hotplugCpus") == "yes")
        })
        .collect();
    let ours = ours.machines.iter().map(|machine| {
        let alias = machine.alias.as_deref().unwrap_or_default();
        format!("{} {alias} {} {}", machine.name, machine.max_cpus, machine.hotpluggable_cpus)
    });
    sets("machines", &ours.collect(), &theirs)
}

fn models<'a>(ours: &Accelerated, expected: impl Iterator<Item = Element<'a>>) -> Verdict {
    let theirs: BTreeSet<String> = expected
        .map(|el| {
            // It has since been written like its predecessors.
            let name = el.attr("name").unwrap_or_default().replace("power10", "POWER10");
            let name = name.replace("POWER10_", "power10_");
            format!("{name} {}", el.attr("usable").unwrap_or("unknown"))
        })
        .collect();
    let ours = ours.cpus.iter().map(|cpu| {
        let usable = match &cpu.blockers {
            None => "unknown",
            Some(blockers) if blockers.is_empty() => "yes",
            Some(_) => "no",
        };
        format!("{} {usable}", cpu.name)
    });
    sets("models", &ours.collect(), &theirs)
}

/// The features of the best CPU, and which of them bind a guest to its host.
fn host_cpu(ours: &Accelerated, expected: Option<Element<'_>>) -> Verdict {
    let (Some(ours), Some(expected)) = (&ours.cpu, expected) else {
        return Err("the best CPU is not told".to_owned());
    };
    let told = expected.attr("migratability") == Some("yes");
    let theirs: BTreeMap<&str, bool> = expected
        .children_named("property")
        .filter(|el| el.attr("type") == Some("boolean") && el.attr("value") == Some("true"))
        .filter_map(|el| Some((el.attr("name")?, !told || el.attr("migratable") == Some("yes"))))
        .collect();
    let ours: BTreeSet<String> =
        ours.features.iter().map(|(name, movable)| format!("{name} {movable}")).collect();
    sets("the best CPU", &ours, &theirs.iter().map(|(name, movable)| format!("{name} {movable}")).collect())
}

fn sets(what: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Verdict {
    let list = |some: Vec<&String>| some.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let (extra, missing) = (list(ours.difference(theirs).collect()), list(theirs.difference(ours).collect()));
    if extra.is_empty() && missing.is_empty() {
        Ok(())
    } else {
        Err(format!("{what}: extra [{extra}], missing [{missing}]"))
    }
}

/// The capabilities of a binary that talked so: questions and answers in turn, of one process or of two.
pub(crate) fn capabilities(conversation: &str) -> Result<Capabilities, String> {
    let documents = serde_json::Deserializer::from_str(conversation).into_iter::<Value>();
    let documents = documents.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let mut processes: Vec<Replies> = Vec::new();
    for pair in documents.chunks_exact(2) {
        let [question, answer] = pair else { continue };
        if question["execute"] == "qmp_capabilities" {
            // What the second process is not asked was the first one's answer too.
            processes.push(processes.last().cloned().unwrap_or_default());
        }
        if let (Some(replies), Some(value)) = (processes.last_mut(), answer.get("return")) {
            record(replies, question, value.clone());
        }
    }
    let mut processes = processes.into_iter();
    let first = processes.next().ok_or("nothing is recorded")?;
    let accelerated = first.get("query-kvm").is_some_and(|kvm| kvm["enabled"] == true);
    let (tcg, kvm) = match (accelerated, processes.next()) {
        (true, second) => (second, Some(first)),
        (false, _) => (Some(first), None),
    };
    Ok(Capabilities::from_replies("/usr/bin/qemu", tcg.as_ref(), kvm.as_ref()))
}

fn record(replies: &mut Replies, question: &Value, value: Value) {
    let name = question["execute"].as_str().unwrap_or_default();
    let arguments = &question["arguments"];
    match (name, arguments["typename"].as_str()) {
        ("query-cpu-model-expansion", _) => {
            let whole = arguments["model"]["props"]["migratable"] == json!(false);
            replies.insert(format!("{name}.{}", if whole { "whole" } else { "migratable" }), value);
        }
        (_, Some(kind)) => {
            let kind = kind.strip_suffix("-machine").unwrap_or(kind);
            replies.insert_properties(name, kind, value.clone());
            if kind.ends_with("-cpu") {
                // A question that libvirt has since put in another way.
                replies.insert_properties("device-list-properties", kind, value);
            }
        }
        _ => replies.insert(name, value),
    }
}
