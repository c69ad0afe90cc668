//! `<perf>`: which performance events of the host's perf are counted for a guest.

use std::collections::BTreeMap;

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

text_enum! {
    /// An event.
    pub enum PerfEvent {
        Cmt = "cmt", Mbmt = "mbmt", Mbml = "mbml", CpuCycles = "cpu_cycles", Instructions = "instructions",
        CacheReferences = "cache_references", CacheMisses = "cache_misses",
        BranchInstructions = "branch_instructions", BranchMisses = "branch_misses", BusCycles = "bus_cycles",
        StalledCyclesFrontend = "stalled_cycles_frontend", StalledCyclesBackend = "stalled_cycles_backend",
        RefCpuCycles = "ref_cpu_cycles", CpuClock = "cpu_clock", TaskClock = "task_clock",
        PageFaults = "page_faults", ContextSwitches = "context_switches", CpuMigrations = "cpu_migrations",
        PageFaultsMin = "page_faults_min", PageFaultsMaj = "page_faults_maj",
        AlignmentFaults = "alignment_faults", EmulationFaults = "emulation_faults",
    }
}

/// `<perf>`: whether each event is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Perf(pub BTreeMap<PerfEvent, bool>);

impl Perf {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let mut perf = Self::default();
        for el in domain.child("perf").into_iter().flat_map(|el| el.children_named("event")) {
            let event = el.required("name", el.attr_enum::<PerfEvent>("name")?)?;
            let enabled = el.required("enabled", el.attr_yes_no("enabled")?)?;
            if perf.0.insert(event, enabled).is_some() {
                let detail = format!("perf event '{event}' was already specified");
                return Err(xml_error(detail).at(el.place()));
            }
        }
        Ok(perf)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("perf", |w| {
            for (event, enabled) in &self.0 {
                w.element("event", |w| {
                    w.attr("name", event);
                    w.attr_yes_no("enabled", Some(*enabled));
                });
            }
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [Many("event", &[Must("name", OneOf(PerfEvent::NAMES)), Must("enabled", YesNo)])];
}
