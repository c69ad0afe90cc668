//! `virNodeGetInfo`: how the processors are grouped.

use std::collections::{BTreeMap, BTreeSet};

use virt_conf::common::Bitmap;
use virt_types::Arch;

use super::{CPU_DIR, Place, online, present};
use crate::{Error, Result, Root};

const NODE_DIR: &str = "/sys/devices/system/node";

/// How the processors are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Info {
    /// Online CPUs.
    pub cpus: u32,
    /// Frequency in MHz; 0 if unknown.
    pub mhz: u32,
    /// NUMA cells.
    pub nodes: u32,
    /// Sockets in the cell that has most.
    pub sockets: u32,
    /// Cores in the socket that has most.
    pub cores: u32,
    /// Threads in the core that has most.
    pub threads: u32,
}

/// What is in one cell.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    cpus: u32,
    offline: u32,
    sockets: u32,
    cores: u32,
    threads: u32,
}

/// Counts the processors as libvirt does: where the cells are not alike, so that their figures would not multiply to the
/// number of CPUs, everything is told as one socket.
///
/// # Errors
/// Where the kernel does not tell of any.
pub fn info(root: &Root, arch: Arch) -> Result<Info> {
    let per_subcore = if arch.is_ppc64() { virt_sys::kvm::threads_per_subcore().unwrap_or(0) } else { 0 };
    info_with_subcores(root, arch, per_subcore)
}

/// The same for a POWER host that has this many threads in each part of a core (0 where cores are not parted).
///
/// # Errors
/// As [`info`].
pub fn info_with_subcores(root: &Root, arch: Arch, per_subcore: u32) -> Result<Info> {
    let (present, online) = (present(root)?, online(root)?);
    // Guests on POWER need all but the first thread of each part to be offline; else the parts do not count.
    let parted = per_subcore > 0 && online.iter().all(|cpu| cpu % per_subcore == 0);
    let per_subcore = if parted { per_subcore } else { 0 };
    let group = |dir: &str| {
        let cpus = root.numbered(dir, "cpu");
        Cpus { cpus: &cpus, present: &present, online: &online, per_subcore, arch }.count(root)
    };
    let mut total = Group::default();
    let mut nodes = 0;
    for node in root.numbered(NODE_DIR, "node").iter() {
        let found = group(&format!("{NODE_DIR}/node{node}"))?;
        nodes += 1;
        total.cpus += found.cpus;
        total.offline += found.offline;
        total.sockets = total.sockets.max(found.sockets);
        total.cores = total.cores.max(found.cores);
        total.threads = total.threads.max(found.threads);
    }
    if total.cpus == 0 {
        nodes = 1;
        total = group(CPU_DIR)?;
    }
    for (count, what) in [(total.cpus, "CPUs"), (total.sockets, "sockets"), (total.threads, "threads")] {
        if count == 0 {
            return Err(Error::NoProcessors(what));
        }
    }
    let mut info = Info {
        cpus: total.cpus,
        mhz: mhz(root, arch)?,
        nodes,
        sockets: total.sockets,
        cores: total.cores,
        threads: total.threads,
    };
    let all = total.cpus + total.offline;
    if info.nodes * info.sockets * info.cores * info.threads != all {
        info = Info { nodes: 1, sockets: 1, cores: all, threads: 1, ..info };
    }
    Ok(info)
}

/// The CPUs of a cell, and what is known of all.
struct Cpus<'a> {
    cpus: &'a Bitmap,
    present: &'a Bitmap,
    online: &'a Bitmap,
    per_subcore: u32,
    arch: Arch,
}

impl Cpus<'_> {
    fn count(&self, root: &Root) -> Result<Group> {
        let mut group = Group::default();
        let mut cores: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for cpu in self.cpus.iter().filter(|cpu| self.present.contains(*cpu)) {
            if !self.online.contains(cpu) {
                // A thread that is offline because of the parting runs as soon as a guest does.
                let first = cpu.checked_rem(self.per_subcore).map(|thread| cpu - thread);
                if first.is_some_and(|first| first != cpu && self.online.contains(first)) {
                    group.cpus += 1;
                } else {
                    group.offline += 1;
                }
                continue;
            }
            group.cpus += 1;
            let place = Place::of(root, cpu)?;
            // What s390 calls a CPU is a core.
            let core = if self.arch.is_s390() { cpu } else { place.core };
            cores.entry(place.socket).or_default().insert(core);
            group.threads = group.threads.max(length(place.siblings.0.len()));
        }
        group.sockets = length(cores.len());
        group.cores = cores.values().map(|cores| length(cores.len())).max().unwrap_or(0);
        group.threads *= self.per_subcore.max(1);
        Ok(group)
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The frequency that `/proc/cpuinfo` names, in MHz; 0 where it names none.
fn mhz(root: &Root, arch: Arch) -> Result<u32> {
    let key = match arch {
        arch if arch.is_x86() => "cpu MHz",
        arch if arch.is_ppc64() || matches!(arch, Arch::Ppc | Arch::Ppcle) => "clock",
        arch if arch.is_s390() => "cpu MHz dynamic",
        _ => return Ok(0),
    };
    let text = root.text("/proc/cpuinfo")?.unwrap_or_default();
    let mut values = text.lines().filter_map(|line| {
        let value = line.strip_prefix(key)?.trim_start().strip_prefix(':')?.trim_start();
        value.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    Ok(values.next_back().unwrap_or(0))
}
