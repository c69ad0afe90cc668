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
