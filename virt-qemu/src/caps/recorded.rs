//! Answers that were recorded to files: `qemu-VERSION-TARGET-qmp/{tcg,kvm}/QUESTION.json`, each `{"return": …}`.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::machine::arch_of_target;
use super::{Capabilities, Replies, host_model};

/// Reads the capabilities of `binary` (such as `/usr/bin/qemu-system-x86_64`) from the recordings under `dir`.
///
/// A 32-bit target that was not recorded is answered for by its 64-bit sibling, which has the same devices and all its
/// machines. Gives `None` where nothing was recorded for either.
///
/// # Errors
/// For files that can not be read or are no JSON.
pub fn load(dir: &Path, binary: &str) -> io::Result<Option<Capabilities>> {
    let name = Path::new(binary).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let asked = match name {
        "kvm" | "qemu-kvm" | "qemu" => "x86_64",
        name => name.strip_prefix("qemu-system-").unwrap_or(name),
    };
    let sibling = match asked {
        "arm" => Some("aarch64"),
        "ppc" => Some("ppc64"),
        "riscv32" => Some("riscv64"),
        _ => None,
    };
    for target in std::iter::once(asked).chain(sibling) {
        if let Some(mut caps) = load_target(dir, binary, target)? {
            caps.arch = arch_of_target(asked);
            return Ok(Some(caps));
        }
    }
    Ok(None)
}

fn load_target(dir: &Path, binary: &str, target: &str) -> io::Result<Option<Capabilities>> {
    let suffix = format!("-{target}-qmp");
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("qemu-") && name.ends_with(&suffix)) {
            let tcg = replies(&entry.path().join("tcg"))?;
            let kvm = replies(&entry.path().join("kvm"))?;
            return Ok(Some(Capabilities::from_replies(binary, tcg.as_ref(), kvm.as_ref())));
        }
    }
    Ok(None)
}

/// The answers in one directory; `None` where there is no such directory.
fn replies(dir: &Path) -> io::Result<Option<Replies>> {
    if !dir.is_dir() {
        return Ok(None);
    }
    let mut replies = Replies::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(stem) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else {
            continue;
        };
        // Answers that only a study of CPU models needs are large, and not read here.
        let (question, narrower) =
            stem.split_once('.').map_or((stem, ""), |(question, rest)| (question, rest));
        if question.starts_with("qom-get")
            || stem == "query-cpu-model-expansion.all-static"
            || stem == "qom-list.cpu0"
        {
            continue;
        }
        let answer: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let Some(value) = answer.get("return").cloned() else { continue };
        match (question, narrower, value) {
            ("query-cpu-model-expansion", _, models) => host_cpu(&mut replies, &models, dir),
            ("device-list-properties" | "qom-list-properties", _, Value::Object(types)) => {
                for (type_name, properties) in types {
                    replies.insert_properties(question, &type_name, properties);
                }
            }
            (_, "", value) => replies.insert(question, value),
            _ => {}
        }
    }
    Ok(Some(replies))
}

/// What the best CPU has: the recording holds an answer for each form and model, by `FORM/MODEL`.
fn host_cpu(replies: &mut Replies, models: &Value, dir: &Path) {
    let kvm = dir.file_name().is_some_and(|name| name == "kvm");
    let answer = &models[if kvm { "static/host" } else { "static/max" }]["return"];
    if answer.is_object() {
        // It was not asked for what binds a guest to its host; by QEMU's default that is not in the answer.
        replies.insert(host_model::MIGRATABLE, answer.clone());
        replies.insert(host_model::WHOLE, answer.clone());
    }
}
