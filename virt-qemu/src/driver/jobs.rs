//! Long jobs, of which this driver has none that a caller could watch yet.

use virt_driver::{DomainJobs, DomainRef, JobInfo};
use virt_types::{Result, TypedParams};

use super::calls::calls;
use super::refusal::{invalid, invalid_call, known_bits};
use super::{QemuConnection, sides};

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

/// `virDomainGetJobInfo`
async fn info(connection: &QemuConnection, domain: &DomainRef) -> Result<JobInfo> {
    if !connection.find(domain).await?.snapshot().is_active() {
        return Err(sides::not_running());
    }
    Ok(JobInfo::default())
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
    Ok((0, TypedParams::new()))
}

/// `virDomainAbortJobFlags`
async fn abort(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    known_bits(flags, 1, "qemuDomainAbortJobFlags")?;
    if !connection.find(domain).await?.snapshot().is_active() {
        return Err(sides::not_running());
    }
    Err(invalid("no job is active on the domain"))
}
