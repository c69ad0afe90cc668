//! The control group of a guest: made before QEMU, entered by QEMU itself before its first instruction, removed after it.
//!
//! Where the group is follows from the live document and the engine's settings alone, so that whoever finds the status file
//! of a guest that is gone can remove what is left. The kernel makes a process that is moved by another one wait for
//! milliseconds; so QEMU moves itself, and its threads are moved while the start goes on, unless they are limited on their
//! own: then it waits for them.

mod devices;
mod limits;
mod threads;

use std::sync::Arc;

use tokio::sync::watch;
use virt_cgroup::{Controller, Group, Thread, machine_name};
use virt_conf::domain::{Domain, Resource};
use virt_sys::Spawn;
use virt_types::{Error, Result};

use super::monitor::GuestMonitor;
use crate::config::Config;
use crate::error::unsupported;

/// The host's controllers, if it has any.
pub(super) type Groups<'a> = Option<&'a Arc<virt_cgroup::Host>>;

/// The partition of guests that say nothing, which is made where it is missing.
const PARTITION: &str = "/machine";

/// Where libvirt keeps its guests: the names of their groups are libvirt's own.
const LIBVIRT_DIR: &str = "/var/lib/libvirt/qemu";

/// The control group of a guest that runs; there may be none.
#[derive(Debug, Clone)]
pub(crate) struct ControlGroup {
    group: Option<Group>,
    placed: watch::Receiver<bool>,
}

/// Writes down in the live document which partition its group is in, if it gets one.
pub(super) fn note_partition(live: &mut Domain, config: &Config, groups: Groups<'_>) {
    if config.privileged && groups.is_some() {
        let resource = live.resource.get_or_insert_with(Resource::default);
        resource.partition.get_or_insert_with(|| PARTITION.to_owned());
    }
}

/// The group that a live domain has, whether it is there or not; none where the engine makes none.
pub(super) fn of(live: &Domain, config: &Config, groups: Groups<'_>) -> Option<Group> {
    let groups = groups.filter(|_| config.privileged)?;
    let partition = groups.partition_path(partition(live)).ok()?;
    Some(partition.child(&groups.escape(&format!("{}.libvirt-qemu", name(live, config)))))
}

/// The group of a guest that runs, if it has one.
pub(super) fn existing(live: &Domain, config: &Config, groups: Groups<'_>) -> Option<Group> {
    of(live, config, groups).and_then(Group::existing)
}

fn partition(live: &Domain) -> &str {
    live.resource.as_ref().and_then(|resource| resource.partition.as_deref()).unwrap_or(PARTITION)
}

/// Engines that keep their guests elsewhere may run at the same time.
fn name(live: &Domain, config: &Config) -> String {
    let id = live.id.and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
    let place = config.lib_dir.as_os_str().as_encoded_bytes();
    let hash =
        place.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let place = (config.lib_dir != std::path::Path::new(LIBVIRT_DIR)).then(|| format!("{hash:08x}"));
    machine_name("qemu", place.as_deref(), id, &live.name)
}

/// Makes the group of a guest with all that the document limits, and tells QEMU's process to enter it. Blocks for about a
/// millisecond. `words` are QEMU's arguments.
///
/// # Errors
/// For a limit that can not be had. Without the host's leave there is no group, and no error.
pub(super) fn make(
    live: &Domain,
    config: &Config,
    groups: Groups<'_>,
    words: &[String],
) -> Result<Option<Group>> {
    if !config.privileged {
        limits::refuse_in_session(live)?;
    }
    let Some(group) = of(live, config, groups) else {
        limits::refuse_without_cpu(live)?;
        return Ok(None);
    };
    // What a guest of the same name left that ended when nobody looked.
    if let Err(error) = group.remove() {
        log::debug!("a control group is there already: {error}");
    }
    let made = group
        .host()
        .partition(partition(live), partition(live) == PARTITION)
        .and_then(|_| group.clone().create());
    let group = match made {
        Ok(group) => group,
        Err(error) if error.is_unavailable() => {
            log::warn!(
                "the guest '{}' goes without a control group: {}",
                live.name,
                Error::from(error).report()
            );
            limits::refuse_without_cpu(live)?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let set = limits::apply(&group, live).and_then(|()| devices::restrict(&group, live, config, words));
    match set {
        Ok(()) => Ok(Some(group)),
        Err(error) => {
            remove(&group);
            Err(error)
        }
    }
}

/// Lets QEMU's process be in its group, and on its processors, before it executes QEMU.
pub(super) fn enter(spawn: &mut Spawn, group: Option<&Group>, live: &Domain) {
    let emulator = group.map(|group| group.thread(Thread::Emulator).known());
    let files = group.map(Group::entry_files).into_iter().flatten();
    let files = files.chain(emulator.as_ref().map(Group::entry_files).into_iter().flatten());
    for file in files {
        spawn.write_file(file, "0");
    }
    if !emulator.is_some_and(|emulator| emulator.has(Controller::Cpuset))
        && let Some(cpus) = limits::cpus(live, Thread::Emulator)
    {
        let cpus: Vec<usize> = cpus.iter().map(|cpu| cpu as usize).collect();
        spawn.affinity(cpus);
    }
}

/// Removes a group of which the last process is gone. Does what it can.
pub(super) fn remove(group: &Group) {
    if let Err(error) = group.remove() {
        log::warn!("a control group stays: {error}");
    }
}

/// The same away from the engine's own threads.
pub(super) async fn remove_later(group: Option<Group>) {
    let Some(group) = group else { return };
    if tokio::task::spawn_blocking(move || remove(&group)).await.is_err() {
        log::warn!("the removal of a control group was given up");
    }
}

impl ControlGroup {
    /// A guest's group that was found again.
    pub(super) fn found(live: &Domain, config: &Config, groups: Groups<'_>) -> Self {
        let (_, placed) = watch::channel(true);
        Self { group: existing(live, config, groups), placed }
    }

    /// Moves the threads of a guest that has just started into their groups, and onto their processors.
    ///
    /// # Errors
    /// Where a thread that is limited on its own can not be moved.
    pub(super) async fn place(
        group: Option<Group>,
        monitor: &Arc<GuestMonitor>,
        live: &Domain,
        cpus: u32,
    ) -> Result<Self> {
        let (done, placed) = watch::channel(false);
        let this = Self { group: group.clone(), placed };
        let limited = limits::has_own_limits(live);
        let splits = group.as_ref().is_some_and(limits::splits);
        if !limited && !splits {
            done.send_replace(true);
            return Ok(this);
        }
        let (monitor, wanted) = (Arc::clone(monitor), threads::Wanted::of(live, cpus));
        let work = async move {
            let moved = threads::place(&monitor, group, wanted).await;
            done.send_replace(true);
            moved
        };
        if limited {
            work.await?;
        } else {
            tokio::spawn(async move {
                if let Err(error) = work.await {
                    log::debug!("a guest's threads stay where they are: {}", error.report());
                }
            });
        }
        Ok(this)
    }

    /// The group, once every thread is in its own.
    async fn ready(&self) -> Option<&Group> {
        let mut placed = self.placed.clone();
        // An end without the word is one too.
        let _ = placed.wait_for(|placed| *placed).await;
        self.group.as_ref()
    }

    /// Puts a thread that came later into a group of its own.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) async fn add_thread(&self, thread: Thread, id: u32, live: &Domain, cpus: u32) -> Result<()> {
        let group = self.ready().await;
        if let Some(group) = group {
            limits::make_thread(group, thread, live)?;
        }
        threads::move_one(group, thread, id, &threads::Wanted::of(live, cpus))
    }

    /// Removes the group of a thread that is gone.
    pub(crate) async fn remove_thread(&self, thread: Thread) {
        if let Some(group) = self.ready().await {
            remove(&group.thread(thread));
        }
    }

    /// Lets QEMU open the devices that a command speaks of.
    pub(in crate::process) fn allow_named(&self, command: &str) {
        if let Some(group) = self.group.as_ref().filter(|group| group.has(Controller::Devices)) {
            devices::allow_named(group, command);
        }
    }

    pub(super) async fn release(&self) {
        remove_later(self.group.clone()).await;
    }
}

fn not_available(words: &str, hint: &str) -> Error {
    unsupported(words).with_hint(hint)
}

#[cfg(test)]
mod tests;
