//! `corpus`: cases of an external corpus, answered by the crates that know how.
//!
//! The corpus is no part of this repository; it is looked for beside it, in `../shared/corpus`. A crate that answers families
//! has a test target `corpus` with a test for each, named like it (`virt-testkit` has the runner). Run as tests they hold what
//! `CONFORMANCE` lists; here they write down every verdict. `--list` shows why cases fail, `--update` adds those that pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{
    args::Args,
    conformance::list,
    process::{During, Failure, Result, run as run_command},
    workspace::{self, cargo, packages},
};

/// Where the test programs write verdicts; the name stands in `virt-testkit` too.
const RESULTS: &str = "VIRT_CORPUS_RESULTS";

/// What became of the cases of a family.
#[derive(Debug, Default, PartialEq, Eq)]
struct Family {
    passed: BTreeSet<String>,
    /// With the reason.
    failed: BTreeMap<String, String>,
}

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let (show, update) = (args.flag("--list"), args.flag("--update"));
    let mut families = Vec::new();
    while let Some(family) = args.word() {
        families.push(family);
    }
    args.end()?;
    let corpus = workspace::root().join("../shared/corpus");
    if !corpus.is_dir() {
        return Err(Failure::new("no corpus beside this repository (../shared/corpus)"));
    }
    let dir = workspace::target_dir()?.join("corpus");
    if dir.exists() {
        fs::remove_dir_all(&dir).during(dir.display())?;
    }
    fs::create_dir_all(&dir).during(dir.display())?;
    run_adapters(&dir, &families)?;
    let results = read(&dir)?;
    if let Some(unknown) = families.iter().find(|family| !results.contains_key(*family)) {
        return Err(Failure::new(format!("no crate's test target `corpus` has a test named {unknown}")));
    }
    println!("{:<28}{:>8}{:>8}{:>8}", "", "cases", "passed", "failed");
    for (name, family) in &results {
        let (passed, failed) = (family.passed.len(), family.failed.len());
        println!("{name:<28}{:>8}{passed:>8}{failed:>8}", passed + failed);
        for (case, why) in family.failed.iter().filter(|_| show) {
            println!("    {case}: {why}");
        }
    }
    if update {
        list::add(results.iter().flat_map(|(name, family)| {
            family.passed.iter().map(move |case| format!("corpus {name}/{case}"))
        }))?;
    }
    Ok(())
}

/// Runs the tests of the asked families, or of all, in every crate that has some.
fn run_adapters(dir: &Path, families: &[String]) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--quiet"]);
    for package in packages()?.iter().filter(|package| package.has_target("test", "corpus")) {
        command.args(["-p", package.name()]);
    }
    command.args(["--test", "corpus", "--", "--exact"]).args(families);
    run_command(command.env(RESULTS, dir))
}

fn read(dir: &Path) -> Result<BTreeMap<String, Family>> {
    let mut results = BTreeMap::new();
    for entry in fs::read_dir(dir).during(dir.display())? {
        let entry = entry.during(dir.display())?;
        let text = fs::read_to_string(entry.path()).during(entry.path().display())?;
        results.insert(entry.file_name().to_string_lossy().into_owned(), Family::parse(&text));
    }
    Ok(results)
}

impl Family {
    fn parse(text: &str) -> Self {
        let mut family = Self::default();
        for line in text.lines() {
            if let Some(case) = line.strip_prefix("pass ") {
                family.passed.insert(case.to_owned());
            } else if let Some((case, why)) =
                line.strip_prefix("fail ").and_then(|rest| rest.split_once('\t'))
            {
                family.failed.insert(case.to_owned(), why.to_owned());
            }
        }
        family
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_as_the_test_programs_write_them() {
        let family = Family::parse("pass a/b\nfail c\tline 1: differs\n");
        assert_eq!(family.passed, BTreeSet::from(["a/b".to_owned()]));
        assert_eq!(family.failed, BTreeMap::from([("c".to_owned(), "line 1: differs".to_owned())]));
    }

    #[test]
    fn the_name_of_the_folder_is_the_one_that_the_tests_know() {
        let text =
            fs::read_to_string(workspace::root().join("virt-testkit/src/corpus.rs")).unwrap_or_default();
        assert!(text.contains(&format!("= \"{RESULTS}\";")));
    }
}
