//! `virConnectGetAllDomainStats`: groups of figures of many domains at once.

use std::sync::Arc;

use virt_domain::{DomainHandle, Holder, JobKind, JobSpec, Snapshot};
use virt_driver::{DomainRef, DomainStatsRecord};
use virt_qmp::command::QueryIothreads;
use virt_types::{ErrorCode, ListFlags, Result, TextEnum, TypedParams};

use super::super::refusal::{argument_unsupported, known_bits};
use super::super::{QemuConnection, hold, tuning};
use super::{block, cpu, dirty_rate, interface, memory};
use crate::process::{Guest, QemuBackend};

/// The bits of `virDomainStatsTypes`.
const STATE: u32 = 1;
const CPU_TOTAL: u32 = 2;
const BALLOON: u32 = 4;
const VCPU: u32 = 8;
const INTERFACE: u32 = 16;
const BLOCK: u32 = 32;
const PERF: u32 = 64;
const IOTHREAD: u32 = 128;
const DIRTY_RATE: u32 = 512;
/// Those, and two of which nothing is counted here: memory bandwidth (256), exits (1024).
const ALL: u32 = 2047;

/// Those that QEMU has to be asked for.
const ASKED: u32 = BALLOON | BLOCK | PERF | IOTHREAD | DIRTY_RATE;

/// The bits of `virConnectGetAllDomainStatsFlags` that say how, beside those that say of which domains.
const NO_WAIT: u32 = 1 << 29;
const BACKING: u32 = 1 << 30;
const ENFORCE: u32 = 1 << 31;
const FILTERS: u32 = 0xff;

/// `virConnectGetAllDomainStats`, `virDomainListGetStats`
pub(super) async fn all(
    connection: &QemuConnection,
    domains: &[DomainRef],
    groups: u32,
    flags: u32,
) -> Result<Vec<DomainStatsRecord>> {
    known_bits(flags, NO_WAIT | BACKING | ENFORCE | FILTERS, "qemuConnectGetAllDomainStats")?;
    let wanted = if groups == 0 { ALL } else { groups };
    if flags & ENFORCE != 0 && wanted & !ALL != 0 {
        let unknown = wanted & !ALL;
        return Err(argument_unsupported(format!(
            "Stats types bits 0x{unknown:x} are not supported by this daemon or QEMU"
        )));
    }
    let filter = ListFlags::from_bits_truncate(flags & FILTERS);
    let listed = connection.registry.list(filter);
    let mut records = Vec::new();
    for handle in listed {
        let snapshot = handle.snapshot();
        // Those that are named and are gone meanwhile are left out.
        if !domains.is_empty() && !domains.iter().any(|domain| domain.uuid == snapshot.uuid) {
            continue;
        }
        let params = figures(&connection.backend, &handle, &snapshot, wanted, flags).await?;
        records.push(DomainStatsRecord { domain: handle.snapshot().reference(), params });
    }
    if !domains.is_empty() {
        // In the order in which they were named.
        let place = |record: &DomainStatsRecord| domains.iter().position(|d| d.uuid == record.domain.uuid);
        records.sort_by_key(place);
    }
    Ok(records)
}

/// The figures of one domain. What can not be asked for now is left out, and nobody waits for another process's guest.
async fn figures(
    backend: &Arc<QemuBackend>,
    handle: &DomainHandle,
    snapshot: &Arc<Snapshot>,
    wanted: u32,
    flags: u32,
) -> Result<TypedParams> {
    let elsewhere = matches!(snapshot.holder, Holder::Other(_));
    let busy = flags & NO_WAIT != 0 && !snapshot.held.is_free();
    if !snapshot.is_active() || wanted & ASKED == 0 || elsewhere || busy {
        return Ok(collect(backend, snapshot, None, wanted, flags).await);
    }
    let held = Arc::clone(backend);
    let asked = handle
        .job(JobSpec::active("virConnectGetAllDomainStats", JobKind::Query), move |context| async move {
            let guest = hold::guest(&context).await?;
            Ok(collect(&held, &context.snapshot(), Some(&*guest), wanted, flags).await)
        })
        .await;
    match asked {
        Ok(params) => Ok(params),
        // What is known without the hypervisor is told in any case.
        Err(error)
            if matches!(
                error.code(),
                ErrorCode::OperationTimeout | ErrorCode::OperationInvalid | ErrorCode::OperationFailed
            ) =>
        {
            Ok(collect(backend, &handle.snapshot(), None, wanted, flags).await)
        }
        Err(error) => Err(error),
    }
}

async fn collect(
    backend: &QemuBackend,
    snapshot: &Snapshot,
    guest: Option<&Guest>,
    wanted: u32,
    flags: u32,
) -> TypedParams {
    let mut params = TypedParams::new();
    let Ok(Some(document)) = snapshot.current() else { return params };
    let is = |group: u32| wanted & group != 0;
    if is(STATE) {
        params.push("state.state", snapshot.status.state() as i32);
        params.push("state.reason", snapshot.status.reason_number());
    }
    if is(CPU_TOTAL) {
        cpu::fields(backend, snapshot, &mut params);
    }
    if is(BALLOON) {
        memory::fields(&document, snapshot.pid, guest, &mut params).await;
    }
    if is(VCPU) {
        cpu::vcpu_fields(snapshot, &mut params);
    }
    if is(INTERFACE) && snapshot.is_active() {
        interface::fields(&document, &mut params);
    }
    if is(BLOCK) {
        let figures = match guest {
            Some(guest) => block::Figures::ask(guest).await.ok(),
            None => None,
        };
        let (document, active) = (Arc::clone(&document), snapshot.is_active());
        let told = move || block::fields(&document, active, figures.as_ref(), flags & BACKING != 0);
        params.0.append(&mut tokio::task::spawn_blocking(told).await.unwrap_or_default().0);
    }
    if is(PERF)
        && let Some(guest) = guest
    {
        for (event, count) in guest.counters().read() {
            params.push(format!("perf.{}", event.text()), count);
        }
    }
    if is(IOTHREAD)
        && let Some(guest) = guest
    {
        iothread_fields(guest, &mut params).await;
    }
    if is(DIRTY_RATE)
        && let Some(guest) = guest
    {
        dirty_rate::fields(guest, &mut params).await;
    }
    params
}

async fn iothread_fields(guest: &Guest, params: &mut TypedParams) {
    let Ok(threads) = guest.execute(&QueryIothreads {}).await else { return };
    let known: Vec<_> =
        threads.iter().filter_map(|thread| Some((tuning::iothreads::number(&thread.id)?, thread))).collect();
    if known.is_empty() {
        return;
    }
    params.push("iothread.count", u32::try_from(known.len()).unwrap_or(u32::MAX));
    for (id, thread) in known {
        let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
        if let Some(most) = thread.poll_max_ns {
            params.push(format!("iothread.{id}.poll-max-ns"), unsigned(most));
        }
        let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        for (name, value) in [("poll-grow", thread.poll_grow), ("poll-shrink", thread.poll_shrink)] {
            if let Some(value) = value {
                params.push(format!("iothread.{id}.{name}"), small(value));
            }
        }
    }
}
