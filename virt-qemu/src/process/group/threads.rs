//! The threads of a running QEMU, moved to where they belong.

use std::collections::HashMap;

use rustix::thread::{CpuSet, sched_setaffinity};
use virt_cgroup::{Controller, Group, Thread};
use virt_conf::common::Bitmap;
use virt_conf::domain::Domain;
use virt_qmp::command::{QueryCpusFast, QueryIothreads};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::super::monitor::{self, GuestMonitor};
use super::limits;

/// What threads may run on, as far as anybody says.
#[derive(Debug)]
pub(super) struct Wanted {
    own: HashMap<Thread, Bitmap>,
    others: Option<Bitmap>,
    has_iothreads: bool,
}

impl Wanted {
    /// What a document says; `cpus` are the host's processors.
    pub(super) fn of(live: &Domain, cpus: u32) -> Self {
        let tune = &live.cputune;
        let vcpus = tune.vcpu_pins.iter().map(|(id, set)| (Thread::Vcpu(*id), set.clone()));
        let iothreads = tune.iothread_pins.iter().map(|(id, set)| (Thread::Iothread(*id), set.clone()));
        // Threads have the processors of the emulator, which begot them, until they are told otherwise.
        let inherited = limits::cpus(live, Thread::Emulator).map(|_| (0..cpus).collect());
        Self {
            own: vcpus.chain(iothreads).collect(),
            others: live.vcpus.cpuset.clone().or(inherited),
            has_iothreads: !live.iothreads.list.is_empty(),
        }
    }

    fn cpus(&self, thread: Thread) -> Option<&Bitmap> {
        self.own.get(&thread).or(self.others.as_ref())
    }
}

/// Asks QEMU for its threads and moves them.
pub(super) async fn place(monitor: &GuestMonitor, group: Option<Group>, wanted: Wanted) -> Result<()> {
    let cpus = monitor.execute(&QueryCpusFast {}).await?;
    let mut threads: Vec<(Thread, u32)> = Vec::new();
    for cpu in cpus {
        if let (Ok(id), Ok(thread)) = (u32::try_from(cpu.cpu_index), u32::try_from(cpu.thread_id)) {
            // Where one thread runs all of them it is nobody's own.
            if threads.iter().any(|(_, other)| *other == thread) {
                return Ok(());
            }
            threads.push((Thread::Vcpu(id), thread));
        }
    }
    if wanted.has_iothreads {
        for thread in monitor.execute(&QueryIothreads {}).await? {
            let number = thread.id.strip_prefix("iothread").and_then(|id| id.parse().ok());
            if let (Some(number), Ok(id)) = (number, u32::try_from(thread.thread_id)) {
                threads.push((Thread::Iothread(number), id));
            }
        }
    }
    let moved = tokio::task::spawn_blocking(move || {
        threads.into_iter().try_for_each(|(thread, id)| move_one(group.as_ref(), thread, id, &wanted))
    });
    moved.await.unwrap_or_else(|_| Err(monitor::failed("moving a guest's threads was given up")))
}

/// Moves one thread. Blocks, for as long as the kernel makes it wait.
pub(super) fn move_one(group: Option<&Group>, thread: Thread, id: u32, wanted: &Wanted) -> Result<()> {
    let own = group.map(|group| group.thread(thread).known());
    if let Some(own) = &own {
        own.add_thread(id)?;
    }
    match wanted.cpus(thread) {
        // The set of the group is the thread's own from the moment it is in it.
        Some(cpus) if !own.is_some_and(|own| own.has(Controller::Cpuset)) => pin(id, cpus),
        _ => Ok(()),
    }
}

/// Lets a thread run on these processors only.
fn pin(thread: u32, cpus: &Bitmap) -> Result<()> {
    let mut set = CpuSet::new();
    cpus.iter().map(|cpu| cpu as usize).filter(|cpu| *cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(cpu));
    let id = i32::try_from(thread).ok().and_then(virt_sys::Pid::from_raw);
    sched_setaffinity(id, &set).map_err(|error| {
        let detail = format!("cannot set CPU affinity on process {thread}: {error}");
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    })
}
