//! Which performance events of a guest are counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use virt_conf::domain::{Perf, PerfEvent};
use virt_sys::perf::{Counted, Counter};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

/// The counters of a guest's process.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<BTreeMap<PerfEvent, Counter>>);

impl Counters {
    /// Counts what a document asks for.
    ///
    /// # Errors
    /// For what the host does not count.
    pub(crate) fn begin(&self, perf: &Perf, pid: u32) -> Result<()> {
        perf.0.iter().filter(|(_, on)| **on).try_for_each(|(event, _)| self.set(*event, pid, true))
    }

    /// Begins or ends to count an event of a process.
    ///
    /// # Errors
    /// For what the host does not count.
    pub(crate) fn set(&self, event: PerfEvent, pid: u32, on: bool) -> Result<()> {
        let mut counters = self.lock();
        if !on {
            counters.remove(&event);
            return Ok(());
        }
        if counters.contains_key(&event) {
            return Ok(());
        }
        let counted = counted(event).ok_or_else(|| {
            let detail = format!("unable to open host cpu perf event for {}", event.text());
            Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::Perf, detail)
        })?;
        let counter = Counter::of_process(pid, counted).map_err(|error| {
            let detail = format!("unable to open host cpu perf event for {}", event.text());
            Error::new(ErrorCode::SystemError, ErrorDomain::Perf, detail).caused_by(error)
        })?;
        counters.insert(event, counter);
        Ok(())
    }

    /// The events that are counted, and how often each has happened.
    pub(crate) fn read(&self) -> Vec<(PerfEvent, u64)> {
        self.lock().iter().filter_map(|(event, counter)| Some((*event, counter.read().ok()?))).collect()
    }

    // Each change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PerfEvent, Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The kernel's number of an event; what processors measured of their caches is no longer there.
const fn counted(event: PerfEvent) -> Option<Counted> {
    use Counted::{Hardware, Software};
    Some(match event {
        PerfEvent::CpuCycles => Hardware(0),
        PerfEvent::Instructions => Hardware(1),
        PerfEvent::CacheReferences => Hardware(2),
        PerfEvent::CacheMisses => Hardware(3),
        PerfEvent::BranchInstructions => Hardware(4),
        PerfEvent::BranchMisses => Hardware(5),
        PerfEvent::BusCycles => Hardware(6),
        PerfEvent::StalledCyclesFrontend => Hardware(7),
        PerfEvent::StalledCyclesBackend => Hardware(8),
        PerfEvent::RefCpuCycles => Hardware(9),
        PerfEvent::CpuClock => Software(0),
        PerfEvent::TaskClock => Software(1),
        PerfEvent::PageFaults => Software(2),
        PerfEvent::ContextSwitches => Software(3),
        PerfEvent::CpuMigrations => Software(4),
        PerfEvent::PageFaultsMin => Software(5),
        PerfEvent::PageFaultsMaj => Software(6),
        PerfEvent::AlignmentFaults => Software(7),
        PerfEvent::EmulationFaults => Software(8),
        PerfEvent::Cmt | PerfEvent::Mbmt | PerfEvent::Mbml => return None,
    })
}
