//! `<perf>`: which performance events of the host's perf are counted for a guest.

use std::collections::BTreeMap;

use virt_types::text_enum;

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
