//! The pretended machine: processors, memory, and its capabilities as XML.

use virt_conf::capabilities::{
    self, Capabilities, CellCpu, Guest, GuestDomain, GuestFeature, Host, HostCpu, Pages, SecurityModel,
};
use virt_conf::common::Bitmap;
use virt_conf::domain::VirtType;
use virt_driver::NodeInfo;
use virt_types::Arch;

/// Processors and memory of a host.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) info: NodeInfo,
    pub(crate) cells: Vec<Cell>,
}

/// A NUMA node.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// KiB.
    pub(crate) memory: u64,
    /// KiB.
    pub(crate) free: u64,
    pub(crate) cpus: Vec<Cpu>,
}

/// A processor of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    id: u32,
    socket: u32,
    core: u32,
}

const EMULATOR: &str = "/usr/bin/test-hv";

/// The sizes of memory pages, KiB.
const PAGES: [u64; 4] = [4, 8, 2048, 1 << 20];

impl Node {
    /// What a described host has unless the description says otherwise: no NUMA nodes.
    pub(crate) fn plain() -> Self {
        let info = NodeInfo {
            model: "i686".into(),
            memory: 3 << 20,
            cpus: 16,
            mhz: 1400,
            nodes: 2,
            sockets: 2,
            cores: 2,
            threads: 2,
        };
        Self { info, cells: Vec::new() }
    }

    /// The host of `test:///default`: two NUMA nodes of eight processors.
    pub(crate) fn with_cells() -> Self {
        let cell = |cell: u32| Cell {
            memory: u64::from(cell + 1) << 21,
            free: u64::from(cell + 1) << 20,
            cpus: (0..8).map(|core| Cpu { id: cell * 8 + core, socket: cell, core }).collect(),
        };
        Self { cells: (0..2).map(cell).collect(), ..Self::plain() }
    }

    /// How many processors there can be.
    pub(crate) const fn max_cpus(&self) -> u32 {
        self.info.nodes * self.info.sockets * self.info.cores * self.info.threads
    }

    /// What host and driver can do.
    pub(crate) fn capabilities(&self) -> String {
        let cpu = HostCpu {
            arch: Arch::I686,
            modes: vec!["pae", "nonpae"],
            page_sizes: PAGES.to_vec(),
            ..HostCpu::default()
        };
        let security = SecurityModel { model: SECURITY_MODEL.into(), ..SecurityModel::default() };
        let cells = (0..).zip(&self.cells).map(|(id, cell)| cell.capabilities(id)).collect();
        let host = Host { cpu, cells: Some(cells), security: vec![security], ..Host::default() };
        Capabilities { host, guests: ["hvm", "xen"].map(guest).into() }.format()
    }
}

/// The name of the pretended security model.
pub(crate) const SECURITY_MODEL: &str = "testSecurity";

impl Cell {
    fn capabilities(&self, id: u32) -> capabilities::Cell {
        // The second node has pages of its own size.
        let small = PAGES[usize::from(id == 1)];
        let pools = [(small, self.memory / small), (PAGES[2], 0), (PAGES[3], 0)];
        let cpu = |cpu: &Cpu| CellCpu {
            id: cpu.id,
            socket: cpu.socket,
            die: 0,
            core: cpu.core,
            siblings: Some(Bitmap([cpu.id].into())),
        };
        capabilities::Cell {
            id,
            memory: self.memory,
            pages: pools.map(|(size, count)| Pages { size, count }).into(),
            cpus: self.cpus.iter().map(cpu).collect(),
            ..capabilities::Cell::default()
        }
    }
}

fn guest(os_type: &'static str) -> Guest {
    Guest {
        os_type,
        arch: Arch::I686,
        emulator: Some(EMULATOR.into()),
        domains: vec![GuestDomain { virt_type: VirtType::Test, ..GuestDomain::default() }],
        features: vec![GuestFeature::PAE, GuestFeature::NON_PAE],
        ..Guest::default()
    }
}
