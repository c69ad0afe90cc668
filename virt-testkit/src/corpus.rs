//! Cases of an external corpus: inputs with expected answers, in families.
//!
//! The corpus is no part of the repository; it is looked for beside it, in `../shared/corpus/FAMILY/cases.json`. A crate
//! that knows how to answer a family has a test target `corpus` with a test of the family's name, which calls [`check()`].
//! The lines `corpus FAMILY/CASE` of the file `CONFORMANCE` at the top of the repository name the cases that pass: the test
//! fails if one of them does not. `cargo xtask corpus` runs the same tests, prints how many cases pass, and can add to the list.
#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What became of a case: passed, or the reason why not.
pub type Verdict = Result<(), String>;

/// Folder into which [`check()`] writes verdicts instead of holding them against the list: one file per family, a line per
/// case, `pass ID` or `fail ID<tab>REASON`.
pub const RESULTS: &str = "VIRT_CORPUS_RESULTS";

/// A case: its row in `cases.json`, and the files that the row names.
#[derive(Debug, Clone)]
pub struct Case {
    dir: PathBuf,
    /// The row as it stands there.
    pub row: Value,
}

impl Case {
    /// The name of the case, one of its kind in the family.
    #[must_use]
    pub fn id(&self) -> &str {
        self.row["id"].as_str().unwrap_or_default()
    }

    /// A text of the row; empty where there is none.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.row[key].as_str().unwrap_or_default()
    }

    /// The file that the row names at a JSON pointer such as `/input/host`.
    #[must_use]
    pub fn file(&self, pointer: &str) -> Option<PathBuf> {
        self.row.pointer(pointer)?.as_str().map(|path| self.dir.join(path))
    }

    /// The text of the file that the row names at a JSON pointer.
    #[must_use]
    pub fn read(&self, pointer: &str) -> Option<String> {
        std::fs::read(self.file(pointer)?).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The folder of the family.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Passes where the texts are the same but for space around them; else tells the first line that differs.
///
/// # Errors
/// The first difference.
pub fn same(ours: &str, theirs: &str) -> Verdict {
    let (ours, theirs) = (ours.trim(), theirs.trim());
    if ours == theirs {
        return Ok(());
    }
    let (mut a, mut b) = (ours.lines(), theirs.lines());
    for line in 1.. {
        match (a.next(), b.next()) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (None, None) => break,
            (ours, theirs) => return Err(format!("line {line}: {ours:?}, expected {theirs:?}")),
        }
    }
    Err("the ends of lines differ".to_owned())
}

/// Runs every case of a family and holds the verdicts against the list of those that pass; or writes them down, where the
/// environment names a folder for that ([`RESULTS`]). Skips with a message where there is no corpus.
///
/// # Panics
/// Where a listed case does not pass, or the corpus cannot be read.
pub fn check(family: &str, run: impl Fn(&Case) -> Verdict) {
    let repository = repository();
    let dir = repository.join("../shared/corpus").join(family);
    if !dir.is_dir() {
        eprintln!("skipped: no corpus in {}", dir.display());
        return;
    }
    let cases = cases(&dir);
    assert!(!cases.is_empty(), "{} has no case", dir.display());
    let verdicts = cases.iter().map(|case| (case.id(), verdict(&run, case)));
    if let Some(results) = std::env::var_os(RESULTS) {
        let text = verdicts.fold(String::new(), |mut text, (id, verdict)| {
            let written = match verdict {
                Ok(()) => writeln!(text, "pass {id}"),
                Err(why) => writeln!(text, "fail {id}\t{}", why.replace('\n', " ")),
            };
            written.expect("a string takes everything");
            text
        });
        std::fs::write(Path::new(&results).join(family), text).expect("the folder of results can be written");
        return;
    }
    let list = std::fs::read_to_string(repository.join("CONFORMANCE")).unwrap_or_default();
    let lost = lost(&listed(&list, family), verdicts);
    assert!(lost.is_empty(), "these passed before and do not now:\n{}", lost.join("\n"));
}

/// The top of the repository, in which the crate under test is a folder.
fn repository() -> PathBuf {
    let dir = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    dir.parent().map_or_else(|| dir.clone(), Path::to_path_buf)
}

fn cases(dir: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(dir.join("cases.json")).expect("the corpus has cases.json");
    let value: Value = serde_json::from_str(&text).expect("cases.json is JSON");
    let rows = value["cases"].as_array().cloned().unwrap_or_default();
    rows.into_iter().map(|row| Case { dir: dir.to_owned(), row }).collect()
}

fn verdict(run: &impl Fn(&Case) -> Verdict, case: &Case) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| run(case))).unwrap_or_else(|_| Err("panicked".to_owned()))
}

/// The cases of a family that the list names.
fn listed<'a>(list: &'a str, family: &str) -> BTreeSet<&'a str> {
    let of_family = |line: &'a str| line.strip_prefix("corpus ")?.strip_prefix(family)?.strip_prefix('/');
    list.lines().filter_map(of_family).collect()
}

/// Listed cases that do not pass, with the reason, and those that are no longer there.
fn lost<'a>(listed: &BTreeSet<&'a str>, verdicts: impl Iterator<Item = (&'a str, Verdict)>) -> Vec<String> {
    let mut missing = listed.clone();
    let mut lost = Vec::new();
    for (id, verdict) in verdicts {
        let known = missing.remove(id);
        if let (true, Err(why)) = (known, verdict) {
            lost.push(format!("{id}: {why}"));
        }
    }
    lost.extend(missing.into_iter().map(|id| format!("{id}: there is no such case")));
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_cases_that_fail_or_are_gone_are_lost() {
        let list = "argv qemu/a\ncorpus cputest/a\ncorpus cputest/b/c\ncorpus cputest/gone\ncorpus other/x\n";
        let listed = listed(list, "cputest");
        assert_eq!(listed.iter().copied().collect::<Vec<_>>(), ["a", "b/c", "gone"]);
        let verdicts = [("a", Ok(())), ("b/c", Err("differs".to_owned())), ("new", Err("never".to_owned()))];
        assert_eq!(
            lost(&listed, verdicts.into_iter()),
            ["b/c: differs".to_owned(), "gone: there is no such case".to_owned()]
        );
    }

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(same("<a/>\n", "<a/>"), Ok(()));
        let why = same("<a>\n  <b/>\n</a>", "<a>\n  <c/>\n</a>").unwrap_err();
        assert!(why.starts_with("line 2: ") && why.contains("<c/>"), "{why}");
        assert!(same("a", "a\nb").unwrap_err().contains("None"));
    }

    #[test]
    fn a_case_that_panics_fails() {
        let case = Case { dir: PathBuf::new(), row: serde_json::json!({"id": "x", "arch": "x86_64"}) };
        assert_eq!(case.text("arch"), "x86_64");
        assert_eq!(case.file("/input"), None);
        assert_eq!(verdict(&|_| panic!("on purpose"), &case), Err("panicked".to_owned()));
    }
}
