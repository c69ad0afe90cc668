//! `conformance`: `virt plan` beside the recorded answers of stock libvirt.
//!
//! The recordings are not part of this repository; they are looked for beside it, in `../shared/conformance`. The committed file
//! `CONFORMANCE` lists the cases that agree exactly, one a line, sorted: `argv FAMILY/CASE` or `canonical FAMILY/CASE`. With
//! `--ratchet` none of them may fall out; `--update` adds what agrees newly. Lines `corpus FAMILY/CASE` are those of
//! [`crate::corpus`].

pub(crate) mod list;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::{
    args::Args,
    process::{During, Failure, Result, find_program, output, run as run_command},
    tally::Tally,
    workspace::{self, cargo},
};

/// The kinds of answer that are compared.
const WANTED: &[&str] = &["argv", "canonical"];
const FIGURES: &[&str] = &["cases", "exact", "near", "mismatch", "rejected", "accepted", "failed"];

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let (ratchet, update) = (args.flag("--ratchet"), args.flag("--update"));
    let families = args.value("--family")?;
    args.end()?;
    let comparison = match Comparison::make(families.as_deref())? {
        Ok(comparison) => comparison,
        Err(why) => return Err(Failure::new(why)),
    };
    comparison.print();
    let all_listed = listed()?;
    let family = |case: &str| case.split([' ', '/']).nth(1).map(str::to_owned).unwrap_or_default();
    let compared =
        |case: &&String| families.as_ref().is_none_or(|list| list.split(',').any(|f| f == family(case)));
    let listed: BTreeSet<_> = all_listed.iter().filter(compared).cloned().collect();
    if update {
        list::add(comparison.exact.iter().cloned())?;
    }
    if ratchet {
        let lost = comparison.lost(&listed);
        println!("CONFORMANCE: {} of {} listed cases agree", listed.len() - lost.len(), listed.len());
        refuse(&lost)?;
    }
    Ok(())
}

/// The ratchet as a part of `test`: one test for each listed case.
pub(crate) fn ratchet() -> Result<Tally> {
    println!("\n── conformance");
    let listed = listed()?;
    if listed.is_empty() {
        println!("SKIPPED: CONFORMANCE lists no case");
        return Ok(Tally::SKIPPED);
    }
    let comparison = match Comparison::make(None)? {
        Ok(comparison) => comparison,
        Err(why) => {
            println!("SKIPPED: {why}");
            return Ok(Tally::SKIPPED);
        }
    };
    comparison.print();
    let lost = comparison.lost(&listed);
    for case in &lost {
        println!("FAILED {case}");
    }
    let failed = lost.len() as u64;
    Ok(Tally { passed: listed.len() as u64 - failed, failed, skipped: 0 })
}

fn refuse(lost: &[&String]) -> Result<()> {
    if lost.is_empty() {
        return Ok(());
    }
    let list = lost.iter().fold(String::new(), |text, case| text + "\n  " + case);
    Err(Failure::new(format!("these agreed with stock libvirt before and do not now:{list}")))
}

/// The cases that the committed file lists and that are compared here.
fn listed() -> Result<BTreeSet<String>> {
    let compared = |line: &String| WANTED.iter().any(|want| list::kind(line) == Some(want));
    Ok(list::read()?.into_iter().filter(compared).collect())
}

/// What a run over the recordings gave.
struct Comparison {
    exact: BTreeSet<String>,
    /// By wanted kind and family: how many cases had which verdict.
    figures: BTreeMap<(&'static str, String), Value>,
}

impl Comparison {
    /// Runs the comparison; the inner error says why it cannot be run here.
    fn make(families: Option<&str>) -> Result<Result<Self, String>> {
        let recordings = workspace::root().join("../shared/conformance");
        if !recordings.is_dir() {
            return Ok(Err(
                "no recordings of stock libvirt beside this repository (../shared/conformance)".into()
            ));
        }
        let recordings = recordings.canonicalize().during(recordings.display())?;
        let Some(python) = find_program("python3") else {
            return Ok(Err("the comparison needs python3".into()));
        };
        run_command(cargo().args(["build", "--quiet", "-p", "virt-cli"]))?;
        let virt = workspace::target_dir()?.join("debug/virt");
        let mut comparison = Self { exact: BTreeSet::new(), figures: BTreeMap::new() };
        for want in WANTED {
            let answer = compare(&python, &recordings, &virt, want, families)?;
            comparison.add(want, &answer);
        }
        Ok(Ok(comparison))
    }

    fn add(&mut self, want: &'static str, answer: &Value) {
        for case in answer["cases"].as_array().into_iter().flatten().filter(|case| case["verdict"] == "exact")
        {
            let text = |key: &str| case[key].as_str().unwrap_or_default();
            self.exact.insert(format!("{want} {}/{}", text("family"), text("case")));
        }
        for (family, figures) in answer["families"].as_object().into_iter().flatten() {
            self.figures.insert((want, family.clone()), figures.clone());
        }
    }

    fn print(&self) {
        print!("{:<28}", "");
        for name in FIGURES {
            print!("{name:>10}");
        }
        println!();
        for ((want, family), figures) in &self.figures {
            print!("{:<28}", format!("{want} {family}"));
            for name in FIGURES {
                print!("{:>10}", figures[name].as_u64().unwrap_or(0));
            }
            println!();
        }
    }

    fn lost<'a>(&self, listed: &'a BTreeSet<String>) -> Vec<&'a String> {
        listed.iter().filter(|case| !self.exact.contains(*case)).collect()
    }
}

/// One run of `compare`, which keeps one `virt plan --serve` and asks it for every case.
fn compare(
    python: &Path,
    recordings: &Path,
    virt: &Path,
    want: &str,
    families: Option<&str>,
) -> Result<Value> {
    let serve = format!("'{}' plan --serve --host '{}'", virt.display(), recordings.display());
    let mut command = Command::new(python);
    command.arg(recordings.join("compare")).args(["--json", "--serve", "--want", want]);
    if let Some(families) = families {
        command.args(["--family", families]);
    }
    let text = output(command.arg(serve))?;
    serde_json::from_str(&text).during("compare --json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_cases_are_collected_and_missing_ones_are_found() {
        let answer = serde_json::json!({
            "families": {"qemu": {"cases": 2, "exact": 1}},
            "cases": [
                {"family": "qemu", "case": "disk", "verdict": "exact"},
                {"family": "qemu", "case": "net", "verdict": "near"},
            ],
        });
        let mut comparison = Comparison { exact: BTreeSet::new(), figures: BTreeMap::new() };
        comparison.add("argv", &answer);
        assert_eq!(comparison.exact.iter().collect::<Vec<_>>(), ["argv qemu/disk"]);
        let listed = BTreeSet::from(["argv qemu/disk".to_owned(), "argv qemu/net".to_owned()]);
        let lost = comparison.lost(&listed);
        assert_eq!(lost, ["argv qemu/net"]);
        assert!(refuse(&lost).unwrap_err().to_string().contains("argv qemu/net"));
        assert!(refuse(&[]).is_ok());
    }
}
