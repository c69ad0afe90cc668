//! The host CPUs on which a guest's threads may run.

use std::sync::Arc;

use rustix::thread::{CpuSet, sched_setaffinity};
use virt_cgroup::{Controller, Thread};
use virt_conf::common::Bitmap;
use virt_conf::domain::Domain;
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams};

use super::super::refusal::{internal, invalid, invalid_argument, known};
use super::super::sides::{self, Side, Sides};
use super::super::statistics::process;
use super::super::{QemuConnection, hold};
use super::{IMPACT, read, read_late};
use crate::process::QemuBackend;

/// A set of CPUs as little endian bits, one for each of the host's.
pub(super) fn map_of(set: &Bitmap, cpus: u32) -> Vec<u8> {
    let mut map = vec![0u8; cpus.div_ceil(8) as usize];
    for cpu in set.iter().filter(|cpu| *cpu < cpus) {
        if let Some(byte) = map.get_mut((cpu / 8) as usize) {
            *byte |= 1 << (cpu % 8);
        }
    }
    map
}

/// The set that such bits stand for.
///
/// # Errors
/// For an empty one.
pub(super) fn set_of(map: &[u8]) -> Result<Bitmap> {
    let bits =
        map.iter().enumerate().flat_map(|(at, byte)| (0..8).map(move |bit| (at * 8 + bit, byte >> bit & 1)));
    let set = bits.filter(|(_, on)| *on == 1).filter_map(|(cpu, _)| u32::try_from(cpu).ok());
    let set = Bitmap(set.collect());
    if set.is_empty() {
        return Err(invalid_argument("Empty cpu list for pinning"));
    }
    Ok(set)
}

/// The host's CPUs.
pub(super) fn all(cpus: u32) -> Bitmap {
    Bitmap((0..cpus).collect())
}

/// Lets a thread run on these CPUs only.
pub(super) fn pin(thread: u32, set: &Bitmap) -> Result<()> {
    let mut cpus = CpuSet::new();
    for cpu in set.iter().map(|cpu| cpu as usize).filter(|cpu| *cpu < CpuSet::MAX_CPU) {
        cpus.set(cpu);
    }
    let id = i32::try_from(thread).ok().and_then(virt_sys::Pid::from_raw);
    sched_setaffinity(id, &cpus).map_err(|error| {
        let detail = format!("cannot set CPU affinity on process {thread}: {error}");
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    })
}

/// Lets the group of a thread have these CPUs, where there is one.
pub(super) fn keep_to(backend: &QemuBackend, live: &Domain, thread: Thread, set: &Bitmap) -> Result<()> {
    let group = backend.control_group(live).filter(|group| group.has(Controller::Cpuset));
    match group.and_then(|group| group.thread(thread).existing()) {
        Some(own) => Ok(own.set_cpus(&set.to_string())?),
        None => Ok(()),
    }
}

/// The event of a changed pin.
pub(super) fn tunable(field: String, set: &Bitmap) -> DomainEventKind {
    let mut params = TypedParams::new();
    params.push(field, set.to_string());
    DomainEventKind::Tunable { params }
}

/// `virDomainGetVcpuPinInfo`: of all that there may be.
pub(super) async fn vcpus(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<Vec<Vec<u8>>> {
    let cpus = connection.backend.host().cpus;
    read_late(connection, domain, impact, "qemuDomainGetVcpuPinInfo", |document, _| {
        let shared = document.vcpus.cpuset.clone().unwrap_or_else(|| all(cpus));
        let pin = |vcpu| document.cputune.vcpu_pins.get(&vcpu).unwrap_or(&shared);
        Ok((0..document.vcpus.max).map(|vcpu| map_of(pin(vcpu), cpus)).collect())
    })
    .await
}

/// `virDomainPinVcpuFlags`
pub(super) async fn pin_vcpu(
    connection: &QemuConnection,
    domain: &DomainRef,
    vcpu: u32,
    cpu_map: &[u8],
    impact: Impact,
) -> Result<()> {
    known(impact, IMPACT, "qemuDomainPinVcpuFlags")?;
    let handle = connection.find(domain).await?;
    let backend = Arc::clone(&connection.backend);
    let set = set_of(cpu_map);
    handle
        .job(JobSpec::any("virDomainPinVcpuFlags", JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            if let Some(config) = sides::config_of(&snapshot)?.filter(|_| sides.config) {
                check_vcpu(&config, vcpu, "persistent", config.vcpus.online_count())?;
            }
            let set = set?;
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                check_vcpu(live, vcpu, "live", live.vcpus.max)?;
                hold::guest(&context).await?;
                let threads = snapshot.pid.map(process::vcpu_threads).unwrap_or_default();
                if threads.is_empty() {
                    return Err(invalid("cpu affinity is not supported"));
                }
                keep_to(&backend, live, Thread::Vcpu(vcpu), &set)?;
                if let Some(found) = threads.iter().find(|thread| thread.vcpu == vcpu) {
                    pin(found.thread, &set)?;
                }
            }
            let event = tunable(format!("cputune.vcpupin{vcpu}"), &set);
            sides::apply(&context, sides, |document, _| {
                document.cputune.vcpu_pins.insert(vcpu, set.clone());
                Ok(())
            })
            .await?;
            if sides.live {
                context.tell(event);
            }
            Ok(())
        })
        .await
}

fn check_vcpu(document: &Domain, vcpu: u32, whose: &str, count: u32) -> Result<()> {
    if vcpu < document.vcpus.max {
        return Ok(());
    }
    Err(invalid_argument(format!("vcpu {vcpu} is out of range of {whose} cpu count {count}")))
}

/// `virDomainGetEmulatorPinInfo`
pub(super) async fn emulator(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<Option<Vec<u8>>> {
    let cpus = connection.backend.host().cpus;
    read(connection, domain, impact, "qemuDomainGetEmulatorPinInfo", |document, _| {
        let set = document.cputune.emulator_pin.as_ref().or(document.vcpus.cpuset.as_ref());
        Ok(Some(set.map_or_else(|| map_of(&all(cpus), cpus), |set| map_of(set, cpus))))
    })
    .await
}

/// `virDomainPinEmulator`
pub(super) async fn pin_emulator(
    connection: &QemuConnection,
    domain: &DomainRef,
    cpu_map: &[u8],
    impact: Impact,
) -> Result<()> {
    known(impact, IMPACT, "qemuDomainPinEmulator")?;
    let handle = connection.find(domain).await?;
    let backend = Arc::clone(&connection.backend);
    let set = set_of(cpu_map);
    handle
        .job(JobSpec::any("virDomainPinEmulator", JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            let set = set?;
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                hold::guest(&context).await?;
                keep_to(&backend, live, Thread::Emulator, &set)?;
                let pid = snapshot.pid.ok_or_else(|| internal("the guest has no process"))?;
                pin(pid, &set)?;
            }
            let event = tunable("cputune.emulatorpin".to_owned(), &set);
            sides::apply(&context, sides, |document, _: Side| {
                document.cputune.emulator_pin = Some(set.clone());
                Ok(())
            })
            .await?;
            if sides.live {
                context.tell(event);
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_little_endian() {
        let set: Bitmap = "0,3,9".parse().unwrap();
        assert_eq!(map_of(&set, 10), [0b1001, 0b10]);
        assert_eq!(map_of(&set, 4), [0b1001]);
        assert_eq!(set_of(&[0b1001, 0b10]).unwrap(), set);
        assert_eq!(set_of(&[0, 0]).unwrap_err().detail(), "Empty cpu list for pinning");
    }
}
