//! Documents and what they come to: `fixtures/domain/DEVICE/CASE/`.
//!
//! | file | what |
//! | --- | --- |
//! | `in.xml` | the document |
//! | `out.xml` | what a definition gives back |
//! | `qemu.args` | the command line, one argument per line, environment first |
//! | `error.txt` | a refusal: `code: N`, then the sentence |
//!
//! The expected answers are stock libvirt's. The host is `fixtures/host/`: what one QEMU binary said of itself, recorded
//! with `cargo run -p virt-qemu --example record-capabilities`.
// What is skipped is part of a result.
#![allow(clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use virt_conf::domain::{Domain, passes::NullPolicy};
use virt_conf::{FormatFlags, ParseFlags};
use virt_qemu::caps::Capabilities;
use virt_qemu::planner::{CapabilitySource, Planner};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result};

const BINARY: &str = "/usr/bin/qemu-system-x86_64";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn recording() -> PathBuf {
    fixtures().join("host/qemu-system-x86_64.json")
}

#[derive(Debug)]
struct OneBinary(Arc<Capabilities>);

impl CapabilitySource for OneBinary {
    fn of_binary(&self, path: &str) -> Result<Arc<Capabilities>> {
        if path == BINARY {
            return Ok(Arc::clone(&self.0));
        }
        let detail = format!("Cannot check QEMU binary {path}: No such file or directory");
        Err(Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail))
    }

    fn default_emulator(&self, _: Arch, guest: Arch) -> Option<String> {
        (guest == Arch::X86_64).then(|| BINARY.to_owned())
    }
}

fn planner() -> Planner {
    let recorded = fs::read(recording()).expect("fixtures/host has a recording");
    let capabilities = serde_json::from_slice(&recorded).expect("the recording can be read");
    // Host and settings are those of every recorded host; only the binary is this one.
    let Planner { config, host, .. } = Planner::recorded(&fixtures().join("host")).unwrap();
    Planner::new(config, host, Box::new(OneBinary(Arc::new(capabilities))))
}

/// Every folder with a document, by its path below `fixtures/domain/`.
fn cases() -> BTreeMap<String, PathBuf> {
    let root = fixtures().join("domain");
    let folders = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    folders(&root)
        .iter()
        .flat_map(|device| folders(device))
        .filter(|case| case.join("in.xml").exists())
        .map(|case| (case.strip_prefix(&root).unwrap().display().to_string(), case))
        .collect()
}

#[test]
fn documents_come_to_what_stock_libvirt_makes_of_them() {
    let planner = planner();
    let cases = cases();
    assert!(!cases.is_empty(), "no case in fixtures/domain");
    let mut report = String::new();
    for (name, dir) in &cases {
        for difference in check(&planner, dir) {
            let _ = writeln!(report, "{name}: {difference}");
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// Where stock libvirt accepts a domain, writes a file that it does not read, and so loses the domain when it is
/// started anew.
#[test]
fn what_libvirt_loses_is_kept() {
    let planner = planner();
    for devices in [
        "<controller type='usb' index='5' model='none'/>",
        "<hostdev type='usb'><source/></hostdev>",
        "<video><model type='none'/></video>",
    ] {
        let xml = format!(
            "<domain type='qemu'><name>kept</name><memory>65536</memory>\
             <uuid>0f6a4f52-7f0e-4c39-9c55-0a6a8f3f9d11</uuid>\
             <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"
        );
        let written = planner.canonical(&xml).unwrap();
        let read = Domain::parse(&written, ParseFlags::INACTIVE).unwrap();
        assert_eq!(read.format(FormatFlags::INACTIVE), written, "{devices}");
    }
}

fn check(planner: &Planner, dir: &Path) -> Vec<String> {
    let xml = fs::read_to_string(dir.join("in.xml")).unwrap();
    let expected = |file: &str| fs::read_to_string(dir.join(file)).ok();
    let (out, args, refusal) = (expected("out.xml"), expected("qemu.args"), expected("error.txt"));
    if out.is_none() && args.is_none() && refusal.is_none() {
        return vec!["expects nothing".to_owned()];
    }
    let mut differences = Vec::new();
    if let Some(refusal) = refusal {
        let got = match planner.native(&xml) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => format!("code: {}\n{error}", error.code().number()),
        };
        differences.extend(first_difference("error.txt", &refusal, &got));
    }
    if let Some(out) = out {
        let got = planner.canonical(&xml).unwrap_or_else(|error| error.report().to_string());
        differences.extend(first_difference("out.xml", &out, &got));
        differences.extend(read_again(&got));
        differences.extend(defined_again(planner, &got));
    }
    if let Some(args) = args {
        let got =
            planner.native(&xml).map_or_else(|error| error.report().to_string(), |plan| plan.to_lines());
        differences.extend(first_difference(
            "qemu.args",
            &number_descriptors(&args),
            &number_descriptors(&got),
        ));
    }
    differences
}

/// A file that is read when the engine starts anew holds the same domain.
fn read_again(out: &str) -> Option<String> {
    let mut read = match Domain::parse(out, ParseFlags::INACTIVE) {
        Ok(read) => read,
        Err(error) => return Some(format!("out.xml is not read: {error}")),
    };
    let filled = read.fill(&NullPolicy, ParseFlags::INACTIVE);
    let flags = FormatFlags::INACTIVE | FormatFlags::SECURE;
    let text = filled.map_or_else(|error| error.to_string(), |()| read.format(flags));
    first_difference("out.xml, read again, sorted", &sorted(out), &sorted(&text))
}

/// A definition that is defined again stays as it is. Only devices that libvirt added at the end may move to those of
/// their kind, once.
fn defined_again(planner: &Planner, out: &str) -> Option<String> {
    let define = |xml: &str| planner.canonical(xml).unwrap_or_else(|error| error.report().to_string());
    let again = define(out);
    first_difference("out.xml, defined again, sorted", &sorted(out), &sorted(&again))
        .or_else(|| first_difference("out.xml, defined twice again", &again, &define(&again)))
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn first_difference(file: &str, expected: &str, got: &str) -> Option<String> {
    let (mut left, mut right) = (expected.trim_end().lines(), got.trim_end().lines());
    for line in 1.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (expected, got) if expected == got => {}
            (expected, got) => {
                let show = |line: Option<&str>| line.unwrap_or("nothing more").to_owned();
                return Some(format!(
                    "{file}:{line}\n  expected {}\n  got      {}",
                    show(expected),
                    show(got)
                ));
            }
        }
    }
    None
}

/// Replaces the numbers of descriptors by the order in which they appear: which ones are free is not the plan's matter.
fn number_descriptors(args: &str) -> String {
    const KEYS: [&str; 5] = ["\"fd\":\"", "\"vhostfd\":\"", "\"fds\":\"", "\"vhostfds\":\"", ",fd="];
    let mut seen: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut rest = args;
    while let Some((at, key)) = KEYS.iter().filter_map(|key| Some((rest.find(key)?, *key))).min() {
        let (before, after) = rest.split_at(at + key.len());
        let end = after.find(['"', ',']).unwrap_or(after.len());
        text.push_str(before);
        let numbers = after[..end].split(':').map(|number| {
            let known = seen.iter().position(|other| other == number);
            known.unwrap_or_else(|| {
                seen.push(number.to_owned());
                seen.len() - 1
            })
        });
        let numbers: Vec<_> = numbers.map(|index| format!("@FD{}@", index + 1)).collect();
        text.push_str(&numbers.join(":"));
        rest = &after[end..];
    }
    text + rest
}

/// The planners with the documents that they are asked about: the fixtures, and what is recorded beside this repository,
/// where that is.
fn asked() -> Vec<(Planner, Vec<PathBuf>)> {
    let mut asked = vec![(planner(), cases().into_values().map(|dir| dir.join("in.xml")).collect())];
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    if shared.is_dir() {
        let families = ["qemu", "qemu-canonical", "newer", "generic", "qemu-hotplug", "qemu-memlock"];
        let cases = families.iter().filter_map(|family| fs::read_dir(shared.join(family)).ok()).flatten();
        let mut documents: Vec<PathBuf> = cases.map(|case| case.unwrap().path().join("input.xml")).collect();
        documents.sort();
        asked.push((Planner::recorded(&shared).unwrap(), documents));
    } else {
        eprintln!("SKIPPED the recorded documents: {} is not there", shared.display());
    }
    asked
}

/// Recorded documents whose canonical form, which is libvirt's, libvirt itself reads as something else or not at all: two
/// consoles at one port, and numbers of a bus that are given out anew.
const NOT_FIXED: &[&str] = &[
    "qemu/console-compat-2",
    "qemu/console-compat2",
    "qemu/hostdev-vfio-zpci-boundaries",
    "qemu/serial-tcp-tlsx509-chardev",
    "qemu/serial-tcp-tlsx509-chardev-verify",
    "qemu/serial-tcp-tlsx509-secret-chardev",
];

#[test]
fn a_definition_is_what_its_own_document_defines() {
    let (mut wrong, mut count) = (String::new(), 0);
    for (planner, documents) in asked() {
        for path in documents {
            if NOT_FIXED.iter().any(|case| path.parent().is_some_and(|dir| dir.ends_with(case))) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let Ok(once) = planner.canonical(&text) else { continue };
            // What was defined is read as it was written: nothing is chosen anew.
            let again = |text: &str| {
                let (domain, _) = planner.define(text, ParseFlags::INACTIVE)?;
                Ok(domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE))
            };
            let outcome: Result<(String, String)> = again(&once).and_then(|twice| {
                let thrice = again(&twice)?;
                Ok((twice, thrice))
            });
            match outcome {
                // Controllers whose numbers were filled in find their place when they are read, as under libvirt.
                Ok((twice, thrice)) if sorted(&twice) == sorted(&once) && thrice == twice => {}
                Ok((twice, thrice)) => {
                    let difference = (sorted(&once), sorted(&twice));
                    let difference = difference.0.lines().zip(difference.1.lines()).find(|(a, b)| a != b);
                    let later = twice.lines().zip(thrice.lines()).find(|(a, b)| a != b);
                    let _ = writeln!(wrong, "{}: {difference:?}, then {later:?}", path.display());
                }
                Err(error) => {
                    let _ = writeln!(wrong, "{}: {}", path.display(), error.report());
                }
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "of {count}:\n{wrong}");
}

/// A command line without the one thing that is another with every second: when a clock that is counted from now begins.
fn timeless(argv: Vec<String>) -> Vec<String> {
    let date = |word: &String| word.strip_prefix("base=20").is_some_and(|rest| rest.contains('T'));
    argv.into_iter().map(|word| if date(&word) { "base=".to_owned() } else { word }).collect()
}

/// Set in the children of [`another_process_answers_with_the_same_bytes`].
const ANSWER: &str = "VIRT_FIXTURES_ANSWER";

#[test]
fn another_process_answers_with_the_same_bytes() {
    if let Some(path) = std::env::var_os(ANSWER) {
        let mut answers = String::new();
        for (planner, documents) in asked() {
            for path in documents {
                let text = fs::read_to_string(&path).unwrap();
                let canonical = planner.canonical(&text).unwrap_or_else(|error| error.report().to_string());
                let plan = planner.plan(&text);
                let argv = match &plan {
                    Ok(plan) => format!("{:?}\n{:?}\n{:?}", plan.env, timeless(plan.argv()), plan.needs),
                    Err(error) => error.report().to_string(),
                };
                let _ = writeln!(answers, "{}\n{canonical}\n{argv}", path.display());
            }
        }
        return fs::write(path, answers).unwrap();
    }
    // Every process hashes with seeds of its own.
    let answers = [0, 1].map(|number| {
        let name = format!("virt-fixtures-answer-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "another_process_answers_with_the_same_bytes"])
            .env(ANSWER, &path)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        let answers = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        answers
    });
    let difference = answers[0].lines().zip(answers[1].lines()).find(|(one, other)| one != other);
    assert_eq!(difference, None);
    assert_eq!(answers[0].len(), answers[1].len());
    assert!(answers[0].len() > 10_000, "{}", answers[0].len());
}
