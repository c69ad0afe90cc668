//! The pretended machine: processors, memory, and its capabilities as XML.

use virt_driver::NodeInfo;
use virt_xml::Writer;

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

pub(crate) const EMULATOR: &str = "/usr/bin/test-hv";

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
        let section = |name: &str, content: &dyn Fn(&mut Writer)| {
            let mut w = Writer::indented(1);
            w.element(name, content);
            w.finish()
        };
        let host = section("host", &|w| self.format_host(w));
        let guests = ["hvm", "xen"].map(|os| section("guest", &|w| format_guest(w, os)));
        format!("<capabilities>\n\n{host}\n{}\n</capabilities>\n", guests.join("\n"))
    }

    fn format_host(&self, w: &mut Writer) {
        w.element("cpu", |w| {
            w.text_element("arch", "i686");
            w.element("features", format_pae);
            for size in PAGES {
                w.element("pages", |w| {
                    w.attr("unit", "KiB");
                    w.attr("size", size);
                });
            }
        });
        w.element("power_management", |_| {});
        w.element("iommu", |w| w.attr("support", "no"));
        w.element("topology", |w| {
            w.open_element("cells", |w| {
                w.attr("num", self.cells.len());
                for (id, cell) in self.cells.iter().enumerate() {
                    w.element("cell", |w| cell.format(w, id));
                }
            });
        });
        w.element("secmodel", |w| {
            w.text_element("model", SECURITY_MODEL);
            w.text_element("doi", "");
        });
    }
}

/// The name of the pretended security model.
pub(crate) const SECURITY_MODEL: &str = "testSecurity";

impl Cell {
    fn format(&self, w: &mut Writer, id: usize) {
        w.attr("id", id);
        w.text_element_with("memory", |w| w.attr("unit", "KiB"), self.memory);
        // The second node has pages of its own size.
        let small = PAGES[usize::from(id == 1)];
        let pages = [(small, self.memory / small), (PAGES[2], 0), (PAGES[3], 0)];
        for (size, count) in pages {
            let attributes = |w: &mut Writer| {
                w.attr("unit", "KiB");
                w.attr("size", size);
            };
            w.text_element_with("pages", attributes, count);
        }
        w.element("cpus", |w| {
            w.attr("num", self.cpus.len());
            for cpu in &self.cpus {
                w.element("cpu", |w| {
                    w.attr("id", cpu.id);
                    w.attr("socket_id", cpu.socket);
                    w.attr("die_id", 0);
                    w.attr("core_id", cpu.core);
                    w.attr("siblings", cpu.id);
                });
            }
        });
    }
}

fn format_guest(w: &mut Writer, os: &str) {
    w.text_element("os_type", os);
    w.element("arch", |w| {
        w.attr("name", "i686");
        w.text_element("wordsize", 32);
        w.text_element("emulator", EMULATOR);
        w.element("domain", |w| w.attr("type", "test"));
    });
    w.element("features", format_pae);
}

fn format_pae(w: &mut Writer) {
    w.element("pae", |_| {});
    w.element("nonpae", |_| {});
}
