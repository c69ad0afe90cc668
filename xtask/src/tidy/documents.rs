//! Rules about manifests, documents, fixtures, fuzz targets and paths.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Findings, Repository};
use crate::process::output;

/// Files that every clone has at its top.
const DOCUMENTS: &[&str] =
    &["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", ".ci/run"];

/// Manifest keys that every crate has.
const KEYS: &[&str] = &["description", "license", "readme", "repository", "rust_version"];

/// Each parser of what others wrote has a fuzz target: target, then a file that exists once the parser does.
const PARSERS: &[(&str, &str)] = &[
    ("xml", "virt-xml/src/document.rs"),
    ("packet", "virt-proto/src/packet/mod.rs"),
    ("arguments", "virt-proto/src/xdr/decoder.rs"),
    ("qmp_line", "virt-qmp/src/codec.rs"),
    ("domain", "virt-conf/src/domain/mod.rs"),
    ("documents", "virt-conf/src/kind.rs"),
    ("status", "virt-domain/src/status_file.rs"),
    ("config", "virt-domain/src/store.rs"),
    ("define", "virt-qemu/src/planner.rs"),
];

/// The table of devices, and the folders that have a module for each.
const DEVICE_TABLE: &str = "virt-conf/src/domain/device/mod.rs";
const DEVICE_FOLDERS: &[&str] = &["virt-conf/src/domain/device/", "virt-qemu/src/device/"];

/// Cases for the devices, a folder per device.
const FIXTURES: &str = "fixtures/domain/";

pub(super) fn check(repository: &Repository, findings: &mut Findings) {
    for name in DOCUMENTS.iter().filter(|name| !repository.has(name)) {
        findings.add(name, "is missing");
    }
    manifests(repository, findings);
    crate_list(repository, findings);
    machine_paths(repository, findings);
    devices(repository, findings);
    fuzz_targets(repository, findings);
}

fn manifests(repository: &Repository, findings: &mut Findings) {
    for package in &repository.packages {
        let dir = repository.relative(package.dir()).display().to_string();
        let place = format!("{dir}/Cargo.toml");
        if dir != package.name() {
            findings.add(
                &place,
                format!("the package {} is not in a folder of its name at the top", package.name()),
            );
        }
        for key in KEYS.iter().filter(|key| package.text(key).is_none()) {
            findings.add(&place, format!("the key {} is missing", key.replace('_', "-")));
        }
        if !repository.text(&place).contains("[lints]\nworkspace = true") {
            findings.add(&place, "does not take the workspace's lints ([lints] workspace = true)");
        }
    }
}

/// README's table of crates names the workspace's members, each once.
fn crate_list(repository: &Repository, findings: &mut Findings) {
    let readme = repository.text("README.md");
    let listed = listed_crates(&readme);
    let mut seen = BTreeSet::new();
    for name in &listed {
        if !seen.insert(*name) {
            findings.add("README.md", format!("lists the crate {name} twice"));
        }
        if repository.packages.iter().all(|package| package.name() != *name) {
            findings.add("README.md", format!("lists {name}, which is no crate of the workspace"));
        }
    }
    for package in repository.packages.iter().filter(|package| !listed.contains(&package.name())) {
        findings.add("README.md", format!("the table of crates does not list {}", package.name()));
    }
}

/// The names in the first column of the table below the heading `Crates`.
fn listed_crates(readme: &str) -> Vec<&str> {
    let section = readme.split_once("\n## Crates\n").map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// No file names a place that exists on one machine only: the folders of this checkout and of whoever runs this.
fn machine_paths(repository: &Repository, findings: &mut Findings) {
    let places = private_places(&repository.root);
    for name in &repository.files {
        let Ok(text) = std::fs::read_to_string(repository.root.join(name)) else { continue };
        for (at, line) in text.lines().enumerate() {
            for place in places.iter().filter(|place| names_path(line, place)) {
                findings
                    .add(format!("{name}:{}", at + 1), format!("names {place}, which only this machine has"));
            }
        }
    }
}

fn private_places(root: &Path) -> BTreeSet<String> {
    let listing = output(Command::new("git").arg("-C").arg(root).args(["worktree", "list", "--porcelain"]));
    let listing = listing.unwrap_or_default();
    let checkouts = listing.lines().filter_map(|line| line.strip_prefix("worktree ")).map(PathBuf::from);
    let homes =
        ["HOME", "CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let parents = checkouts.chain([root.to_owned()]).filter_map(|path| Some(path.parent()?.to_owned()));
    let places = parents.chain(homes).map(|path| format!("{}/", path.display()));
    places.filter(|place| !is_common(place)).collect()
}

/// Folders that every machine has say nothing about one.
fn is_common(place: &str) -> bool {
    ["/", "/root/", "/home/", "/src/", "/usr/src/", "/tmp/", "/var/tmp/", "/opt/", "/srv/", "/build/"]
        .contains(&place)
}

/// Whether the line names something below `place`, as a path from the top.
fn names_path(line: &str, place: &str) -> bool {
    let starts = |before: Option<char>| before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}".contains(c));
    line.match_indices(place).any(|(at, _)| starts(line[..at].chars().next_back()))
}

/// A device is one file of its element's name in the model and in each driver, and has at least one case.
fn devices(repository: &Repository, findings: &mut Findings) {
    let table = repository.text(DEVICE_TABLE);
    let has_any = |prefix: &str| repository.files.iter().any(|file| file.starts_with(prefix));
    for name in device_names(&table) {
        for folder in DEVICE_FOLDERS.iter().filter(|folder| repository.has(folder)) {
            let module = format!("{folder}{name}");
            if !has_any(&format!("{module}.rs")) && !has_any(&format!("{module}/")) {
                findings.add(
                    format!("{module}.rs"),
                    format!("is missing; {DEVICE_TABLE} lists the device {name}"),
                );
            }
        }
        let cases = format!("{FIXTURES}{name}/");
        if repository.has(FIXTURES) && !has_any(&cases) {
            findings.add(cases, format!("is missing; the device {name} has no case"));
        }
    }
}

/// The elements in the rows of `for_each_device!`, each `field: Multiplicity Type "element";`.
fn device_names(table: &str) -> Vec<&str> {
    let rows = table.split_once("macro_rules! for_each_device").map_or("", |(_, rest)| rest);
    let rows = rows.split("\n}").next().unwrap_or_default();
    rows.lines()
        .filter_map(|row| row.trim().strip_suffix("\";")?.rsplit_once('"').map(|(_, name)| name))
        .collect()
}

fn fuzz_targets(repository: &Repository, findings: &mut Findings) {
    for (target, parser) in PARSERS.iter().filter(|(_, parser)| repository.has(parser)) {
        let file = format!("fuzz/fuzz_targets/{target}.rs");
        if !repository.has(&file) {
            findings.add(file, format!("is missing; it fuzzes {parser}"));
        }
    }
    let manifest = repository.text("fuzz/Cargo.toml");
    for file in repository.files.iter().filter(|file| file.starts_with("fuzz/fuzz_targets/")) {
        if !manifest.contains(file.trim_start_matches("fuzz/")) {
            findings.add("fuzz/Cargo.toml", format!("has no line in `bin` for {file}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_read_from_their_section_only() {
        let readme = "# x\n| `no` | a |\n\n## Crates\n\n| crate | purpose |\n| --- | --- |\n| `virt-a` | a |\n| `virt-b` | b |\n\n## Then\n| `no` |\n";
        assert_eq!(listed_crates(readme), ["virt-a", "virt-b"]);
        assert!(listed_crates("nothing").is_empty());
    }

    #[test]
    fn paths_count_from_the_top_only() {
        let place = concat!("/my", "/place/");
        assert!(names_path(&format!("see {place}x"), place));
        assert!(names_path(&format!("\"{place}x\""), place));
        assert!(!names_path(&format!("..{place}x"), place));
        assert!(!names_path(&format!("some{place}x"), place));
    }

    #[test]
    fn devices_are_read_from_the_table_alone() {
        let table = "let x = \"no\";\nmacro_rules! for_each_device {\n    (x) => {\n        disks: Vec Disk \"disk\";\n        \
                     panics: Vec Panic \"panic\";\n    };\n}\nlet y = \"no\";\n";
        assert_eq!(device_names(table), ["disk", "panic"]);
        assert!(device_names("").is_empty());
    }
}
