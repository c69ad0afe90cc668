//! `<topology>`: the host's NUMA cells.

use virt_xml::Writer;

use crate::common::Bitmap;
use crate::domain::NumaCache;

/// `<cell>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// `id`
    pub id: u32,
    /// `<memory>`, in KiB; 0 where unknown.
    pub memory: u64,
    /// `<pages>`
    pub pages: Vec<Pages>,
    /// `<distances>`: cell and distance.
    pub distances: Vec<(u32, u32)>,
    /// `<cache>`: of the memory's side.
    pub caches: Vec<NumaCache>,
    /// `<cpus>`
    pub cpus: Vec<CellCpu>,
}

/// `<pages>`: a pool of pages of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// `size`, in KiB.
    pub size: u64,
    /// How many there are.
    pub count: u64,
}

/// `<cpu>` of a cell
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellCpu {
    /// `id`
    pub id: u32,
    /// `socket_id`
    pub socket: u32,
    /// `die_id`
    pub die: u32,
    /// `core_id`
    pub core: u32,
    /// `siblings`: the threads of its core; absent where the place is unknown.
    pub siblings: Option<Bitmap>,
}

impl Cell {
    pub(super) fn format_all(cells: &[Self], w: &mut Writer) {
        w.open_element("cells", |w| {
            w.attr("num", cells.len());
            cells.iter().for_each(|cell| cell.format(w));
        });
    }

    fn format(&self, w: &mut Writer) {
        w.element("cell", |w| {
            w.attr("id", self.id);
            if self.memory > 0 {
                w.text_element_with("memory", |w| w.attr("unit", "KiB"), self.memory);
            }
            for pages in &self.pages {
                let attributes = |w: &mut Writer| {
                    w.attr("unit", "KiB");
                    w.attr("size", pages.size);
                };
                w.text_element_with("pages", attributes, pages.count);
            }
            w.element_if_any("distances", |w| {
                for (id, value) in &self.distances {
                    w.element("sibling", |w| {
                        w.attr("id", id);
                        w.attr("value", value);
                    });
                }
            });
            self.caches.iter().for_each(|cache| cache.format(w));
            w.element("cpus", |w| {
                w.attr("num", self.cpus.len());
                self.cpus.iter().for_each(|cpu| cpu.format(w));
            });
        });
    }
}

impl CellCpu {
    fn format(&self, w: &mut Writer) {
        w.element("cpu", |w| {
            w.attr("id", self.id);
            if let Some(siblings) = &self.siblings {
                w.attr("socket_id", self.socket);
                w.attr("die_id", self.die);
                w.attr("core_id", self.core);
                w.attr("siblings", siblings);
            }
        });
    }
}
