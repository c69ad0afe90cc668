//! What the ACPI heterogeneous memory attribute table says of a guest's nodes.

use std::collections::BTreeSet;

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::NumaCell;
use crate::Result;
use crate::common::scaled::{attr_memory, parse_scaled};
use crate::error::xml_error;

text_enum! {
    /// `<cache associativity='…'>`
    pub enum CacheAssociativity { None = "none", Direct = "direct", Full = "full" }
}

text_enum! {
    /// `<cache policy='…'>`
    pub enum CachePolicy { None = "none", Writeback = "writeback", Writethrough = "writethrough" }
}

text_enum! {
    /// To what a latency or bandwidth applies.
    pub enum LatencyKind { Access = "access", Read = "read", Write = "write" }
}

/// `<cache>`: a memory-side cache of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumaCache {
    /// `level`
    pub level: u32,
    /// `<size>` in KiB.
    pub size: u64,
    /// `<line>` in bytes.
    pub line: u64,
    /// `associativity`
    pub associativity: CacheAssociativity,
    /// `policy`
    pub policy: CachePolicy,
}

/// What is said of the way between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterconnectKind {
    /// `<latency>`: in nanoseconds.
    Latency,
    /// `<bandwidth>`: in KiB a second.
    Bandwidth,
}

/// `<latency>` or `<bandwidth>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interconnect {
    /// Which of both.
    pub kind: InterconnectKind,
    /// `initiator`
    pub initiator: u32,
    /// `target`
    pub target: u32,
    /// `cache`: the level that is asked; 0 for memory itself.
    pub cache: u32,
    /// `type`
    pub access: LatencyKind,
    /// `value`
    pub value: u64,
}

/// `<interconnects>`: latencies and bandwidths between nodes, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interconnects(pub Vec<Interconnect>);

impl NumaCache {
    pub(super) fn parse_all(cell: Element<'_>) -> Result<Vec<Self>> {
        cell.children_named("cache").map(Self::parse).collect()
    }

    fn parse(el: Element<'_>) -> Result<Self> {
        let level = el.nonzero("level", el.attr_u32("level", Base::Ten)?)?;
        let level = el.required("level", level)?;
        let associativity = el.required("associativity", el.attr_enum("associativity")?)?;
        let policy = el.required("policy", el.attr_enum("policy")?)?;
        let missing =
            |name: &str| xml_error(format!("missing element or attribute './{name}/@value'")).at(el.place());
        let size = attr_memory(el.child("size").ok_or_else(|| missing("size"))?, "value", "unit")?;
        let line = el.child("line").ok_or_else(|| missing("line"))?;
        let text = line.attr("value").ok_or_else(|| missing("line"))?;
        let line = parse_scaled("./line/@value", text, line.attr("unit"), 1, u64::MAX)
            .map_err(|error| error.at(line.place()))?;
        Ok(Self { level, size, line, associativity, policy })
    }

    pub(crate) fn format(&self, w: &mut Writer) {
        w.element("cache", |w| {
            w.attr("level", self.level);
            w.attr("associativity", self.associativity);
            w.attr("policy", self.policy);
            w.element("size", |w| {
                w.attr("value", self.size);
                w.attr("unit", "KiB");
            });
            if self.line > 0 {
                w.element("line", |w| {
                    w.attr("value", self.line);
                    w.attr("unit", "B");
                });
            }
        });
    }
}

impl Interconnects {
    pub(super) fn parse(numa: Element<'_>) -> Result<Self> {
        let elements = numa.child("interconnects").into_iter();
        elements
            .flat_map(|el| el.children_in(&["latency", "bandwidth"]))
            .map(Interconnect::parse)
            .collect::<Result<_>>()
            .map(Self)
    }

    pub(super) fn validate(&self, cells: &[NumaCell]) -> Result<()> {
        let mut links = BTreeSet::new();
        let mut ways = BTreeSet::new();
        for link in &self.0 {
            let cell = |id: u32| cells.get(id as usize);
            let missing = |what: &str| xml_error(format!("'{what}' refers to a non-existent NUMA node"));
            let initiator = cell(link.initiator).ok_or_else(|| missing("initiator"))?;
            let target = cell(link.target).ok_or_else(|| missing("target"))?;
            if initiator.cpus.is_none() {
                return Err(xml_error("NUMA nodes without CPUs can't be initiator"));
            }
            if link.cache > 0 && !target.caches.iter().any(|cache| cache.level == link.cache) {
                return Err(xml_error("'cache' refers to a non-existent NUMA node cache"));
            }
            let latency = link.kind == InterconnectKind::Latency;
            if !links.insert((latency, link.initiator, link.target, link.cache, link.access)) {
                return Err(xml_error("Duplicate info for NUMA latencies"));
            }
            if link.initiator != link.target && ways.contains(&(link.target, link.initiator)) {
                return Err(xml_error("Link already defined"));
            }
            ways.insert((link.initiator, link.target));
        }
        Ok(())
    }

    pub(crate) fn format(&self, w: &mut Writer) {
        w.element_if_any("interconnects", |w| self.0.iter().for_each(|link| link.format(w)));
    }
}

impl Interconnect {
    fn parse(el: Element<'_>) -> Result<Self> {
        let (kind, value) = if el.is("latency") {
            let value = el.required("value", el.attr_u64("value", Base::Ten)?)?;
            (InterconnectKind::Latency, value)
        } else {
            (InterconnectKind::Bandwidth, attr_memory(el, "value", "unit")?)
        };
        Ok(Self {
            kind,
            initiator: el.required("initiator", el.attr_u32("initiator", Base::Ten)?)?,
            target: el.required("target", el.attr_u32("target", Base::Ten)?)?,
            cache: el.attr_u32("cache", Base::Ten)?.unwrap_or(0),
            access: el.required("type", el.attr_enum("type")?)?,
            value,
        })
    }

    fn format(&self, w: &mut Writer) {
        let name = match self.kind {
            InterconnectKind::Latency => "latency",
            InterconnectKind::Bandwidth => "bandwidth",
        };
        w.element(name, |w| {
            w.attr("initiator", self.initiator);
            w.attr("target", self.target);
            w.attr_opt("cache", (self.cache > 0).then_some(self.cache));
            w.attr("type", self.access);
            w.attr("value", self.value);
            if self.kind == InterconnectKind::Bandwidth {
                w.attr("unit", "KiB");
            }
        });
    }
}

grammar! {
    pub(super) CACHE = [
        Must("level", U32), Must("associativity", OneOf(CacheAssociativity::NAMES)), Must("policy", OneOf(CachePolicy::NAMES)),
        One("size", &[Must("value", U64), Must("unit", UNIT)]), One("line", &[Must("value", U64), Must("unit", UNIT)]),
    ];
    pub(super) INTERCONNECTS = [
        Many("latency", &[
            Must("initiator", U32), Must("target", U32), Attr("cache", U32), Must("type", OneOf(LatencyKind::NAMES)), Must("value", U64),
        ]),
        Many("bandwidth", &[
            Must("initiator", U32), Must("target", U32), Attr("cache", U32), Must("type", OneOf(LatencyKind::NAMES)), Must("value", U64),
            Must("unit", UNIT),
        ]),
    ];
}
