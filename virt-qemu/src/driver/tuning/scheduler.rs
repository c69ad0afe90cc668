//! Shares of the host's CPUs.

use virt_cgroup::{Controller, Group, Thread};
use virt_conf::domain::{Cputune, Domain, Quota};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{ErrorCode, Impact, Result, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::refusal::invalid;
use super::super::sides::Side;
use super::live::{Change, Limits};
use super::params::{self, Kind};
use super::read_late;

const LIMITS: Limits = Limits {
    controller: Controller::Cpu,
    unmounted: "cgroup CPU controller is not mounted",
    session: Some((ErrorCode::ConfigUnsupported, "CPU tuning is not available in session mode")),
};

/// libvirt's limits, in microseconds.
const PERIODS: (i128, i128) = (1_000, 1_000_000);
const QUOTAS: (i128, i128) = (1_000, 17_592_186_044_415);

/// The names of the quotas, where they are in a document, and which groups of a guest have them.
struct Field {
    name: &'static str,
    at: fn(&mut Cputune) -> &mut Quota,
    groups: fn(&Group, &Domain) -> Vec<Group>,
}

const FIELDS: [Field; 4] = [
    Field { name: "vcpu", at: |tune| &mut tune.vcpu_quota, groups: of_vcpus },
    Field {
        name: "emulator",
        at: |tune| &mut tune.emulator_quota,
        groups: |group, _| of_threads(group, [Thread::Emulator]),
    },
    Field { name: "global", at: |tune| &mut tune.global_quota, groups: |group, _| vec![group.clone()] },
    Field { name: "iothread", at: |tune| &mut tune.iothread_quota, groups: of_iothreads },
];

fn of_vcpus(group: &Group, live: &Domain) -> Vec<Group> {
    of_threads(group, (0..live.vcpus.max).map(Thread::Vcpu))
}

fn of_iothreads(group: &Group, live: &Domain) -> Vec<Group> {
    of_threads(group, live.iothreads.list.iter().map(|thread| Thread::Iothread(thread.id)))
}

fn of_threads(group: &Group, threads: impl IntoIterator<Item = Thread>) -> Vec<Group> {
    threads.into_iter().filter_map(|thread| group.thread(thread).existing()).collect()
}

/// `virDomainGetSchedulerType`
pub(in crate::driver) async fn kind(
    connection: &QemuConnection,
    domain: &DomainRef,
) -> Result<(String, u32)> {
    let snapshot = connection.find(domain).await?.snapshot();
    LIMITS.check_session(connection)?;
    // How many parameters there are is told of a domain that does not run as well.
    let few = match &snapshot.live {
        Some(live) => !LIMITS.group(&connection.backend, live)?.has_cpu_quota(),
        None => false,
    };
    Ok(("posix".to_owned(), if few { 1 } else { 9 }))
}

/// `virDomainGetSchedulerParametersFlags`
pub(in crate::driver) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    let function = "qemuDomainGetSchedulerParametersFlags";
    let backend = &connection.backend;
    read_late(connection, domain, impact, function, |document, side| {
        LIMITS.check_session(connection)?;
        match side {
            Side::Config => Ok(told(&document.cputune)),
            Side::Live => told_live(&LIMITS.group(backend, document)?, document),
        }
    })
    .await
}

fn told(tune: &Cputune) -> TypedParams {
    let mut tune = tune.clone();
    let mut params = TypedParams::new();
    params.push("cpu_shares", tune.shares.unwrap_or_default());
    for field in &FIELDS {
        let quota = (field.at)(&mut tune);
        params.push(format!("{}_period", field.name), quota.period);
        params.push(format!("{}_quota", field.name), quota.quota);
    }
    params
}

/// What the kernel says; of several groups, what the first has.
fn told_live(group: &Group, live: &Domain) -> Result<TypedParams> {
    let mut params = TypedParams::new();
    params.push("cpu_shares", group.cpu_shares()?);
    if !group.has_cpu_quota() {
        return Ok(params);
    }
    for field in &FIELDS {
        let groups = (field.groups)(group, live);
        let quota = groups.first().unwrap_or(group).cpu_quota()?;
        params.push(format!("{}_period", field.name), quota.period);
        params.push(format!("{}_quota", field.name), quota.quota);
    }
    Ok(params)
}

/// What a caller wants of a quota.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    period: Option<u64>,
    quota: Option<i64>,
}

impl Wanted {
    fn of(params: &TypedParams, name: &str) -> Result<Self> {
        let (period, quota) = (format!("{name}_period"), format!("{name}_quota"));
        let wanted = Self {
            period: params::unsigned(params, &period),
            quota: match params.get(&quota) {
                Some(TypedValue::LLong(value)) => Some(*value),
                _ => None,
            },
        };
        if let Some(value) = wanted.period.filter(|value| *value != 0) {
            params::in_range(&period, value.into(), PERIODS.0, PERIODS.1)?;
        }
        if let Some(value) = wanted.quota.filter(|value| *value > 0) {
            params::in_range(&quota, value.into(), QUOTAS.0, QUOTAS.1)?;
        }
        Ok(wanted)
    }
}

/// `virDomainSetSchedulerParametersFlags`
pub(in crate::driver) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    let mut known = vec![("cpu_shares".to_owned(), Kind::ULLong)];
    for field in &FIELDS {
        known.push((format!("{}_period", field.name), Kind::ULLong));
        known.push((format!("{}_quota", field.name), Kind::LLong));
    }
    let known: Vec<_> = known.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    params::check(params, &known)?;
    let (params, asked) = (params.clone(), params.clone());
    let names = ("virDomainSetSchedulerParametersFlags", "qemuDomainSetSchedulerParametersFlags");
    let set = move |group: &Group, live: &Domain| set_live(group, live, &asked);
    let write = move |document: &mut Domain, side| write(&mut document.cputune, &params, side);
    Change { names, limits: LIMITS, set, write }.make(connection, domain, impact).await
}

/// 0 changes nothing of a guest that runs; in a configuration it is what takes a bound back.
fn write(tune: &mut Cputune, params: &TypedParams, side: Side) -> Result<()> {
    if let Some(shares) = params::unsigned(params, "cpu_shares") {
        tune.shares = Some(shares);
    }
    for field in &FIELDS {
        let wanted = Wanted::of(params, field.name)?;
        let place = (field.at)(tune);
        if let Some(period) = wanted.period.filter(|period| side == Side::Config || *period != 0) {
            place.period = period;
        }
        if let Some(quota) = wanted.quota.filter(|quota| side == Side::Config || *quota != 0) {
            place.quota = quota;
        }
    }
    Ok(())
}

fn set_live(group: &Group, live: &Domain, params: &TypedParams) -> Result<Option<DomainEventKind>> {
    let mut told = TypedParams::new();
    if let Some(shares) = params::unsigned(params, "cpu_shares") {
        group.set_cpu_shares(shares)?;
        told.push("cputune.cpu_shares", shares);
    }
    for field in &FIELDS {
        let wanted = Wanted::of(params, field.name)?;
        let (period, quota) = (wanted.period.unwrap_or_default(), wanted.quota.unwrap_or_default());
        if (period != 0 || quota != 0) && !group.has_cpu_quota() {
            return Err(invalid("this kernel does not bound the time on processors"));
        }
        for part in (field.groups)(group, live) {
            part.set_cpu_quota(period, quota)?;
        }
        if period != 0 {
            told.push(format!("cputune.{}_period", field.name), period);
        }
        if quota != 0 {
            told.push(format!("cputune.{}_quota", field.name), quota);
        }
    }
    Ok((!told.0.is_empty()).then_some(DomainEventKind::Tunable { params: told }))
}
