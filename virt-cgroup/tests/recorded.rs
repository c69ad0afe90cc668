//! Values of groups in recorded trees: hosts with v1, with v2, and with both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use virt_cgroup::{
    Access, Controller, CpuQuota, DeviceKind, Error, Group, Host, NO_QUOTA, Thread, UNLIMITED, Version,
};

/// A directory that is gone when it is dropped.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let tree = Self(std::env::temp_dir().join(format!("virt-cgroup-{}-{name}", std::process::id())));
        for (path, text) in files {
            tree.put(path, text);
        }
        tree
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn host(&self) -> Arc<Host> {
        Arc::new(Host::detect(&self.0).unwrap())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LEGACY: &[(&str, &str)] = &[
    (
        "proc/mounts",
        "cgroup /cg/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup /cg/cpuset cgroup rw,cpuset 0 0\n\
         cgroup /cg/memory cgroup rw,memory 0 0\ncgroup /cg/devices cgroup rw,devices 0 0\n\
         cgroup /cg/blkio cgroup rw,blkio 0 0\ncgroup /cg/freezer cgroup rw,freezer 0 0\n\
         cgroup /cg/systemd cgroup rw,name=systemd 0 0\ncgroup2 /cg/unified cgroup2 rw 0 0\n",
    ),
    ("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t2\t1\t1\n"),
    ("cg/unified/cgroup.controllers", "hugetlb\n"),
    ("cg/cpu,cpuacct/g/cpu.shares", "1024\n"),
    ("cg/cpu,cpuacct/g/cpu.cfs_period_us", "100000\n"),
    ("cg/cpu,cpuacct/g/cpu.cfs_quota_us", "-1\n"),
    ("cg/cpu,cpuacct/g/cpuacct.usage", "2787788855855\n"),
    ("cg/cpu,cpuacct/g/cpuacct.usage_percpu", "1413142688153 1374646168910 \n"),
    ("cg/cpu,cpuacct/g/cpuacct.stat", "user 216687\nsystem 43421\n"),
    ("cg/cpuset/g/cpuset.cpus", "0-3\n"),
    ("cg/cpuset/g/cpuset.mems", "0\n"),
    ("cg/cpuset/g/cpuset.memory_migrate", "0\n"),
    ("cg/memory/g/memory.limit_in_bytes", "9223372036854771712\n"),
    ("cg/memory/g/memory.soft_limit_in_bytes", "1073741824\n"),
    ("cg/memory/g/memory.usage_in_bytes", "1455321088\n"),
    ("cg/memory/g/memory.stat", "cache 1336619008\nrss 97792000\nactive_file 4096\nunevictable 0\n"),
    ("cg/devices/g/devices.allow", ""),
    ("cg/devices/g/devices.deny", ""),
    ("cg/blkio/g/blkio.bfq.weight", "100\n"),
    ("cg/freezer/g/freezer.state", "FREEZING\n"),
];

#[test]
fn a_group_of_v1_tells_and_takes_values() {
    let tree = Tree::new("v1", LEGACY);
    let host = tree.host();
    assert_eq!(host.version(Controller::Cpuacct), Some(Version::Legacy));
    assert_eq!(host.version(Controller::NetCls), None);
    let group = host.group("/g").known();

    assert_eq!(group.cpu_shares().unwrap(), 1024);
    group.set_cpu_shares(300).unwrap();
    assert_eq!(tree.read("cg/cpu,cpuacct/g/cpu.shares"), "300");
    let refused = group.set_cpu_shares(1).unwrap_err();
    assert_eq!(refused.to_string(), "shares '1' must be in range [2, 262144]");

    assert!(group.has_cpu_quota());
    assert_eq!(group.cpu_quota().unwrap(), CpuQuota { period: 100_000, quota: NO_QUOTA });
    group.set_cpu_quota(0, 0).unwrap();
    assert!(matches!(group.set_cpu_quota(5, 0), Err(Error::Range { what: "cfs_period", .. })));
    assert!(matches!(group.set_cpu_quota(0, 5), Err(Error::Range { what: "cfs_quota", .. })));
    group.set_cpu_quota(200_000, 0).unwrap();
    assert_eq!(group.cpu_quota().unwrap().period, 200_000);

    assert_eq!(group.cpu_usage().unwrap(), 2_787_788_855_855);
    assert_eq!(group.cpu_usage_each().unwrap(), [1_413_142_688_153, 1_374_646_168_910]);
    let tick = 1_000_000_000 / virt_sys::host::clock_ticks();
    assert_eq!(group.cpu_times().unwrap().system, 43_421 * tick);

    assert_eq!((group.cpus().unwrap(), group.mems().unwrap()), ("0-3".into(), "0".into()));
    group.set_memory_migrate(true).unwrap();
    assert!(group.memory_migrate().unwrap());

    assert_eq!(group.memory_hard_limit().unwrap(), UNLIMITED);
    assert_eq!(group.memory_soft_limit().unwrap(), 1 << 20);
    assert_eq!(group.memory_usage().unwrap(), 1_421_212);
    let stat = group.memory_stat().unwrap();
    assert_eq!((stat.cache, stat.active_file), (1_305_292, 4));
    assert_eq!(group.swap_hard_limit().unwrap_err().errno(), Some(2));
    assert!(matches!(group.set_memory_hard_limit(UNLIMITED + 1), Err(Error::Memory { .. })));

    group.deny_all_devices().unwrap();
    assert_eq!(tree.read("cg/devices/g/devices.deny"), "a");
    group.allow_device_path("/dev/null", Access::ReadWrite).unwrap();
    assert_eq!(tree.read("cg/devices/g/devices.allow"), "c 1:3 rw");
    group.allow_device(DeviceKind::Char, 136, None, Access::ReadWrite).unwrap();
    assert_eq!(tree.read("cg/devices/g/devices.allow"), "c 136:* rw");

    assert_eq!(group.blkio_weight().unwrap(), 100);
    assert!(matches!(group.blkio_device_weight("/dev/null"), Err(Error::NoWeight(..))));
    assert!(group.is_frozen().unwrap());
}

#[test]
fn a_thread_is_limited_by_few_controllers() {
    let tree = Tree::new("threads", LEGACY);
    let thread = tree.host().group("/g").thread(Thread::Vcpu(3));
    assert_eq!(thread.path(), "/g/vcpu3");
    assert!(thread.has(Controller::Cpuset) && !thread.has(Controller::Memory));
    assert!(matches!(thread.memory_usage(), Err(Error::NoController(Controller::Memory))));
    let files = |group: &Group| {
        let relative = |path: PathBuf| path.strip_prefix(&tree.0).map(Path::to_owned).unwrap();
        group.process_files().into_iter().map(relative).collect::<Vec<_>>()
    };
    assert_eq!(
        files(&thread),
        [Path::new("cg/cpu,cpuacct/g/vcpu3/cgroup.procs"), Path::new("cg/cpuset/g/vcpu3/cgroup.procs")]
    );
    assert_eq!(files(&tree.host().group("/g")).len(), 6);
}

#[test]
fn names_that_the_kernel_has_are_told_from_groups() {
    let tree = Tree::new("names", LEGACY);
    let host = tree.host();
    assert_eq!(host.escape("cpu.x"), "_cpu.x");
    assert_eq!(host.escape("qemu-1-a.libvirt-qemu"), "qemu-1-a.libvirt-qemu");
    assert!(matches!(host.partition("here", true), Err(Error::Partition(_))));
    let missing = host.partition("/web", false).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "Failed to create v1 controller cpu for group: No such file or directory"
    );
}

const UNIFIED: &[(&str, &str)] = &[
    ("proc/mounts", "cgroup2 /cg cgroup2 rw 0 0\n"),
    ("cg/cgroup.controllers", "cpuset cpu io memory pids\n"),
    ("cg/g/cgroup.controllers", "cpuset cpu io memory\n"),
    ("cg/g/cpu.weight", "100\n"),
    ("cg/g/cpu.max", "max 100000\n"),
    ("cg/g/cpu.stat", "usage_usec 1000\nuser_usec 600\nsystem_usec 400\n"),
    ("cg/g/memory.max", "max\n"),
    ("cg/g/memory.high", "1048576\n"),
    ("cg/g/memory.stat", "anon 0\nfile 8192\ninactive_anon 4096\n"),
    ("cg/g/io.weight", "default 100\n8:0 300\n"),
    ("cg/g/cgroup.freeze", "0\n"),
];

#[test]
fn a_group_of_v2_has_the_same_values() {
    let tree = Tree::new("v2", UNIFIED);
    let host = tree.host();
    assert_eq!(host.version(Controller::Cpu), Some(Version::Unified));
    assert_eq!(host.version(Controller::Devices), None);
    let group = host.group("/g").existing().unwrap();
    assert_eq!(group.cpu_shares().unwrap(), 100);
    assert!(matches!(group.set_cpu_shares(20_000), Err(Error::Range { .. })));
    let quota = group.cpu_quota().unwrap();
    assert_eq!((quota.period, quota.quota), (100_000, 17_592_186_044_415));
    group.set_cpu_quota(0, 50_000).unwrap();
    assert_eq!(group.cpu_quota().unwrap(), CpuQuota { period: 100_000, quota: 50_000 });
    assert_eq!(group.cpu_usage().unwrap(), 1_000_000);
    assert_eq!(group.cpu_times().unwrap().user, 600_000);
    assert!(group.cpu_usage_each().is_err());
    assert_eq!((group.memory_hard_limit().unwrap(), group.memory_soft_limit().unwrap()), (UNLIMITED, 1024));
    assert_eq!(group.memory_stat().unwrap().cache, 8);
    assert_eq!(group.blkio_weight().unwrap(), 100);
    assert!(!group.is_frozen().unwrap());
    assert!(group.memory_migrate().unwrap());
    assert_eq!(host.group("/h").existing(), None);
}

#[test]
fn a_host_with_both_has_each_controller_once() {
    let tree = Tree::new(
        "hybrid",
        &[
            ("proc/mounts", "cgroup2 /cg/u cgroup2 rw 0 0\ncgroup /cg/cpuset cgroup rw,cpuset 0 0\n"),
            ("cg/u/cgroup.controllers", "cpu memory\n"),
            ("proc/7/cgroup", "3:cpuset:/a\n0::/b\n"),
        ],
    );
    let host = tree.host();
    assert_eq!(host.version(Controller::Cpu), Some(Version::Unified));
    assert_eq!(host.version(Controller::Cpuset), Some(Version::Legacy));
    assert_eq!(host.version(Controller::Cpuacct), Some(Version::Unified));
    let placement = host.placement(7).unwrap();
    assert_eq!((placement.legacy(Controller::Cpuset), placement.unified()), (Some("/a"), Some("/b")));
    assert!(host.placement(8).is_err());
}

#[test]
fn a_host_without_any_is_told() {
    let tree = Tree::new("none", &[("proc/mounts", "cgroup2 /cg cgroup2 rw 0 0\n")]);
    assert!(matches!(Host::detect(&tree.0), Err(Error::None)));
    let gone = tree.0.join("nowhere");
    assert!(matches!(Host::detect(gone), Err(Error::Read { .. })));
}
