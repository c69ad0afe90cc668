//! Trees of hosts with what stock libvirt makes of them, where they lie beside the repository.
#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use virt_conf::capabilities::{Capabilities, HostCpu, Migration};
use virt_host::{Root, cpu, topology};
use virt_sys::{Limits, Spawn};
use virt_types::{Arch, TextEnum};

fn corpus(family: &str) -> Option<(PathBuf, Vec<Value>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").join(family);
    let Ok(text) = std::fs::read(dir.join("cases.json")) else {
        eprintln!("skipped: no cases in {}", dir.display());
        return None;
    };
    let cases: Value = serde_json::from_slice(&text).unwrap();
    Some((dir, cases["cases"].as_array().unwrap().clone()))
}

/// A directory that is gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let dir = std::env::temp_dir().join(format!("virt-host-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn unpack(&self, archive: &Path, into: &str) {
        let dir = self.0.join(into);
        std::fs::create_dir_all(&dir).unwrap();
        let mut tar = Spawn::new("/bin/tar");
        tar.arg("-xf").arg(archive).arg("-C").arg(&dir);
        let output = virt_sys::run(tar, b"", Limits::new(Duration::from_secs(60), 1 << 20)).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn arch(case: &Value) -> Arch {
    Arch::from_text(case["arch"].as_str().unwrap()).unwrap()
}

#[test]
fn processors_are_counted_as_libvirt_does() {
    let Some((dir, cases)) = corpus("virhostcpu") else { return };
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case["kind"] == "nodeinfo") {
        let id = case["id"].as_str().unwrap();
        let scratch = Scratch::new(id);
        scratch.unpack(&dir.join(case["input"]["sysfs"].as_str().unwrap()), "sys/devices/system");
        std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
        std::fs::copy(dir.join(case["input"]["cpuinfo"].as_str().unwrap()), scratch.0.join("proc/cpuinfo"))
            .unwrap();
        let root = Root::at(&scratch.0);
        let arch = arch(case);
        let info = cpu::info_with_subcores(&root, arch, if arch.is_ppc64() { 8 } else { 0 });
        let ours = info.map_or_else(
            |error| error.to_string(),
            |info| {
                let all = info.nodes * info.sockets * info.cores * info.threads;
                format!(
                    "CPUs: {}/{all}, MHz: {}, Nodes: {}, Sockets: {}, Cores: {}, Threads: {}",
                    info.cpus, info.mhz, info.nodes, info.sockets, info.cores, info.threads
                )
            },
        );
        let theirs = std::fs::read_to_string(dir.join(case["expected"].as_str().unwrap())).unwrap();
        if ours.trim() != theirs.trim() {
            wrong.push(format!("{id}: {ours}, not {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cells_and_caches_are_told_as_libvirt_does() {
    let Some((dir, cases)) = corpus("vircaps2xml") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let scratch = Scratch::new(id);
        scratch.unpack(&dir.join(case["input"]["tree"].as_str().unwrap()), "sys/devices");
        let resctrl = scratch.0.join("sys/devices/resctrl");
        if resctrl.exists() {
            std::fs::create_dir_all(scratch.0.join("sys/fs")).unwrap();
            std::fs::rename(resctrl, scratch.0.join("sys/fs/resctrl")).unwrap();
        }
        let root = Root::at(&scratch.0);
        let mut capabilities = Capabilities::default();
        let host = &mut capabilities.host;
        host.cpu = HostCpu { arch: arch(case), ..HostCpu::default() };
        host.migration = (case["offline_migrate"] == true)
            .then(|| Migration { live: case["live_migrate"] == true, transports: Vec::new() });
        host.cells = Some(topology::cells(&root, host.cpu.arch).unwrap());
        host.interconnects = topology::interconnects(&root).unwrap();
        (host.cache, host.memory_bandwidth) = topology::caches(&root).unwrap();
        let theirs = std::fs::read_to_string(dir.join(case["expected"].as_str().unwrap())).unwrap();
        // Memory is made up there, not read from the tree, and cells have no distances.
        let comparable = |text: &str| {
            let made_up = ["<memory ", "<pages ", "distances>", "<sibling "];
            let lines = text.lines().filter(|line| !made_up.iter().any(|word| line.contains(word)));
            lines.collect::<Vec<_>>().join("\n").replace(" ='", "='")
        };
        let (ours, theirs) = (comparable(&capabilities.format()), comparable(&theirs));
        if ours != theirs {
            let difference = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
            wrong.push(format!("{id}: {difference:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn times_are_told_as_libvirt_does() {
    let Some((dir, cases)) = corpus("virhostcpu") else { return };
    for case in cases.iter().filter(|case| case["kind"] == "stats" && case["expected"].is_string()) {
        let scratch = Scratch::new("stats");
        std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
        std::fs::copy(dir.join(case["input"].as_str().unwrap()), scratch.0.join("proc/stat")).unwrap();
        let root = Root::at(&scratch.0);
        let ticks = |ns: u64| ns / (1_000_000_000 / virt_sys::host::clock_ticks());
        let mut ours = String::new();
        for cpu in -1..case["ncpus"].as_i64().unwrap() {
            let times = cpu::times(&root, cpu as i32, 0).unwrap();
            ours.push_str(&if cpu < 0 { "cpu:\n".to_owned() } else { format!("cpu{cpu}:\n") });
            for (name, time) in [
                ("kernel", times.kernel),
                ("user", times.user),
                ("idle", times.idle),
                ("iowait", times.iowait),
            ] {
                ours.push_str(&format!("{name}: {}\n", ticks(time)));
            }
            ours.push('\n');
        }
        let theirs = std::fs::read_to_string(dir.join(case["expected"].as_str().unwrap())).unwrap();
        assert_eq!(ours.trim(), theirs.trim());
        assert!(cpu::times(&root, case["ncpus"].as_i64().unwrap() as i32, 0).is_err());
    }
}
