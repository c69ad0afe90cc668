//! What a document limits, given to the kernel.

use virt_cgroup::{Controller, Controllers, DeviceLimit, Group, Thread, UNLIMITED};
use virt_conf::common::Bitmap;
use virt_conf::domain::{Cputune, Domain, NumaMemMode, Quota};
use virt_types::Result;

use super::not_available;

const HINT: &str = "mount the controller on this host, or drop the element";
const SESSION_HINT: &str = "let the host's own engine run the guest, or drop the element";

/// The bound of a thread's time.
const fn quota_of(tune: &Cputune, thread: Thread) -> Quota {
    match thread {
        Thread::Vcpu(_) => tune.vcpu_quota,
        Thread::Emulator => tune.emulator_quota,
        Thread::Iothread(_) => tune.iothread_quota,
    }
}

/// The processors that were said of a thread itself.
fn pin_of(tune: &Cputune, thread: Thread) -> Option<&Bitmap> {
    match thread {
        Thread::Vcpu(id) => tune.vcpu_pins.get(&id),
        Thread::Emulator => tune.emulator_pin.as_ref(),
        Thread::Iothread(id) => tune.iothread_pins.get(&id),
    }
}

/// The processors of a thread, where the document says any.
pub(super) fn cpus(live: &Domain, thread: Thread) -> Option<&Bitmap> {
    pin_of(&live.cputune, thread).or(live.vcpus.cpuset.as_ref())
}

/// The threads that a guest starts with.
fn threads(live: &Domain) -> Vec<Thread> {
    let vcpus = (0..live.vcpus.max).filter(|id| live.vcpus.is_online(*id)).map(Thread::Vcpu);
    let iothreads = live.iothreads.list.iter().map(|thread| Thread::Iothread(thread.id));
    [Thread::Emulator].into_iter().chain(vcpus).chain(iothreads).collect()
}

fn has_quota(tune: &Cputune) -> bool {
    let quotas = [tune.global_quota, tune.vcpu_quota, tune.emulator_quota, tune.iothread_quota];
    quotas.iter().any(|quota| quota.period != 0 || quota.quota != 0)
}

/// Whether something is limited of threads other than the emulator, which is limited from its start.
pub(super) fn has_own_limits(live: &Domain) -> bool {
    let quota = |quota: Quota| quota.period != 0 || quota.quota != 0;
    let tune = &live.cputune;
    quota(tune.vcpu_quota)
        || quota(tune.iothread_quota)
        || live.vcpus.cpuset.is_some()
        || tune.emulator_pin.is_some()
        || !tune.vcpu_pins.is_empty()
        || !tune.iothread_pins.is_empty()
        || mems(live).is_some()
}

/// Refuses what only an engine for the whole host can give.
pub(super) fn refuse_in_session(live: &Domain) -> Result<()> {
    let memory = &live.memtune;
    if [memory.hard_limit, memory.soft_limit, memory.swap_hard_limit].iter().any(Option::is_some) {
        return Err(not_available("Memory tuning is not available in session mode", SESSION_HINT));
    }
    if live.blkiotune.weight != 0 || !live.blkiotune.devices.is_empty() {
        return Err(not_available("Block I/O tuning is not available in session mode", SESSION_HINT));
    }
    if live.cputune.shares.is_some() || has_quota(&live.cputune) {
        return Err(not_available("CPU tuning is not available in session mode", SESSION_HINT));
    }
    Ok(())
}

/// Refuses bounds of time where nobody keeps them.
pub(super) fn refuse_without_cpu(live: &Domain) -> Result<()> {
    if has_quota(&live.cputune) {
        return Err(not_available("cgroup cpu is required for scheduler tuning", HINT));
    }
    Ok(())
}

/// Sets everything that the document limits, and makes the groups of the threads.
pub(super) fn apply(group: &Group, live: &Domain) -> Result<()> {
    apply_blkio(group, live)?;
    apply_memory(group, live)?;
    if let Some(shares) = live.cputune.shares {
        if !group.has(Controller::Cpu) {
            return Err(not_available("CPU tuning is not available on this host", HINT));
        }
        group.set_cpu_shares(shares)?;
    }
    if !group.has(Controller::Cpu) {
        refuse_without_cpu(live)?;
    }
    if group.has(Controller::Cpuset) {
        group.set_memory_migrate(true)?;
    }
    let global = live.cputune.global_quota;
    group.set_cpu_quota(global.period, global.quota)?;
    if !splits(group) {
        return Ok(());
    }
    threads(live).into_iter().try_for_each(|thread| make_thread(group, thread, live))
}

/// Whether a group has something that its threads can have of their own.
pub(super) fn splits(group: &Group) -> bool {
    Controllers::OF_THREADS.iter().any(|controller| group.has(controller))
}

/// Makes the group of a thread with its limits.
pub(super) fn make_thread(group: &Group, thread: Thread, live: &Domain) -> Result<()> {
    let group = group.thread(thread).create()?;
    if group.has(Controller::Cpuset) {
        if let Some(cpus) = cpus(live, thread) {
            group.set_cpus(&cpus.to_string())?;
        }
        if let Some(mems) = mems(live) {
            group.set_mems(&mems.to_string())?;
        }
    }
    let quota = quota_of(&live.cputune, thread);
    Ok(group.set_cpu_quota(quota.period, quota.quota)?)
}

/// The nodes that memory has to come from: QEMU's main thread gets it for all of the guest's nodes.
fn mems(live: &Domain) -> Option<Bitmap> {
    let memory = live.numatune.memory.as_ref();
    let mode = memory.map(|memory| memory.mode)?;
    let nodes = memory.and_then(|memory| memory.nodeset.clone());
    match mode {
        NumaMemMode::Strict => {
            let all = nodes.into_iter().chain(live.numatune.nodes.iter().map(|node| node.nodeset.clone()));
            let all: Bitmap = all.flat_map(|nodes| nodes.0).collect();
            (!all.is_empty()).then_some(all)
        }
        NumaMemMode::Restrictive => nodes,
        NumaMemMode::Preferred | NumaMemMode::Interleave => None,
    }
}

fn apply_memory(group: &Group, live: &Domain) -> Result<()> {
    let tune = &live.memtune;
    let set = |limit: Option<u64>| limit.filter(|limit| *limit < UNLIMITED);
    let limits = [set(tune.hard_limit), set(tune.soft_limit), set(tune.swap_hard_limit)];
    if !group.has(Controller::Memory) {
        return match limits.iter().any(Option::is_some) {
            true => Err(not_available("Memory cgroup is not available on this host", HINT)),
            false => Ok(()),
        };
    }
    let [hard, soft, swap] = limits;
    if let Some(limit) = hard {
        group.set_memory_hard_limit(limit)?;
    }
    if let Some(limit) = soft {
        group.set_memory_soft_limit(limit)?;
    }
    if let Some(limit) = swap {
        group.set_swap_hard_limit(limit)?;
    }
    Ok(())
}

fn apply_blkio(group: &Group, live: &Domain) -> Result<()> {
    let tune = &live.blkiotune;
    if !group.has(Controller::Blkio) {
        return match tune.weight != 0 || !tune.devices.is_empty() {
            true => Err(not_available("Block I/O tuning is not available on this host", HINT)),
            false => Ok(()),
        };
    }
    if tune.weight != 0 {
        group.set_blkio_weight(tune.weight)?;
    }
    for device in &tune.devices {
        if device.weight != 0 {
            group.set_blkio_device_weight(&device.path, device.weight)?;
        }
        for (limit, value) in [
            (DeviceLimit::ReadIops, device.read_iops_sec.into()),
            (DeviceLimit::WriteIops, device.write_iops_sec.into()),
            (DeviceLimit::ReadBytes, device.read_bytes_sec),
            (DeviceLimit::WriteBytes, device.write_bytes_sec),
        ] {
            if value != 0 {
                group.set_blkio_device_limit(&device.path, limit, value)?;
            }
        }
    }
    Ok(())
}
