//! CPU time of guests.

use virt_domain::Snapshot;
use virt_driver::DomainRef;
use virt_types::{DomainState, Result, TypedParams};

use super::super::refusal::{invalid_argument, known_bits};
use super::super::{QemuConnection, sides};
use super::process;

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
    let times = snapshot.pid.and_then(process::times).unwrap_or_default();
    if start < 0 {
        let mut params = TypedParams::new();
        params.push("cpu_time", times.total());
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
    let per_cpu = per_cpu(&snapshot, total);
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

/// The time of the guest's threads, and of its virtual CPUs alone, by the host CPU that each was last on. The kernel
/// counts per CPU only for a control group, and guests have none of their own.
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
pub(super) fn fields(snapshot: &Snapshot, params: &mut TypedParams) {
    let Some(times) = snapshot.pid.and_then(process::times) else { return };
    params.push("cpu.time", times.total());
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
