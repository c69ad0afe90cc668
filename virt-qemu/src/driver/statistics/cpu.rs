//! CPU time of guests.

use virt_cgroup::{Controller, Group, Thread};
use virt_domain::Snapshot;
use virt_driver::DomainRef;
use virt_types::{DomainState, Result, TypedParams};

use super::super::refusal::{invalid_argument, known_bits};
use super::super::{QemuConnection, sides};
use super::process;
use crate::process::QemuBackend;

/// `virDomainGetCPUStats`
pub(super) async fn stats(
    connection: &QemuConnection,
    domain: &DomainRef,
    start: i32,
    count: u32,
    flags: u32,
) -> Result<Vec<TypedParams>> {
    known_bits(flags, 4, "qemuDomainGetCPUStats")?;
    let snapshot = connection.find(domain).await?.snapshot();
    if !snapshot.is_active() {
        return Err(sides::not_running());
    }
    let group = group_of(&connection.backend, &snapshot);
    if start < 0 {
        let times = Total::of(&snapshot, group.as_ref()).unwrap_or_default();
        let mut params = TypedParams::new();
        params.push("cpu_time", times.all);
        params.push("user_time", times.user);
        params.push("system_time", times.system);
        return Ok(vec![params]);
    }
    let total = connection.backend.host().cpus;
    let first = start.unsigned_abs();
    if first >= total {
        return Err(invalid_argument(format!(
            "start_cpu {first} larger than maximum of {}",
            total.max(1) - 1
        )));
    }
    let counted = group.and_then(|group| counted_per_cpu(&group, &snapshot, total));
    let per_cpu = counted.unwrap_or_else(|| per_cpu(&snapshot, total));
    let wanted = per_cpu.into_iter().skip(first as usize).take(count as usize);
    Ok(wanted
        .map(|(cpu, vcpu)| {
            let mut params = TypedParams::new();
            params.push("cpu_time", cpu);
            params.push("vcpu_time", vcpu);
            params
        })
        .collect())
}

/// The group that counts a guest's time, if there is one.
fn group_of(backend: &QemuBackend, snapshot: &Snapshot) -> Option<Group> {
    let group = backend.control_group(snapshot.live.as_ref()?)?;
    group.has(Controller::Cpuacct).then_some(group)
}

/// The time of a guest in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    all: u64,
    user: u64,
    system: u64,
}

impl Total {
    /// What its group counted, else what its process did.
    fn of(snapshot: &Snapshot, group: Option<&Group>) -> Option<Self> {
        let counted = group.and_then(|group| {
            let (all, times) = (group.cpu_usage().ok()?, group.cpu_times().ok()?);
            Some(Self { all, user: times.user, system: times.system })
        });
        counted.or_else(|| {
            let times = process::times(snapshot.pid?)?;
            Some(Self { all: times.total(), user: times.user, system: times.system })
        })
    }
}

/// The time on each host CPU, and that of the virtual CPUs alone, as groups of v1 count it.
fn counted_per_cpu(group: &Group, snapshot: &Snapshot, cpus: u32) -> Option<Vec<(u64, u64)>> {
    let vcpus = snapshot.live.as_ref()?.vcpus.max;
    let mut found: Vec<(u64, u64)> = group.cpu_usage_each().ok()?.into_iter().map(|all| (all, 0)).collect();
    for vcpu in (0..vcpus).filter_map(|id| group.thread(Thread::Vcpu(id)).existing()) {
        for (place, time) in found.iter_mut().zip(vcpu.cpu_usage_each().ok()?) {
            place.1 += time;
        }
    }
    found.resize(cpus as usize, (0, 0));
    Some(found)
}

/// The time of the guest's threads, and of its virtual CPUs alone, by the host CPU that each was last on: what can be told
/// where no group counts for each CPU.
fn per_cpu(snapshot: &Snapshot, cpus: u32) -> Vec<(u64, u64)> {
    let mut found = vec![(0, 0); cpus as usize];
    let Some(pid) = snapshot.pid else { return found };
    let vcpus: Vec<u32> = process::vcpu_threads(pid).into_iter().map(|thread| thread.thread).collect();
    for thread in process::thread_ids(pid) {
        let Some(times) = process::thread_times(pid, thread) else { continue };
        let slot = usize::try_from(times.cpu).ok().and_then(|cpu| found.get_mut(cpu));
        if let Some((all, of_vcpus)) = slot {
            *all += times.total();
            if vcpus.contains(&thread) {
                *of_vcpus += times.total();
            }
        }
    }
    found
}

/// How many host CPUs [`stats`] can tell of.
pub(super) async fn count(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<u32> {
    known_bits(flags, 4, "qemuDomainGetCPUStats")?;
    let snapshot = connection.find(domain).await?.snapshot();
    if !snapshot.is_active() {
        return Err(sides::not_running());
    }
    Ok(connection.backend.host().cpus)
}

/// The fields of the group CPU of `virConnectGetAllDomainStats`.
pub(super) fn fields(backend: &QemuBackend, snapshot: &Snapshot, params: &mut TypedParams) {
    let group = group_of(backend, snapshot);
    let Some(times) = Total::of(snapshot, group.as_ref()) else { return };
    params.push("cpu.time", times.all);
    params.push("cpu.user", times.user);
    params.push("cpu.system", times.system);
}

/// The fields of the group VCPU.
pub(super) fn vcpu_fields(snapshot: &Snapshot, params: &mut TypedParams) {
    let Ok(Some(document)) = snapshot.current() else { return };
    params.push("vcpu.current", document.vcpus.online_count());
    params.push("vcpu.maximum", document.vcpus.max);
    let Some(pid) = snapshot.pid.filter(|_| snapshot.status.state() != DomainState::Shutoff) else { return };
    for thread in process::vcpu_threads(pid) {
        let Some(times) = process::thread_times(pid, thread.thread) else { continue };
        let field = |name: &str| format!("vcpu.{}.{name}", thread.vcpu);
        // Whether a virtual CPU idles is not known without stopping it.
        params.push(field("state"), 1);
        params.push(field("time"), times.total());
        let (wait, delay) = process::thread_waits(pid, thread.thread);
        params.push(field("wait"), wait.unwrap_or_default());
        params.push(field("delay"), delay.unwrap_or_default());
    }
}
