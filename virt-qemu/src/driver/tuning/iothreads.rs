//! The threads that do I/O for a guest.

use virt_conf::domain::{Domain, IoThread};
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainRef, IothreadInfo};
use virt_types::{Error, Impact, Result};

use super::super::refusal::{invalid, invalid_argument, invalid_call, known};
use super::super::sides::{self, Side, Sides};
use super::super::statistics::process;
use super::super::{QemuConnection, hold};
use super::pins::{self, map_of};
use super::{IMPACT, read};

/// QEMU's name of a thread.
fn alias(id: u32) -> String {
    format!("iothread{id}")
}

/// The number of the thread that QEMU calls so.
pub(in crate::driver) fn number(alias: &str) -> Option<u32> {
    alias.strip_prefix("iothread")?.parse().ok()
}

/// `virDomainGetIOThreadInfo`
pub(super) async fn list(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<Vec<IothreadInfo>> {
    sides::not_both(impact)?;
    let cpus = connection.backend.host().cpus;
    let pid = connection.find(domain).await?.snapshot().pid;
    read(connection, domain, impact, "qemuDomainGetIOThreadInfo", |document, side| {
        let info = |thread: &IoThread| {
            let running =
                pid.filter(|_| side == Side::Live).and_then(|pid| process::iothread(pid, &alias(thread.id)));
            let affinity = running.and_then(process::affinity);
            let pin = document.cputune.iothread_pins.get(&thread.id).or(document.vcpus.cpuset.as_ref());
            let cpu_map = match (affinity, pin) {
                (Some(cpus_allowed), _) => {
                    map_of(&virt_conf::common::Bitmap(cpus_allowed.into_iter().collect()), cpus)
                }
                (None, Some(set)) => map_of(set, cpus),
                (None, None) => map_of(&pins::all(cpus), cpus),
            };
            IothreadInfo { id: thread.id, cpu_map }
        };
        Ok(document.iothreads.list.iter().map(info).collect())
    })
    .await
}

/// `virDomainPinIOThread`
pub(super) async fn pin(
    connection: &QemuConnection,
    domain: &DomainRef,
    id: u32,
    cpu_map: &[u8],
    impact: Impact,
) -> Result<()> {
    known(impact, IMPACT, "qemuDomainPinIOThread")?;
    let handle = connection.find(domain).await?;
    let set = pins::set_of(cpu_map);
    handle
        .job(JobSpec::any("virDomainPinIOThread", JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            let set = set?;
            let missing = || invalid_argument(format!("iothread {id} not found"));
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                live.iothreads.find(id).ok_or_else(missing)?;
                hold::guest(&context).await?;
                let thread = snapshot.pid.and_then(|pid| process::iothread(pid, &alias(id)));
                pins::pin(thread.ok_or_else(missing)?, &set)?;
            }
            let event = pins::tunable(format!("cputune.iothreadpin{id}"), &set);
            sides::apply(&context, sides, |document, _| {
                document.iothreads.find(id).ok_or_else(missing)?;
                document.cputune.iothread_pins.insert(id, set.clone());
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

/// `virDomainAddIOThread`
pub(super) async fn add(
    connection: &QemuConnection,
    domain: &DomainRef,
    id: u32,
    impact: Impact,
) -> Result<()> {
    if id == 0 {
        return Err(invalid_call("iothread_id in virDomainAddIOThread must not be zero"));
    }
    known(impact, IMPACT, "qemuDomainAddIOThread")?;
    change(connection, domain, "virDomainAddIOThread", impact, move |config| {
        if config.iothreads.find(id).is_some() {
            return Err(invalid_argument(format!(
                "an IOThread is already using iothread_id '{id}' in iothreadids"
            )));
        }
        config.iothreads.list.push(IoThread { id, ..IoThread::default() });
        Ok(())
    })
    .await
}

/// `virDomainDelIOThread`
pub(super) async fn delete(
    connection: &QemuConnection,
    domain: &DomainRef,
    id: u32,
    impact: Impact,
) -> Result<()> {
    if id == 0 {
        return Err(invalid_argument(format!("invalid value of '{id}' for IOThread id")));
    }
    known(impact, IMPACT, "qemuDomainDelIOThread")?;
    change(connection, domain, "virDomainDelIOThread", impact, move |config| {
        if config.iothreads.find(id).is_none() {
            return Err(invalid_argument(format!("cannot find IOThread '{id}' in iothreadids list")));
        }
        if let Some(disk) = config.devices.disks.iter().find(|disk| disk.driver.iothread == Some(id)) {
            return Err(invalid(format!(
                "cannot remove IOThread {id} since it is being used by disk '{}'",
                disk.name()
            )));
        }
        if config.devices.controllers.iter().any(|controller| controller.driver.iothread == Some(id)) {
            return Err(invalid(format!(
                "cannot remove IOThread '{id}' since it is being used by controller"
            )));
        }
        config.iothreads.list.retain(|thread| thread.id != id);
        config.cputune.iothread_pins.remove(&id);
        config.cputune.iothread_schedulers.remove(&id);
        Ok(())
    })
    .await
}

async fn change(
    connection: &QemuConnection,
    domain: &DomainRef,
    api: &'static str,
    impact: Impact,
    change: impl Fn(&mut Domain) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    let handle = connection.find(domain).await?;
    let sides = Sides::of(&handle.snapshot(), impact)?;
    if sides.live {
        return Err(Error::no_support(api).with_hint("change the configuration, and start the domain anew"));
    }
    sides::edit(&handle, api, Impact::CONFIG, move |config, _| change(config)).await
}
