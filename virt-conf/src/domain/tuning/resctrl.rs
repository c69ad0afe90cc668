//! `<cachetune>` and `<memorytune>`: shares of CPU caches and memory bandwidth (the kernel's resctrl).

use virt_types::{ErrorCode, ErrorDomain, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::common::Bitmap;
use crate::common::scaled::{parse_scaled, pretty_bytes};
use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

/// Caches are monitored at this level only.
const MONITOR_CACHE_LEVEL: u32 = 3;

text_enum! {
    /// What a cache holds.
    pub enum CacheType { Both = "both", Code = "code", Data = "data" }
}

/// `<cache>`: a part of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheAlloc {
    /// `level`
    pub level: u32,
    /// `type`
    pub kind: CacheType,
    /// `id`
    pub id: u32,
    /// Size in bytes.
    pub size: u64,
}

/// `<node>`: a part of a memory controller's bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeBandwidth {
    /// `id`
    pub id: u32,
    /// `bandwidth`, percent or MiB/s as the host has it.
    pub bandwidth: u32,
}

/// Of which element a monitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitorKind {
    /// `<cachetune>`
    Cache,
    /// `<memorytune>`
    Bandwidth,
}

/// `<monitor>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// Of which element it is.
    pub kind: MonitorKind,
    /// `vcpus`
    pub vcpus: Bitmap,
    /// Its directory's name in a running guest.
    pub id: Option<String>,
}

/// What a set of vCPUs gets; `<cachetune>` and `<memorytune>` of one set are one group of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resctrl {
    /// `vcpus`
    pub vcpus: Bitmap,
    /// `id`: the group's name in a running guest.
    pub id: Option<String>,
    /// `<cache>`
    pub caches: Vec<CacheAlloc>,
    /// `<node>`
    pub nodes: Vec<NodeBandwidth>,
    /// `<monitor>`
    pub monitors: Vec<Monitor>,
}

impl Resctrl {
    pub(super) fn parse_all(cputune: Element<'_>, vcpus: u32, flags: ParseFlags) -> Result<Vec<Self>> {
        let mut groups: Vec<Self> = Vec::new();
        for el in cputune.children_named("cachetune") {
            let Some(mut group) = Self::new(el, vcpus, flags)? else { continue };
            if group.twin(&groups, el)?.is_some() {
                return Err(xml_error("Identical vcpus in cachetunes found").at(el.place()));
            }
            for cache in el.children_named("cache") {
                group.add_cache(cache)?;
            }
            group.parse_monitors(el, MonitorKind::Cache, vcpus)?;
            if !group.is_idle() {
                groups.push(group);
            }
        }
        for el in cputune.children_named("memorytune") {
            let Some(mut group) = Self::new(el, vcpus, flags)? else { continue };
            let twin = group.twin(&groups, el)?;
            if let Some(twin) = twin {
                group = groups[twin].clone();
            }
            for node in el.children_named("node") {
                group.add_node(node)?;
            }
            group.parse_monitors(el, MonitorKind::Bandwidth, vcpus)?;
            match twin {
                Some(twin) => groups[twin] = group,
                None if !group.is_idle() => groups.push(group),
                None => {}
            }
        }
        Ok(groups)
    }

    /// A group without content; nothing where none of its vCPUs exist.
    fn new(el: Element<'_>, vcpus: u32, flags: ParseFlags) -> Result<Option<Self>> {
        let set = vcpu_set(el, vcpus)?;
        if set.is_empty() {
            return Ok(None);
        }
        let id = el.attr("id").filter(|_| !flags.contains(ParseFlags::INACTIVE));
        let id = id.map_or_else(|| format!("vcpus_{set}"), str::to_owned);
        Ok(Some(Self { vcpus: set, id: Some(id), ..Self::default() }))
    }

    /// The group of the same vCPUs.
    fn twin(&self, groups: &[Self], el: Element<'_>) -> Result<Option<usize>> {
        for (i, group) in groups.iter().enumerate() {
            if group.vcpus == self.vcpus {
                return Ok(Some(i));
            }
            if group.vcpus.overlaps(&self.vcpus) {
                return Err(xml_error("Overlapping vcpus in resctrls").at(el.place()));
            }
        }
        Ok(None)
    }

    fn is_idle(&self) -> bool {
        self.caches.is_empty() && self.nodes.is_empty() && self.monitors.is_empty()
    }

    fn add_cache(&mut self, el: Element<'_>) -> Result<()> {
        let id = el.required("id", el.attr_u32("id", Base::Ten)?)?;
        let level = el.required("level", el.attr_u32("level", Base::Ten)?)?;
        let kind = el.required("type", el.attr_enum("type")?)?;
        let text = el
            .attr("size")
            .ok_or_else(|| xml_error("missing element or attribute './@size'").at(el.place()))?;
        let size = parse_scaled("./@size", text, el.attr("unit"), 1024, u64::MAX)
            .map_err(|error| error.at(el.place()))?;
        // A part for both kinds leaves nothing to one of them.
        let collides = |other: &CacheAlloc| {
            (other.level, other.id) == (level, id)
                && (other.kind == kind || other.kind == CacheType::Both || kind == CacheType::Both)
        };
        if self.caches.iter().any(collides) {
            let detail =
                format!("Colliding cache allocations for cache level '{level}' id '{id}', type '{kind}'");
            return Err(xml_error(detail).at(el.place()));
        }
        self.caches.push(CacheAlloc { level, kind, id, size });
        self.caches.sort_by_key(|cache| (cache.level, cache.kind, cache.id));
        Ok(())
    }

    fn add_node(&mut self, el: Element<'_>) -> Result<()> {
        let id = el.required("id", el.attr_u32("id", Base::Ten)?)?;
        let bandwidth = el.required("bandwidth", el.attr_u32("bandwidth", Base::Ten)?)?;
        if self.nodes.iter().any(|node| node.id == id) {
            let detail = format!("Memory Bandwidth already defined for node {id}");
            return Err(xml_error(detail).at(el.place()));
        }
        self.nodes.push(NodeBandwidth { id, bandwidth });
        self.nodes.sort_by_key(|node| node.id);
        Ok(())
    }

    fn parse_monitors(&mut self, el: Element<'_>, kind: MonitorKind, vcpus: u32) -> Result<()> {
        for el in el.children_named("monitor") {
            if kind == MonitorKind::Cache {
                let level = el.required("level", el.attr_u32("level", Base::Ten)?)?;
                if level != MONITOR_CACHE_LEVEL {
                    return Err(xml_error(format!("Invalid monitor cache level '{level}'")).at(el.place()));
                }
            }
            let set = vcpu_set(el, vcpus)?;
            self.check_monitor(&set, kind)
                .map_err(|detail| el.error(ErrorCode::InvalidArg, ErrorDomain::Domain, detail))?;
            let shares_group = set == self.vcpus && !(self.caches.is_empty() && self.nodes.is_empty());
            let id = if shares_group { self.id.clone() } else { Some(format!("vcpus_{set}")) };
            self.monitors.push(Monitor { kind, vcpus: set, id });
        }
        Ok(())
    }

    fn check_monitor(&self, set: &Bitmap, kind: MonitorKind) -> Result<(), &'static str> {
        if set.is_empty() {
            return Err("vcpus is empty");
        }
        if !set.0.is_subset(&self.vcpus.0) {
            return Err("Monitor vcpus conflicts with allocation");
        }
        let whole = *set == self.vcpus;
        let (mut any, mut apart) = (false, false);
        for monitor in &self.monitors {
            if monitor.vcpus == *set {
                if monitor.kind == kind {
                    return Err("Identical vcpus found in same type monitors");
                }
                continue;
            }
            if monitor.vcpus.overlaps(set) {
                any = true;
                apart |= !whole && monitor.vcpus != self.vcpus;
            }
        }
        let only_monitored = self.caches.is_empty() && self.nodes.is_empty();
        if apart || (only_monitored && any) {
            return Err("vcpus overlaps in resctrl groups");
        }
        Ok(())
    }

    pub(super) fn format_cache(&self, w: &mut Writer, flags: FormatFlags) {
        if self.caches.is_empty() && !self.has_monitor(MonitorKind::Cache) {
            return;
        }
        w.element("cachetune", |w| {
            self.format_group(w, flags);
            for cache in &self.caches {
                let (size, unit) = pretty_bytes(cache.size);
                w.element("cache", |w| {
                    w.attr("id", cache.id);
                    w.attr("level", cache.level);
                    w.attr("type", cache.kind);
                    w.attr("size", size);
                    w.attr("unit", unit);
                });
            }
            self.format_monitors(w, MonitorKind::Cache);
        });
    }

    pub(super) fn format_memory(&self, w: &mut Writer, flags: FormatFlags) {
        if self.nodes.is_empty() && !self.has_monitor(MonitorKind::Bandwidth) {
            return;
        }
        w.element("memorytune", |w| {
            self.format_group(w, flags);
            for node in &self.nodes {
                w.element("node", |w| {
                    w.attr("id", node.id);
                    w.attr("bandwidth", node.bandwidth);
                });
            }
            self.format_monitors(w, MonitorKind::Bandwidth);
        });
    }

    fn format_group(&self, w: &mut Writer, flags: FormatFlags) {
        w.attr("vcpus", &self.vcpus);
        if !flags.contains(FormatFlags::INACTIVE) {
            w.attr_opt("id", self.id.as_ref());
        }
    }

    fn has_monitor(&self, kind: MonitorKind) -> bool {
        self.monitors.iter().any(|monitor| monitor.kind == kind)
    }

    fn format_monitors(&self, w: &mut Writer, kind: MonitorKind) {
        for monitor in self.monitors.iter().filter(|monitor| monitor.kind == kind) {
            w.element("monitor", |w| {
                if kind == MonitorKind::Cache {
                    w.attr("level", MONITOR_CACHE_LEVEL);
                }
                w.attr("vcpus", &monitor.vcpus);
            });
        }
    }
}

/// The set in `vcpus`, of those vCPUs that exist.
fn vcpu_set(el: Element<'_>, vcpus: u32) -> Result<Bitmap> {
    let text = el
        .attr("vcpus")
        .ok_or_else(|| xml_error(format!("Missing {} attribute 'vcpus'", el.name())).at(el.place()))?;
    let set: Bitmap = text.parse().map_err(|_| {
        xml_error(format!("Invalid {} attribute 'vcpus' value '{text}'", el.name())).at(el.place())
    })?;
    Ok(set.iter().filter(|vcpu| *vcpu < vcpus).collect())
}

grammar! {
    pub(super) GRAMMAR = [
        Many("cachetune", &[
            Attr("id", Str), Must("vcpus", CPUSET),
            Many("cache", &[
                Must("id", U32), Must("level", U32), Must("type", OneOf(CacheType::NAMES)), Must("size", U64), Attr("unit", UNIT),
            ]),
            Many("monitor", &[Must("level", U32), Must("vcpus", CPUSET)]),
        ]),
        Many("memorytune", &[
            Attr("id", Str), Must("vcpus", CPUSET), Many("node", &[Must("id", U32), Must("bandwidth", U32)]),
            Many("monitor", &[Must("vcpus", CPUSET)]),
        ]),
    ];
}
