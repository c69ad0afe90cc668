//! Families of the external corpus that this crate answers: trees of hosts with what stock libvirt makes of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use virt_conf::capabilities::{Capabilities, HostCpu, Migration};
use virt_host::{Root, cpu, sysinfo, topology};
use virt_sys::{Limits, Spawn};
use virt_testkit::corpus::{self, Case, Verdict, same};
use virt_types::{Arch, TextEnum};

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

fn arch(case: &Case) -> Arch {
    Arch::from_text(case.text("arch")).unwrap()
}

#[test]
fn virhostcpu() {
    corpus::check("virhostcpu", |case| match case.text("kind") {
        "nodeinfo" => node_info(case),
        "signature" => signature(case),
        "stats" => times(case),
        kind => Err(format!("{kind} is not answered")),
    });
}

fn node_info(case: &Case) -> Verdict {
    let scratch = Scratch::new(case.id());
    scratch.unpack(&case.file("/input/sysfs").unwrap(), "sys/devices/system");
    std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
    std::fs::copy(case.file("/input/cpuinfo").unwrap(), scratch.0.join("proc/cpuinfo")).unwrap();
    let root = Root::at(&scratch.0);
    let arch = arch(case);
    let info = cpu::info_with_subcores(&root, arch, if arch.is_ppc64() { 8 } else { 0 });
    let info = info.map_err(|error| error.to_string())?;
    let all = info.nodes * info.sockets * info.cores * info.threads;
    let ours = format!(
        "CPUs: {}/{all}, MHz: {}, Nodes: {}, Sockets: {}, Cores: {}, Threads: {}",
        info.cpus, info.mhz, info.nodes, info.sockets, info.cores, info.threads
    );
    same(&ours, &case.read("/expected").unwrap())
}

fn signature(case: &Case) -> Verdict {
    let scratch = Scratch::new(case.id());
    std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
    std::fs::copy(case.file("/input/cpuinfo").unwrap(), scratch.0.join("proc/cpuinfo")).unwrap();
    let ours = cpu::signature(&Root::at(&scratch.0), arch(case)).map_err(|error| error.to_string())?;
    same(&ours.unwrap_or_default(), &case.read("/expected").unwrap_or_default())
}

fn times(case: &Case) -> Verdict {
    let scratch = Scratch::new(case.id());
    std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
    std::fs::copy(case.file("/input").unwrap(), scratch.0.join("proc/stat")).unwrap();
    let root = Root::at(&scratch.0);
    let count = i32::try_from(case.row["ncpus"].as_i64().unwrap()).unwrap();
    let ticks = |ns: u64| ns / (1_000_000_000 / virt_sys::host::clock_ticks());
    let mut ours = String::new();
    for cpu in -1..count {
        let times = match cpu::times(&root, cpu, 0) {
            Err(_) if !case.row["expect_failure"].is_null() => return Ok(()),
            times => times.map_err(|error| error.to_string())?,
        };
        ours.push_str(&if cpu < 0 { "cpu:\n".to_owned() } else { format!("cpu{cpu}:\n") });
        for (name, time) in
            [("kernel", times.kernel), ("user", times.user), ("idle", times.idle), ("iowait", times.iowait)]
        {
            ours.push_str(&format!("{name}: {}\n", ticks(time)));
        }
        ours.push('\n');
    }
    if cpu::times(&root, count, 0).is_ok() {
        return Err(format!("there is no CPU {count}"));
    }
    same(&ours, &case.read("/expected").unwrap_or_default())
}

#[test]
fn vircaps2xml() {
    corpus::check("vircaps2xml", |case| {
        let scratch = Scratch::new(case.id());
        scratch.unpack(&case.file("/input/tree").unwrap(), "sys/devices");
        let resctrl = scratch.0.join("sys/devices/resctrl");
        if resctrl.exists() {
            std::fs::create_dir_all(scratch.0.join("sys/fs")).unwrap();
            std::fs::rename(resctrl, scratch.0.join("sys/fs/resctrl")).unwrap();
        }
        let root = Root::at(&scratch.0);
        let mut capabilities = Capabilities::default();
        let host = &mut capabilities.host;
        host.cpu = HostCpu { arch: arch(case), ..HostCpu::default() };
        host.migration = (case.row["offline_migrate"] == true)
            .then(|| Migration { live: case.row["live_migrate"] == true, transports: Vec::new() });
        host.cells = Some(topology::cells(&root, host.cpu.arch).unwrap());
        host.interconnects = topology::interconnects(&root).unwrap();
        (host.cache, host.memory_bandwidth) = topology::caches(&root).unwrap();
        // Memory is made up there, not read from the tree, and cells have no distances.
        let comparable = |text: &str| {
            let made_up = ["<memory ", "<pages ", "distances>", "<sibling "];
            let lines = text.lines().filter(|line| !made_up.iter().any(|word| line.contains(word)));
            lines.collect::<Vec<_>>().join("\n").replace(" ='", "='")
        };
        same(&comparable(&capabilities.format()), &comparable(&case.read("/expected").unwrap()))
    });
}

/// Firmware's tables are read as they are here, not as a program words them: those cases have no tables.
#[test]
fn sysinfo() {
    corpus::check("sysinfo", |case| {
        let arch = match case.text("reader") {
            "S390" => Arch::S390x,
            "PPC" => Arch::Ppc64,
            "ARM" => Arch::Aarch64,
            _ => Arch::X86_64,
        };
        let scratch = Scratch::new(case.id());
        std::fs::create_dir_all(scratch.0.join("proc")).unwrap();
        for name in ["cpuinfo", "sysinfo"] {
            if let Some(file) = case.file(&format!("/input/{name}")) {
                std::fs::copy(file, scratch.0.join("proc").join(name)).unwrap();
            }
        }
        let ours = sysinfo::read(&Root::at(&scratch.0), arch).map_err(|error| error.to_string())?;
        same(&ours.format(), &case.read("/expected").ok_or("nothing is expected")?)
    });
}
