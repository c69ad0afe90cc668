//! `<cputune>`: pins, shares, quotas and schedulers of a guest's threads.

use std::collections::BTreeMap;

use virt_types::text_enum;

use super::Resctrl;
use crate::common::Bitmap;

text_enum! {
    /// A thread's scheduling policy (sched(7)).
    pub enum SchedPolicy { Batch = "batch", Idle = "idle", Fifo = "fifo", Rr = "rr" }
}

/// A thread's scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduler {
    /// `scheduler`
    pub policy: SchedPolicy,
    /// `priority`: of the real-time policies only.
    pub priority: i32,
}

/// A CPU bandwidth limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Period in microseconds; 0 where not given.
    pub period: u64,
    /// Microseconds of CPU time per period, negative for no limit; 0 where not given.
    pub quota: i64,
}

/// `<cputune>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cputune {
    /// `<shares>`
    pub shares: Option<u64>,
    /// `<period>`, `<quota>`: of each vCPU.
    pub vcpu_quota: Quota,
    /// `<global_period>`, `<global_quota>`: of the whole guest.
    pub global_quota: Quota,
    /// `<emulator_period>`, `<emulator_quota>`
    pub emulator_quota: Quota,
    /// `<iothread_period>`, `<iothread_quota>`
    pub iothread_quota: Quota,
    /// `<vcpupin>`, by vCPU.
    pub vcpu_pins: BTreeMap<u32, Bitmap>,
    /// `<emulatorpin>`
    pub emulator_pin: Option<Bitmap>,
    /// `<iothreadpin>`, by I/O thread.
    pub iothread_pins: BTreeMap<u32, Bitmap>,
    /// `<emulatorsched>`
    pub emulator_scheduler: Option<Scheduler>,
    /// `<vcpusched>`, by vCPU.
    pub vcpu_schedulers: BTreeMap<u32, Scheduler>,
    /// `<iothreadsched>`, by I/O thread.
    pub iothread_schedulers: BTreeMap<u32, Scheduler>,
    /// `<cachetune>`, `<memorytune>`: by sets of vCPUs.
    pub resctrl: Vec<Resctrl>,
}
