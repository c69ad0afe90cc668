//! The engine's figures, beside a bare QEMU and, where `VIRT_PEER_URI` names one, beside a stock libvirtd.
//!
//! All that is compared is measured in turns within one run, so that a busy machine slows every side alike: read the
//! ratios. `cargo xtask bench --peer -p virt-core` starts the libvirtd. A word on the command line chooses the groups whose
//! names contain it; `VIRT_BENCH_SAMPLES` sets how often each thing is measured.
// Figures on a terminal are the purpose of this program.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod documents;
mod floor;
mod harness;
mod lifecycle;
mod peer;
mod registry;

use std::error::Error;
use std::path::{Path, PathBuf};

use harness::Table;
use peer::Peer;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The smallest domain: what its start costs is the engine's cost and QEMU's.
const MINIMAL: &str = include_str!("../../../fixtures/bench/minimal.xml");

/// A group of figures.
struct Group {
    name: &'static str,
    run: fn(&mut Setting, &mut Table) -> Result<()>,
}

const GROUPS: &[Group] = &[
    Group { name: "lifecycle", run: lifecycle::run },
    Group { name: "many", run: lifecycle::run_many },
    Group { name: "documents", run: documents::run },
    Group { name: "registry", run: registry::run },
];

/// What every group has at hand.
struct Setting {
    dir: Scratch,
    samples: usize,
    peer: Option<Peer>,
}

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn below(parent: &Path) -> std::io::Result<Self> {
        let dir = parent.join(format!("virt-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn uri(&self, name: &str) -> String {
        format!("qemu:///embed?root={}", self.path(name).display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The minimal domain under another name.
fn minimal(name: &str) -> String {
    MINIMAL.replacen("<name>minimal<", &format!("<name>{name}<"), 1)
}

fn main() -> Result<()> {
    // cargo says `--bench` to every benchmark.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some(count) = words.strip_prefix(&[registry::CHILD.to_owned()]) {
        return registry::child(count);
    }
    let filter = words.first().map_or("", String::as_str);
    if virt_sys::find_program("qemu-system-x86_64").is_none() {
        println!("skipped: no qemu-system-x86_64 on the path");
        return Ok(());
    }
    let samples = std::env::var("VIRT_BENCH_SAMPLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let peer = std::env::var("VIRT_PEER_URI").ok().map(|uri| Peer::connect(&uri)).transpose()?;
    let mut setting = Setting { dir: Scratch::below(&std::env::temp_dir())?, samples, peer };
    for group in GROUPS.iter().filter(|group| group.name.contains(filter)) {
        let mut table = Table::default();
        (group.run)(&mut setting, &mut table)?;
        println!("\n{}\n{table}", group.name);
    }
    Ok(())
}
