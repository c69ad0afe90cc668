//! Long jobs: how far a save or a dump has come, and its end before its time.

use virt_domain::{JobKind, LongJob, Snapshot};
use virt_driver::{DomainJobs, DomainRef, JobInfo};
use virt_qmp::command::{MigrateCancel, MigrationInfo, QueryMigrate};
use virt_types::{Result, TypedParams};

use super::calls::calls;
use super::refusal::{invalid, invalid_call, known_bits};
use super::{QemuConnection, hold, sides};

/// `VIR_DOMAIN_JOB_STATS_COMPLETED`
const COMPLETED: u32 = 1;
/// `VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED`
const KEEP_COMPLETED: u32 = 2;

impl DomainJobs for QemuConnection {
    calls! {
        info(domain: &'a DomainRef) -> JobInfo = info;
        stats(domain: &'a DomainRef, flags: u32) -> (i32, TypedParams) = stats;
        abort(domain: &'a DomainRef, flags: u32) -> () = abort;
    }
}

/// `VIR_DOMAIN_JOB_UNBOUNDED`
const UNBOUNDED: i32 = 2;
/// `VIR_DOMAIN_JOB_OPERATION_SAVE`
pub(super) const SAVE: i32 = 2;
/// `VIR_DOMAIN_JOB_OPERATION_DUMP`
const DUMP: i32 = 8;

/// How far a job has come.
struct Progress {
    operation: i32,
    elapsed: u64,
    total: u64,
    processed: u64,
    remaining: u64,
}

impl Progress {
    fn of(info: &MigrationInfo, operation: i32) -> Self {
        let bytes = |value: Option<i64>| u64::try_from(value.unwrap_or(0)).unwrap_or(0);
        let ram = info.ram.as_ref();
        Self {
            operation,
            elapsed: info.total_time.unwrap_or(0),
            total: bytes(ram.map(|ram| ram.total)),
            processed: bytes(ram.map(|ram| ram.transferred)),
            remaining: bytes(ram.map(|ram| ram.remaining)),
        }
    }

    fn params(&self) -> TypedParams {
        let mut params = TypedParams::new();
        params.push("operation", self.operation);
        params.push("time_elapsed", self.elapsed);
        for kind in ["data", "memory"] {
            params.push(format!("{kind}_total"), self.total);
            params.push(format!("{kind}_processed"), self.processed);
            params.push(format!("{kind}_remaining"), self.remaining);
        }
        params
    }
}

/// What is told of a job that has ended.
pub(super) fn params(info: &MigrationInfo, operation: i32) -> TypedParams {
    Progress::of(info, operation).params()
}

/// The operation of the job that goes on, if it can be watched.
fn operation(snapshot: &Snapshot) -> Option<i32> {
    snapshot.held.iter().find_map(|job| match job.kind {
        JobKind::Long(LongJob::Save) => Some(SAVE),
        JobKind::Long(LongJob::Dump) => Some(DUMP),
        _ => None,
    })
}

async fn progress(
    connection: &QemuConnection,
    domain: &DomainRef,
    api: &'static str,
) -> Result<Option<Progress>> {
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    if !snapshot.is_active() {
        return Err(sides::not_running());
    }
    let Some(operation) = operation(&snapshot) else { return Ok(None) };
    let info = hold::ask(&handle, api, JobKind::Query, QueryMigrate {}).await?;
    Ok(Some(Progress::of(&info, operation)))
}

/// `virDomainGetJobInfo`
async fn info(connection: &QemuConnection, domain: &DomainRef) -> Result<JobInfo> {
    let Some(found) = progress(connection, domain, "virDomainGetJobInfo").await? else {
        return Ok(JobInfo::default());
    };
    Ok(JobInfo {
        kind: UNBOUNDED,
        time_elapsed: found.elapsed,
        data_total: found.total,
        data_processed: found.processed,
        data_remaining: found.remaining,
        memory_total: found.total,
        memory_processed: found.processed,
        memory_remaining: found.remaining,
        ..JobInfo::default()
    })
}

/// `virDomainGetJobStats`
async fn stats(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<(i32, TypedParams)> {
    if flags & KEEP_COMPLETED != 0 && flags & COMPLETED == 0 {
        let detail =
            "Flag 'VIR_DOMAIN_JOB_STATS_COMPLETED' is required by flag 'VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED'";
        return Err(invalid_call(detail));
    }
    known_bits(flags, COMPLETED | KEEP_COMPLETED, "qemuDomainGetJobStats")?;
    let active = connection.find(domain).await?.snapshot().is_active();
    if !active && flags & COMPLETED == 0 {
        return Err(sides::not_running());
    }
    if !active || flags & COMPLETED != 0 {
        return Ok((0, TypedParams::new()));
    }
    Ok(match progress(connection, domain, "virDomainGetJobStats").await? {
        Some(found) => (UNBOUNDED, found.params()),
        None => (0, TypedParams::new()),
    })
}

/// `virDomainAbortJobFlags`
async fn abort(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    known_bits(flags, 1, "qemuDomainAbortJobFlags")?;
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    if !snapshot.is_active() {
        return Err(sides::not_running());
    }
    if operation(&snapshot).is_none() {
        return Err(invalid("no job is active on the domain"));
    }
    hold::ask(&handle, "virDomainAbortJob", JobKind::Abort, MigrateCancel {}).await.map(drop)
}
