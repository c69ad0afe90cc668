//! Documents and what they come to: `fixtures/KIND/CASE/`, for every kind but domains.
//!
//! | file | what |
//! | --- | --- |
//! | `in.xml` | the document |
//! | `out.xml` | what a definition gives back |
//! | `error.txt` | a refusal: `code: N`, then the sentence, then `at` and the place where there is one |
//!
//! The expected answers are stock libvirt's; the places are our own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use virt_conf::{Kind, Result, Surroundings, TextEnum as _};
use virt_xml::Document;

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn canonical(kind: Kind, xml: &str) -> Result<String> {
    kind.canonical(&Document::parse(xml)?, &Surroundings::default())
}

fn answer(kind: Kind, xml: &str) -> String {
    canonical(kind, xml).unwrap_or_else(|error| {
        let place = error.place().map_or_else(String::new, |place| format!("\nat {}", place.path));
        format!("code: {}\n{error}{place}\n", error.code().number())
    })
}

fn check(kind: Kind, case: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(case.join(file));
    let xml = read("in.xml").unwrap();
    let got = answer(kind, &xml);
    let (Ok(expected) | Err(expected)) =
        read("out.xml").or_else(|_| read("error.txt")).map_err(|error| error.to_string());
    if got.trim_end() != expected.trim_end() {
        return Some(format!("expected\n{expected}got\n{got}"));
    }
    let again = canonical(kind, &got).ok()?;
    (again != got).then(|| format!("defined again\n{again}differs from\n{got}"))
}

#[test]
fn documents_come_to_what_stock_libvirt_makes_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut report = String::new();
    for (kind, name) in Kind::SPELLINGS.iter().filter(|(kind, _)| *kind != Kind::Domain) {
        let cases = folders(&root.join(name));
        assert!(!cases.is_empty(), "no case in fixtures/{name}");
        for case in cases {
            if let Some(difference) = check(*kind, &case) {
                let _ = writeln!(report, "{}: {difference}", case.display());
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}
