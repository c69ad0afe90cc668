//! `<cpu><numa>`: the guest's NUMA nodes.

mod hmat;

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

pub use hmat::{
    CacheAssociativity, CachePolicy, Interconnect, InterconnectKind, Interconnects, LatencyKind, NumaCache,
};

use super::memory_backing::MemoryAccess;
use super::tuning::{NumaMemMode, Numatune};
use crate::Result;
use crate::common::Bitmap;
use crate::common::scaled::attr_memory;
use crate::error::{internal, unsupported, xml_error};

/// A node's distance to itself (ACPI SLIT), and that of one out of reach.
const LOCAL_DISTANCE: u32 = 10;
const UNREACHABLE: u32 = 255;
/// Caches of higher levels do not exist.
const CACHE_LEVELS: u32 = 3;
/// Distances are kept for each pair of nodes, so their number has to be bounded.
const CELL_LIMIT: usize = 1024;

/// `<cell>`: a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumaCell {
    /// `cpus`; absent for a node without any.
    pub cpus: Option<Bitmap>,
    /// `memory` in KiB.
    pub memory: u64,
    /// `memAccess`
    pub access: Option<MemoryAccess>,
    /// `discard`
    pub discard: Option<bool>,
    /// `<distances>` by sibling; empty, or one place for each node.
    pub distances: Vec<Option<u32>>,
    /// `<cache>`
    pub caches: Vec<NumaCache>,
}

/// `<numa>`: empty without nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numa {
    /// The nodes, by id.
    pub cells: Vec<NumaCell>,
    /// `<interconnects>`
    pub interconnects: Interconnects,
}

impl Numa {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.descend(&["cpu", "numa"]) else { return Ok(Self::default()) };
        let count = el.children_named("cell").count();
        if count == 0 || count > CELL_LIMIT {
            let detail = if count == 0 {
                "NUMA topology defined without NUMA cells".to_owned()
            } else {
                format!("more than {CELL_LIMIT} NUMA cells")
            };
            return Err(xml_error(detail).at(el.place()));
        }
        let mut numa = Self { cells: vec![NumaCell::default(); count], ..Self::default() };
        for (position, cell) in el.children_named("cell").enumerate() {
            numa.parse_cell(cell, position)?;
        }
        numa.interconnects = Interconnects::parse(el)?;
        Ok(numa)
    }

    fn parse_cell(&mut self, el: Element<'_>, position: usize) -> Result<()> {
        let id = el.attr_u32("id", Base::Ten)?.map_or(position, |id| id as usize);
        let Some(cell) = self.cells.get(id) else {
            let detail = "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed";
            return Err(xml_error(detail).at(el.place()));
        };
        if cell.memory > 0 {
            return Err(xml_error(format!("Duplicate NUMA cell info for cell id '{id}'")).at(el.place()));
        }
        let cpus = match el.attr("cpus") {
            None => None,
            Some(text) => Some(text.parse::<Bitmap>().map_err(|error| error.at(el.place()))?),
        };
        let cpus = cpus.filter(|cpus| !cpus.is_empty());
        if let Some(cpus) = &cpus {
            for (other, cell) in self.cells.iter().enumerate().filter(|(other, _)| *other != id) {
                if cell.cpus.as_ref().is_some_and(|set| set.overlaps(cpus)) {
                    let detail = format!("NUMA cells {id} and {other} have overlapping vCPU ids");
                    return Err(unsupported(detail).at(el.place()));
                }
            }
        }
        let memory = attr_memory(el, "memory", "unit")?;
        let access = el.attr_enum("memAccess")?;
        let discard = el.attr_yes_no("discard")?;
        self.parse_distances(el, id)?;
        let caches = NumaCache::parse_all(el)?;
        let cell = &mut self.cells[id];
        (cell.cpus, cell.memory, cell.access, cell.discard, cell.caches) =
            (cpus, memory, access, discard, caches);
        Ok(())
    }

    fn parse_distances(&mut self, el: Element<'_>, id: usize) -> Result<()> {
        let Some(distances) = el.child("distances") else { return Ok(()) };
        let mut siblings = distances.children_named("sibling").peekable();
        if siblings.peek().is_none() {
            return Err(xml_error("NUMA distances defined without siblings").at(distances.place()));
        }
        for el in siblings {
            let sibling = el.required("id", el.attr_u32("id", Base::Ten)?)? as usize;
            if sibling >= self.cells.len() {
                let detail = format!(
                    "'sibling_id {sibling}' does not refer to a valid cell within NUMA 'cell id {id}'"
                );
                return Err(xml_error(detail).at(el.place()));
            }
            let value = el.required("value", el.attr_u32("value", Base::Ten)?)?;
            if !(LOCAL_DISTANCE..=UNREACHABLE).contains(&value)
                || (sibling == id) != (value == LOCAL_DISTANCE)
            {
                let detail = format!(
                    "'value {value}' is invalid for 'sibling id {sibling}' under NUMA 'cell id {id}'"
                );
                return Err(xml_error(detail).at(el.place()));
            }
            self.set_distance(id, sibling, value);
            // The way back is as long, until the document says otherwise.
            if self.distance(sibling, id).is_none() {
                self.set_distance(sibling, id, value);
            }
        }
        Ok(())
    }

    fn set_distance(&mut self, from: usize, to: usize, value: u32) {
        let count = self.cells.len();
        let distances = &mut self.cells[from].distances;
        if distances.is_empty() {
            distances.resize(count, None);
            distances[from] = Some(LOCAL_DISTANCE);
        }
        distances[to] = Some(value);
    }

    /// The distance that the document gives, directly or by symmetry.
    #[must_use]
    pub fn distance(&self, from: usize, to: usize) -> Option<u32> {
        self.cells.get(from)?.distances.get(to).copied().flatten()
    }

    /// The distance as the guest's firmware tables have it.
    #[must_use]
    pub fn effective_distance(&self, from: usize, to: usize) -> u32 {
        let default = if from == to { LOCAL_DISTANCE } else { 2 * LOCAL_DISTANCE };
        self.distance(from, to).unwrap_or(default)
    }

    /// Whether latencies, bandwidths or caches are described.
    #[must_use]
    pub fn has_hmat(&self) -> bool {
        !self.interconnects.0.is_empty() || self.cells.iter().any(|cell| !cell.caches.is_empty())
    }

    /// The memory of all nodes in KiB.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.cells.iter().map(|cell| cell.memory).fold(0, u64::saturating_add)
    }

    /// Refuses nodes that name more CPUs than there are.
    pub(super) fn check_cpus(&self, vcpus: u32) -> Result<()> {
        let cpus = || self.cells.iter().filter_map(|cell| cell.cpus.as_ref()).flat_map(Bitmap::iter);
        if cpus().count() > vcpus as usize {
            return Err(internal("Number of CPUs in <numa> exceeds the <vcpu> count"));
        }
        if cpus().max().unwrap_or(0) >= vcpus {
            return Err(internal("CPU IDs in <numa> exceed the <vcpu> count"));
        }
        Ok(())
    }

    pub(super) fn validate(&self, numatune: &Numatune) -> Result<()> {
        let restrictive = |cell| numatune.mode(cell) == Some(NumaMemMode::Restrictive);
        for (id, cell) in self.cells.iter().enumerate() {
            if numatune.node(id as u32).is_some() {
                match (restrictive(None), restrictive(Some(id as u32))) {
                    (true, false) => {
                        return Err(xml_error(
                            "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element",
                        ));
                    }
                    (false, true) => {
                        return Err(xml_error(
                            "'restrictive' mode is required in memory element when mode is 'restrictive' in memnode element",
                        ));
                    }
                    _ => {}
                }
            }
            for (i, cache) in cell.caches.iter().enumerate() {
                if cache.level > CACHE_LEVELS {
                    return Err(xml_error("Ain't nobody heard of that much cache level"));
                }
                if cell.caches[..i].iter().any(|other| other.level == cache.level) {
                    return Err(xml_error(format!("Cache level '{}' already defined", cache.level)));
                }
            }
        }
        self.interconnects.validate(&self.cells)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if self.cells.is_empty() {
            return;
        }
        w.element("numa", |w| {
            for (id, cell) in self.cells.iter().enumerate() {
                cell.format(id, w);
            }
            self.interconnects.format(w);
        });
    }
}

impl NumaCell {
    fn format(&self, id: usize, w: &mut Writer) {
        w.element("cell", |w| {
            w.attr("id", id);
            w.attr_opt("cpus", self.cpus.as_ref());
            w.attr("memory", self.memory);
            w.attr("unit", "KiB");
            w.attr_opt("memAccess", self.access);
            w.attr_yes_no("discard", self.discard);
            w.element_if_any("distances", |w| {
                for (sibling, value) in self.distances.iter().enumerate() {
                    if let Some(value) = value {
                        w.element("sibling", |w| {
                            w.attr("id", sibling);
                            w.attr("value", value);
                        });
                    }
                }
            });
            self.caches.iter().for_each(|cache| cache.format(w));
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Many("cell", &[
            Attr("id", U32), Attr("cpus", CPUSET), Must("memory", U64), Attr("unit", UNIT),
            Attr("memAccess", OneOf(MemoryAccess::NAMES)), Attr("discard", YesNo),
            Opt("distances", &[Many("sibling", &[Must("id", U32), Must("value", Number(10, 255))])]),
            Many("cache", hmat::CACHE),
        ]),
        Opt("interconnects", hmat::INTERCONNECTS),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    fn round(cells: &str) -> Result<String> {
        let xml = format!("<d><cpu><numa>{cells}</numa></cpu></d>");
        let document = Document::parse(&xml)?;
        let mut w = Writer::new();
        Numa::parse(document.root())?.format(&mut w);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (cells, written) in [
            (
                "<cell cpus='0-1' memory='1' unit='GiB'/><cell memory='2' memAccess='shared' discard='yes'/>",
                "<cell id='0' cpus='0-1' memory='1048576' unit='KiB'/><cell id='1' memory='2' unit='KiB' memAccess='shared' discard='yes'/>",
            ),
            (
                "<cell id='1' memory='1'><distances><sibling id='0' value='21'/></distances></cell><cell id='0' memory='1'/>",
                "<cell id='0' memory='1' unit='KiB'><distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances></cell><cell id='1' memory='1' unit='KiB'><distances><sibling id='0' value='21'/><sibling id='1' value='10'/></distances></cell>",
            ),
            (
                "<cell cpus='0' memory='1'><cache level='1' associativity='direct' policy='writeback'><size value='8' unit='KiB'/><line value='5' unit='B'/></cache></cell><interconnects><bandwidth initiator='0' target='0' type='access' value='200'/><latency initiator='0' target='0' cache='1' type='read' value='5'/></interconnects>",
                "<cell id='0' cpus='0' memory='1' unit='KiB'><cache level='1' associativity='direct' policy='writeback'><size value='8' unit='KiB'/><line value='5' unit='B'/></cache></cell><interconnects><bandwidth initiator='0' target='0' type='access' value='200' unit='KiB'/><latency initiator='0' target='0' cache='1' type='read' value='5'/></interconnects>",
            ),
        ] {
            assert_eq!(round(cells).unwrap(), format!("<numa>{written}</numa>"));
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (cells, code) in [
            ("", ErrorCode::XmlError),
            ("<cell id='1' memory='1'/>", ErrorCode::XmlError),
            ("<cell id='0' memory='1'/><cell id='0' memory='1'/>", ErrorCode::XmlError),
            ("<cell cpus='0-1' memory='1'/><cell cpus='1' memory='1'/>", ErrorCode::ConfigUnsupported),
            ("<cell cpus='0'/>", ErrorCode::XmlError),
            (
                "<cell memory='1'><distances><sibling id='0' value='11'/></distances></cell>",
                ErrorCode::XmlError,
            ),
        ] {
            assert_eq!(round(cells).unwrap_err().code(), code, "{cells}");
        }
    }
}
