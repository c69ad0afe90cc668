//! What is told of recorded hosts (`fixtures/host/trees`).

use std::path::{Path, PathBuf};

use virt_conf::capabilities::{Capabilities, HostCpu, SleepState};
use virt_host::{Error, Root, cpu, memory, sleep, topology, uuid};
use virt_types::{Arch, TypedParams, TypedValue};

/// A recorded host, written out as files, which are gone when it is dropped.
struct Host(PathBuf);

impl Host {
    fn new(name: &str, test: &str) -> Self {
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fixtures/host/trees/{name}.tree"));
        let dir = std::env::temp_dir().join(format!("virt-host-{}-{test}", std::process::id()));
        for line in std::fs::read_to_string(fixture).unwrap().lines().filter(|line| line.starts_with('/')) {
            let (path, text) = line.split_once(':').unwrap();
            let path = dir.join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = text.trim_start().replace("\\n", "\n").replace("\\t", "\t");
            std::fs::write(path, format!("{text}\n")).unwrap();
        }
        Self(dir)
    }

    fn root(&self) -> Root {
        Root::at(&self.0)
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap().trim().to_owned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn processors() {
    let host = Host::new("two-cells", "processors");
    let info = cpu::info(&host.root(), Arch::X86_64).unwrap();
    assert_eq!((info.cpus, info.mhz), (7, 3400));
    // One sibling is offline, but the cells' figures still multiply to all CPUs.
    assert_eq!((info.nodes, info.sockets, info.cores, info.threads), (2, 1, 2, 2));
    let (count, online) = cpu::map(&host.root(), 0).unwrap();
    assert_eq!((count, online.to_string().as_str()), (8, "0-6"));
    let times = cpu::times(&host.root(), 3, 0).unwrap();
    let tick = 1_000_000_000 / virt_sys::host::clock_ticks();
    assert_eq!((times.kernel / tick, times.user / tick, times.iowait / tick), (15, 25, 2));
    assert!(matches!(cpu::times(&host.root(), 9, 0), Err(Error::NoCpu { cpu: 9 })));
    assert!(matches!(cpu::times(&host.root(), 0, 6), Err(Error::Flags { flags: 6, .. })));
    let identity = cpu::identify(&host.root(), Arch::X86_64, &info, None).unwrap();
    assert_eq!((identity.page_sizes, identity.model), (vec![4, 2048], None));
}

#[test]
fn memory_of_cells() {
    let host = Host::new("two-cells", "memory");
    let root = host.root();
    let gib = 1 << 30;
    assert_eq!((memory::total(&root).unwrap(), memory::free(&root).unwrap()), (16 * gib, 6 * gib));
    assert_eq!(memory::cells_free(&root, 0, 9).unwrap(), [4 * gib, 2 * gib]);
    assert_eq!(memory::cells_free(&root, 1, 1).unwrap(), [2 * gib]);
    let refused = virt_types::Error::from(memory::cells_free(&root, 2, 1).unwrap_err());
    assert_eq!(refused.to_string(), "internal error: start cell 2 out of range (0-1)");
    let whole = [("total", 16 << 20), ("free", 9_000_000), ("buffers", 1000), ("cached", 2000)];
    assert_eq!(memory::stats(&root, -1, 0).unwrap(), whole);
    assert_eq!(memory::stats(&root, 1, 0).unwrap(), [("total", 8 << 20), ("free", 2 << 20)]);
    let refused = virt_types::Error::from(memory::stats(&root, 2, 0).unwrap_err());
    assert_eq!(refused.to_string(), "cellNum in virHostMemGetStats must be less than or equal to 1");
}

#[test]
fn pages() {
    let host = Host::new("two-cells", "pages");
    let root = host.root();
    assert_eq!(memory::free_pages(&root, &[4, 2048], 0, 2).unwrap(), [1 << 20, 3, 1 << 19, 0]);
    assert_eq!(memory::free_pages(&root, &[2048], -1, 1).unwrap(), [3]);
    for (size, node, sentence) in [
        (3, 0, "operation failed: page size 3 is not available on node 0"),
        (3, -1, "operation failed: page size 3 is not available"),
        (4, 2, "internal error: start cell 2 out of range (0-1)"),
    ] {
        let refused = virt_types::Error::from(memory::free_pages(&root, &[size], node, 1).unwrap_err());
        assert_eq!(refused.to_string(), sentence);
    }
    assert_eq!(memory::allocate(&root, &[(2048, 8)], 0, 2, false).unwrap(), 2);
    assert_eq!(memory::allocate(&root, &[(2048, 2)], 1, 1, true).unwrap(), 1);
    assert_eq!(host.read("sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"), "8");
    assert_eq!(host.read("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"), "10");
    assert!(matches!(memory::allocate(&root, &[(4, 1)], 0, 1, false), Err(Error::SystemPages)));
}

#[test]
fn merging_of_equal_pages() {
    let host = Host::new("two-cells", "merging");
    let root = host.root();
    let params = memory::parameters(&root, 0).unwrap();
    let names: Vec<&str> = params.0.iter().map(|param| param.field.as_str()).collect();
    assert_eq!(names, ["shm_pages_to_scan", "shm_sleep_millisecs", "shm_pages_shared", "shm_full_scans"]);
    assert_eq!(params.get("shm_pages_shared"), Some(&TypedValue::ULLong(11)));
    let set = |field: &str, value: TypedValue| {
        let mut params = TypedParams::new();
        params.push(field, value);
        memory::set_parameters(&root, &params, 0).map_err(|error| virt_types::Error::from(error).to_string())
    };
    set("shm_pages_to_scan", TypedValue::UInt(200)).unwrap();
    assert_eq!(host.read("sys/kernel/mm/ksm/pages_to_scan"), "200");
    for (field, value, sentence) in [
        (
            "shm_pages_shared",
            TypedValue::UInt(1),
            "argument unsupported: parameter 'shm_pages_shared' not supported",
        ),
        (
            "shm_pages_to_scan",
            TypedValue::Int(1),
            "invalid argument: invalid type 'int' for parameter 'shm_pages_to_scan', expected 'uint'",
        ),
        (
            "shm_merge_across_nodes",
            TypedValue::UInt(1),
            "Requested operation is not valid: Parameter 'shm_merge_across_nodes' is not supported by this kernel",
        ),
    ] {
        assert_eq!(set(field, value).unwrap_err(), sentence);
    }
}

#[test]
fn topology_document() {
    let host = Host::new("two-cells", "topology");
    let root = host.root();
    let mut capabilities = Capabilities::default();
    capabilities.host.cpu = HostCpu { arch: Arch::X86_64, ..HostCpu::default() };
    capabilities.host.uuid = uuid::of_host(&root);
    capabilities.host.iommu = topology::has_iommu(&root);
    capabilities.host.power_management = sleep::states(&root);
    capabilities.host.cells = Some(topology::cells(&root, Arch::X86_64).unwrap());
    capabilities.host.interconnects = topology::interconnects(&root).unwrap();
    (capabilities.host.cache, capabilities.host.memory_bandwidth) = topology::caches(&root).unwrap();
    let expected = include_str!("../../fixtures/host/trees/two-cells.xml");
    assert_eq!(capabilities.format(), expected);
}

#[test]
fn sleep_is_refused_where_it_can_not_be() {
    let host = Host::new("two-cells", "sleep");
    let states = [SleepState::SuspendMem, SleepState::SuspendDisk, SleepState::SuspendHybrid];
    assert_eq!(sleep::states(&host.root()), states);
    std::fs::write(host.0.join("proc/swaps"), "Filename Type Size Used Priority\n").unwrap();
    assert_eq!(sleep::states(&host.root()), states[..1]);
    assert!(matches!(sleep::suspend(&host.root(), 1, 60, 0), Err(Error::CannotSleep("Suspend-to-Disk"))));
    assert!(matches!(sleep::suspend(&host.root(), 0, 59, 0), Err(Error::SleepTooShort)));
    assert!(matches!(sleep::suspend(&host.root(), 3, 60, 0), Err(Error::SleepTarget)));
    std::fs::remove_dir_all(host.0.join("run")).unwrap();
    assert_eq!(sleep::states(&host.root()), []);
}
