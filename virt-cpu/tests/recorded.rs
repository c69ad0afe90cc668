//! Stock libvirt's recorded answers on CPU documents, where they lie beside the repository.
#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use std::path::{Path, PathBuf};

use virt_cpu::{Comparison, Description, Error};
use virt_types::Arch;

fn recordings() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    if !dir.is_dir() {
        eprintln!("skipped: no recordings of stock libvirt in {}", dir.display());
        return None;
    }
    Some(dir)
}

/// The text of the `<cpu>` elements of a document that holds one or several.
fn cpus(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(start) = rest.find("<cpu>").into_iter().chain(rest.find("<cpu ")).min() {
        rest = &rest[start..];
        let Some(tag) = rest.find('>') else { break };
        let end = if rest[..tag].ends_with('/') {
            Some(tag + 1)
        } else {
            rest.find("</cpu>").map(|at| at + "</cpu>".len())
        };
        let Some(end) = end else { break };
        found.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    found
}

/// The recorded answer: a document, or the number of an error.
fn recorded(case: &Path, name: &str) -> Option<Result<String, i32>> {
    if let Ok(text) = std::fs::read_to_string(case.join(format!("{name}.error.txt"))) {
        let number = text.strip_prefix("code: ")?.split(' ').next()?.parse().ok()?;
        return Some(Err(number));
    }
    ["xml", "txt"]
        .iter()
        .find_map(|suffix| std::fs::read_to_string(case.join(format!("{name}.{suffix}"))).ok())
        .map(Ok)
}

fn answer<T>(result: Result<T, Error>, text: impl FnOnce(T) -> String) -> Result<String, i32> {
    result.map(text).map_err(|error| virt_types::Error::from(error).code().number())
}

#[test]
fn answers_are_stock_libvirts() {
    let Some(dir) = recordings() else { return };
    let capabilities = std::fs::read_to_string(dir.join("host/capabilities.xml")).unwrap();
    let host = Description::parse(&cpus(&capabilities)[0]).unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for entry in std::fs::read_dir(dir.join("cpu")).unwrap() {
        let case = entry.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let texts = cpus(&std::fs::read_to_string(case.join("input.xml")).unwrap());
        let parsed =
            || texts.iter().map(|xml| Ok(Description::parse_host(xml)?)).collect::<Result<Vec<_>, Error>>();
        let baseline = |migratable| {
            let cpus = parsed()?;
            let mut cpu =
                virt_cpu::baseline(cpus.first().map_or(Arch::X86_64, |cpu| cpu.arch), &cpus, migratable)?;
            virt_cpu::drop_host_features(&mut cpu);
            Ok::<_, Error>(cpu)
        };
        let expanded = || {
            let mut cpu = baseline(false)?;
            virt_cpu::expand(parsed()?.first().map_or(Arch::X86_64, |cpu| cpu.arch), &mut cpu)?;
            Ok(cpu)
        };
        let compare = || {
            let wanted = Description::parse(texts.first().map_or("<cpu/>", |text| text))?;
            virt_cpu::compare(Arch::X86_64, Some(&host), &wanted, false)
        };
        let number = |comparison| match comparison {
            Comparison::Incompatible => "0\n",
            Comparison::Identical => "1\n",
            Comparison::Superset => "2\n",
        };
        for (question, ours) in [
            ("canonical", answer(baseline(false), |cpu| cpu.to_xml())),
            ("migratable", answer(baseline(true), |cpu| cpu.to_xml())),
            ("expanded", answer(expanded(), |cpu| cpu.to_xml())),
            ("compare", answer(compare(), |comparison| number(comparison).to_owned())),
        ] {
            let Some(theirs) = recorded(&case, question) else { continue };
            checked += 1;
            if ours.as_ref().map(|text| text.trim_end()) != theirs.as_ref().map(|text| text.trim_end()) {
                wrong.push(format!("{name} {question}: {ours:?}, not {theirs:?}"));
            }
        }
    }
    assert!(checked > 1000, "only {checked} answers were compared");
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong.join("\n"));
}
