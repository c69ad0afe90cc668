//! The threads that do I/O for a guest.

use virt_cgroup::Thread;
use virt_conf::domain::{Domain, IoThread};
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainRef, IothreadInfo};
use virt_qmp::command::{ObjectAdd, ObjectDel, QomSet, QueryIothreads};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams, TypedValue};

use super::super::refusal::{invalid, invalid_argument, known, unsupported};
use super::super::sides::{self, Side, Sides};
use super::super::statistics::process;
use super::super::{QemuConnection, hold};
use super::params::{self, Kind};
use super::pins::{self, map_of};
use super::{IMPACT, read};
use crate::process::Guest;

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
    let backend = std::sync::Arc::clone(&connection.backend);
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
                pins::keep_to(&backend, live, Thread::Iothread(id), &set)?;
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

/// `VIR_ERR_INVALID_ARG` in the API's name.
fn refused(detail: String) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail)
}

/// `virDomainAddIOThread`
pub(super) async fn add(
    connection: &QemuConnection,
    domain: &DomainRef,
    id: u32,
    impact: Impact,
) -> Result<()> {
    if id == 0 {
        return Err(invalid_argument("invalid value of 0 for iothread_id"));
    }
    known(impact, IMPACT, "qemuDomainAddIOThread")?;
    change(connection, domain, "virDomainAddIOThread", impact, Step::Add(id), move |config, _| {
        if config.iothreads.find(id).is_some() {
            return Err(refused(format!("an IOThread is already using iothread_id '{id}'")));
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
    change(connection, domain, "virDomainDelIOThread", impact, Step::Delete(id), move |config, _| {
        if config.iothreads.find(id).is_none() {
            return Err(refused(format!("cannot find IOThread '{id}' in iothreadids list")));
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

/// What a caller wants of a thread.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    poll_max: Option<u64>,
    poll_grow: Option<u64>,
    poll_shrink: Option<u64>,
    pool_min: Option<i32>,
    pool_max: Option<i32>,
}

impl Wanted {
    fn of(params: &TypedParams) -> Result<Self> {
        params::check(
            params,
            &[
                ("poll_max_ns", Kind::ULLong),
                ("poll_grow", Kind::UInt),
                ("poll_shrink", Kind::UInt),
                ("thread_pool_min", Kind::Int),
                ("thread_pool_max", Kind::Int),
            ],
        )?;
        let small = |field| match params.get(field) {
            Some(TypedValue::Int(value)) => Some(*value),
            _ => None,
        };
        let wanted = Self {
            poll_max: params::unsigned(params, "poll_max_ns"),
            poll_grow: params::unsigned(params, "poll_grow"),
            poll_shrink: params::unsigned(params, "poll_shrink"),
            pool_min: small("thread_pool_min"),
            pool_max: small("thread_pool_max"),
        };
        let refuse = |detail: String| Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail);
        let most = i64::from(i32::MAX) as u64;
        for (name, value) in [("poll-grow", wanted.poll_grow), ("poll-shrink", wanted.poll_shrink)] {
            if let Some(value) = value.filter(|value| *value > most) {
                return Err(refuse(format!("{name} ({value}) must be less than or equal to {most}")));
            }
        }
        for (name, value) in [("thread_pool_min", wanted.pool_min), ("thread_pool_max", wanted.pool_max)] {
            if let Some(value) = value.filter(|value| *value < -1) {
                return Err(refuse(format!("{name} ({value}) must be equal to or greater than -1")));
            }
        }
        Ok(wanted)
    }

    /// Changes a thread's description; what is polled lasts for a running guest only, and is not written down.
    fn change(&self, thread: &mut IoThread, side: Side) -> Result<()> {
        let polls = self.poll_max.is_some() || self.poll_grow.is_some() || self.poll_shrink.is_some();
        if side == Side::Config && polls {
            return Err(unsupported("configuring persistent polling values is not supported"));
        }
        for (name, value) in [("thread_pool_min", self.pool_min), ("thread_pool_max", self.pool_max)] {
            if side == Side::Live && value == Some(-1) {
                let detail = format!("{name} (-1) must be equal to or greater than 0 for live change");
                return Err(invalid(detail));
            }
        }
        let number = |wanted: Option<i32>, known: Option<u32>| match wanted {
            Some(wanted) => i64::from(wanted),
            None => known.map_or(-1, i64::from),
        };
        let (least, most) =
            (number(self.pool_min, thread.thread_pool_min), number(self.pool_max, thread.thread_pool_max));
        let said = self.pool_min.is_some() || self.pool_max.is_some();
        // Where one of them was never said, QEMU's own is not known.
        let both = [self.pool_max.is_some(), thread.thread_pool_max.is_some()].contains(&true);
        if said && both && least > most {
            let detail = format!("thread_pool_min ({least}) can't be greater than thread_pool_max ({most})");
            return Err(invalid(detail));
        }
        if self.pool_min.is_some() {
            thread.thread_pool_min = u32::try_from(least).ok();
        }
        if self.pool_max.is_some() {
            thread.thread_pool_max = u32::try_from(most).ok();
        }
        thread.implied &= thread.thread_pool_min.is_none() && thread.thread_pool_max.is_none();
        Ok(())
    }

    /// The properties of QEMU's object in an order in which the least never exceeds the most.
    fn properties(&self) -> Vec<(&'static str, i64)> {
        let wide = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        let pool_min = self.pool_min.map(i64::from);
        // To nothing first: then any most will do.
        let reset = pool_min.and(self.pool_max).map(|_| 0);
        [
            ("poll-max-ns", wide(self.poll_max)),
            ("poll-grow", wide(self.poll_grow)),
            ("poll-shrink", wide(self.poll_shrink)),
            ("thread-pool-min", reset),
            ("thread-pool-max", self.pool_max.map(i64::from)),
            ("thread-pool-min", pool_min),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// `virDomainSetIOThreadParams`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    id: u32,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    known(impact, IMPACT, "qemuDomainSetIOThreadParams")?;
    if id == 0 {
        return Err(invalid_argument("invalid value of 0 for iothread_id"));
    }
    let wanted = Wanted::of(params)?;
    let set = Step::Set(id, wanted.properties());
    change(connection, domain, "virDomainSetIOThreadParams", impact, set, move |document, side| {
        let missing = || invalid_argument(format!("cannot find IOThread '{id}' in iothreadids"));
        let thread = document.iothreads.list.iter_mut().find(|thread| thread.id == id).ok_or_else(missing)?;
        wanted.change(thread, side)
    })
    .await
}

/// What is done to a running guest.
enum Step {
    Add(u32),
    Delete(u32),
    Set(u32, Vec<(&'static str, i64)>),
}

/// What becomes of a thread's control group.
enum Place {
    Made(u32),
    Removed(u32),
    Kept,
}

/// Puts a new thread into a group of its own, or removes the group of one that is gone. A thread that QEMU has already runs
/// without a group rather than not at all.
async fn place(guest: &Guest, place: Place, live: &Domain, cpus: u32) -> Result<()> {
    match place {
        Place::Made(id) => {
            let threads = guest.execute(&QueryIothreads {}).await?;
            let found = threads.iter().find(|thread| thread.id == alias(id));
            let Some(thread) = found.and_then(|found| u32::try_from(found.thread_id).ok()) else {
                return Ok(());
            };
            if let Err(error) = guest.group().add_thread(Thread::Iothread(id), thread, live, cpus).await {
                log::warn!("the I/O thread {id} has no control group: {}", error.report());
            }
        }
        Place::Removed(id) => guest.group().remove_thread(Thread::Iothread(id)).await,
        Place::Kept => {}
    }
    Ok(())
}

impl Step {
    const fn thread(&self) -> Place {
        match self {
            Self::Add(id) => Place::Made(*id),
            Self::Delete(id) => Place::Removed(*id),
            Self::Set(..) => Place::Kept,
        }
    }

    async fn take(self, guest: &Guest) -> Result<()> {
        match self {
            Self::Add(id) => {
                let members = [("qom-type", "iothread".to_owned()), ("id", alias(id))];
                let members = members.map(|(name, value)| (name.to_owned(), value.into()));
                guest.execute(&ObjectAdd(members.into_iter().collect())).await.map(drop)
            }
            Self::Delete(id) => guest.execute(&ObjectDel { id: alias(id) }).await.map(drop),
            Self::Set(id, properties) => {
                for (property, value) in properties {
                    let path = format!("/objects/{}", alias(id));
                    let set = QomSet { path, property: property.to_owned(), value: value.into() };
                    guest.execute(&set).await?;
                }
                Ok(())
            }
        }
    }
}

/// Changes the documents, and between the check of both and the change of the first the running guest.
async fn change(
    connection: &QemuConnection,
    domain: &DomainRef,
    api: &'static str,
    impact: Impact,
    step: Step,
    change: impl Fn(&mut Domain, Side) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    let handle = connection.find(domain).await?;
    let cpus = connection.backend.host().cpus;
    handle
        .job(JobSpec::any(api, JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            if let Some(config) = sides::config_of(&snapshot)?.filter(|_| sides.config) {
                change(&mut (*config).clone(), Side::Config)?;
            }
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                change(&mut (**live).clone(), Side::Live)?;
                let guest = hold::guest(&context).await?;
                let thread = step.thread();
                step.take(&guest).await?;
                place(&guest, thread, live, cpus).await?;
            }
            sides::apply(&context, sides, change).await
        })
        .await
}
