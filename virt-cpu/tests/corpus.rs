//! Families of the external corpus that this crate answers.

use virt_conf::domain::Cpu;
use virt_cpu::{Comparison, Description};
use virt_testkit::corpus::{self, Case, Verdict, same};
use virt_types::{Arch, TextEnum};

#[test]
fn cputest() {
    corpus::check("cputest", |case| match case.text("api") {
        "compare" => compare(case),
        "baseline" => baseline(case),
        api => Err(format!("{api} is not answered")),
    });
}

fn arch(case: &Case) -> Arch {
    Arch::from_text(case.text("arch")).unwrap_or_default()
}

fn read(case: &Case, pointer: &str) -> Result<String, String> {
    case.read(pointer).ok_or_else(|| format!("the case has no {pointer}"))
}

fn compare(case: &Case) -> Verdict {
    let answer = || {
        let host = Description::parse(&case.read("/input/host").unwrap_or_default())?;
        let cpu = Description::parse(&case.read("/input/cpu").unwrap_or_default())?;
        virt_cpu::compare(arch(case), Some(&host), &cpu, false)
    };
    let answer = match answer() {
        Ok(Comparison::Incompatible) => "INCOMPATIBLE".to_owned(),
        Ok(Comparison::Identical) => "IDENTICAL".to_owned(),
        Ok(Comparison::Superset) => "SUPERSET".to_owned(),
        Err(_) if case.text("result") == "ERROR" => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    same(&answer, case.text("result"))
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
    expected(case, answer())
}

/// The document that the case expects, or that it has to be refused. Where libvirt 9.0.0 answers otherwise than the corpus
/// does, its answer is recorded too and counts.
fn expected(case: &Case, answer: Result<String, virt_cpu::Error>) -> Verdict {
    let refused = !case.row["expect_failure"].is_null();
    match answer {
        Ok(_) if refused => Err("is not refused".to_owned()),
        Ok(xml) => {
            let newer = case.read("/in_9_0_0");
            same(&xml, &newer.map_or_else(|| read(case, "/expected"), Ok)?)
        }
        Err(_) if refused => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// The text of the `<cpu>` elements of a document that holds several.
fn cpus(document: &str) -> Vec<String> {
    let end = "</cpu>";
    let starts = document
        .match_indices("<cpu")
        .filter(|(at, _)| !document[at + 4..].starts_with(|c: char| c.is_alphabetic()));
    starts
        .filter_map(|(at, _)| {
            document[at..].find(end).map(|length| document[at..at + length + end.len()].to_owned())
        })
        .collect()
}
