//! Capabilities as stock libvirt tells them of recorded binaries, where the recordings lie beside the repository.
#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use std::path::{Path, PathBuf};

use virt_conf::capabilities::{Capabilities as Document, HostCpu};
use virt_conf::domain::VirtType;
use virt_qemu::caps::domain_capabilities::Question;
use virt_qemu::caps::recorded;
use virt_qemu::planner::Planner;
use virt_types::{Arch, TextEnum};

/// Targets whose own answers were recorded; others are answered for by a sibling.
const RECORDED: &[&str] = &["x86_64", "i386", "aarch64", "ppc64", "riscv64", "s390x"];

fn recordings() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    if !dir.is_dir() {
        eprintln!("skipped: no recordings of stock libvirt in {}", dir.display());
        return None;
    }
    Some(dir)
}

/// The text of the first element of this name, which has no attributes.
fn text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    Some(&xml[start..start + xml[start..].find('<')?])
}

/// The document without what the recordings do not hold: QEMU's answers on the host's own CPU.
fn comparable(xml: &str) -> String {
    let mut kept = String::new();
    let mut until = None;
    for line in xml.lines() {
        match until {
            Some(end) => {
                if line.trim() == end {
                    until = None;
                }
            }
            None if line.contains("<mode name='host-model' supported='yes'>") => until = Some("</mode>"),
            None if line.contains("<mode name='host-model'") => {}
            None if line.contains("<hyperv ") => until = Some("</hyperv>"),
            None => kept.extend([line, "\n"]),
        }
    }
    kept
}

fn difference(ours: &str, theirs: &str) -> String {
    let at = ours.lines().zip(theirs.lines()).position(|(ours, theirs)| ours != theirs);
    let line = |text: &str| text.lines().nth(at.unwrap_or(0)).unwrap_or_default().to_owned();
    format!("line {at:?}: {} instead of {}", line(ours), line(theirs))
}

#[test]
fn domain_capabilities_are_stock_libvirts() {
    let Some(dir) = recordings() else { return };
    let host = Planner::recorded(&dir).unwrap().host;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(dir.join("host")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("domcapabilities.") || !name.ends_with(".xml") {
            continue;
        }
        let theirs = std::fs::read_to_string(&path).unwrap();
        let binary = text(&theirs, "path").unwrap();
        if !RECORDED.iter().any(|target| binary.ends_with(&format!("-{target}"))) {
            continue;
        }
        let caps = recorded::load(&dir, binary).unwrap().unwrap();
        let question = Question {
            caps: &caps,
            host: &host,
            arch: Arch::from_text(text(&theirs, "arch").unwrap()).unwrap(),
            virt_type: VirtType::from_text(text(&theirs, "domain").unwrap()).unwrap(),
            machine: text(&theirs, "machine"),
            kvm_max_vcpus: 1024,
        };
        let (ours, theirs) = (comparable(&question.answer(&|_| true).format()), comparable(&theirs));
        compared += 1;
        if ours != theirs {
            wrong.push(format!("{name}: {}", difference(&ours, &theirs)));
        }
    }
    assert!(compared >= 20, "only {compared} documents were compared");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn guests_are_stock_libvirts() {
    let Some(dir) = recordings() else { return };
    let theirs = std::fs::read_to_string(dir.join("host/capabilities.xml")).unwrap();
    let mut compared = 0;
    for theirs in theirs.split("  <guest>\n").skip(1) {
        let binary = text(theirs, "emulator").unwrap();
        if !RECORDED.iter().any(|target| binary.ends_with(&format!("-{target}"))) {
            continue;
        }
        let name = theirs.split("<arch name='").nth(1).unwrap().split('\'').next().unwrap();
        let arch = Arch::from_text(name).unwrap();
        let caps = recorded::load(&dir, binary).unwrap().unwrap();
        let mut document = Document { guests: vec![caps.guest(arch)], ..Document::default() };
        document.host.cpu = HostCpu { arch, ..HostCpu::default() };
        let ours = document.format();
        let ours = ours.split("  <guest>\n").nth(1).unwrap();
        let whole = |text: &str| text.split("  </guest>").next().unwrap().to_owned();
        compared += 1;
        assert_eq!(whole(ours), whole(theirs), "{}", difference(ours, theirs));
    }
    assert!(compared >= 6, "only {compared} guests were compared");
}
