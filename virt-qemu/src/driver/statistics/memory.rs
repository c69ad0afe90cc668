//! How a guest uses its memory.

use serde_json::Value;
use virt_conf::domain::Domain;
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainRef, MemoryStat};
use virt_qmp::command::QomGet;
use virt_types::{Result, TypedParams};

use super::super::memory::has_balloon;
use super::super::refusal::no_flags;
use super::super::{QemuConnection, hold, sides};
use super::process;
use crate::process::{Guest, balloon_path};

/// What QEMU's balloon tells: its name, libvirt's number (`virDomainMemoryStatTags`) and field, and how many of its units
/// make one of ours.
const FIGURES: [(&str, i32, &str, u64); 10] = [
    ("stat-swap-in", 0, "swap_in", 1024),
    ("stat-swap-out", 1, "swap_out", 1024),
    ("stat-major-faults", 2, "major_fault", 1),
    ("stat-minor-faults", 3, "minor_fault", 1),
    ("stat-free-memory", 4, "unused", 1024),
    ("stat-total-memory", 5, "available", 1024),
    ("stat-available-memory", 8, "usable", 1024),
    ("stat-disk-caches", 10, "disk_caches", 1024),
    ("stat-htlb-pgalloc", 11, "hugetlb_pgalloc", 1),
    ("stat-htlb-pgfail", 12, "hugetlb_pgfail", 1),
];

/// `VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON`
const ACTUAL: i32 = 6;
/// `VIR_DOMAIN_MEMORY_STAT_RSS`
const RESIDENT: i32 = 7;
/// `VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE`
const LAST_UPDATE: i32 = 9;

/// `virDomainMemoryStats`
pub(super) async fn stats(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<Vec<MemoryStat>> {
    no_flags(flags, "qemuDomainMemoryStats")?;
    let handle = connection.find(domain).await?;
    handle
        .job(JobSpec::active("virDomainMemoryStats", JobKind::Query), |context| async move {
            let snapshot = context.snapshot();
            let live = snapshot.live.clone().ok_or_else(sides::not_running)?;
            let mut stats = Vec::new();
            if has_balloon(&live) {
                let guest = hold::guest(&context).await?;
                let actual = current(&live);
                stats.push(MemoryStat { tag: ACTUAL, value: actual });
                stats.extend(ask(&guest, &live).await?.into_iter().map(|(stat, _)| stat));
            } else {
                stats.push(MemoryStat { tag: ACTUAL, value: live.memory.total });
            }
            if let Some(value) = snapshot.pid.and_then(process::resident) {
                stats.push(MemoryStat { tag: RESIDENT, value });
            }
            Ok(stats)
        })
        .await
}

/// The KiB that the guest has.
pub(super) fn current(document: &Domain) -> u64 {
    let memory = &document.memory;
    if has_balloon(document) && memory.current > 0 { memory.current } else { memory.total }
}

/// What the guest reported last, each with the name of its field.
async fn ask(guest: &Guest, live: &Domain) -> Result<Vec<(MemoryStat, &'static str)>> {
    let Some(path) = balloon_path(live) else { return Ok(Vec::new()) };
    let report = guest.attempt(&QomGet { path, property: "guest-stats".to_owned() }).await?;
    Ok(report.map(|report| read(&report)).unwrap_or_default())
}

fn read(report: &Value) -> Vec<(MemoryStat, &'static str)> {
    let stats = report.get("stats");
    let known = |name: &str| {
        // What a guest does not tell, QEMU reports as -1.
        stats?.get(name)?.as_u64().filter(|value| *value != u64::MAX)
    };
    let mut found: Vec<_> = FIGURES
        .iter()
        .filter_map(|(name, tag, field, unit)| {
            Some((MemoryStat { tag: *tag, value: known(name)? / unit }, *field))
        })
        .collect();
    if let Some(value) = report.get("last-update").and_then(Value::as_u64) {
        found.push((MemoryStat { tag: LAST_UPDATE, value }, "last-update"));
    }
    found
}

/// The fields of `virConnectGetAllDomainStats`; `guest` is there if it can be asked.
pub(super) async fn fields(
    document: &Domain,
    pid: Option<u32>,
    guest: Option<&Guest>,
    params: &mut TypedParams,
) {
    params.push("balloon.current", current(document));
    params.push("balloon.maximum", document.memory.total);
    let Some(guest) = guest else { return };
    if has_balloon(document) {
        // A guest that can not be asked has none of these.
        for (stat, field) in ask(guest, document).await.unwrap_or_default() {
            params.push(format!("balloon.{field}"), stat.value);
        }
    }
    if let Some(resident) = pid.and_then(process::resident) {
        params.push("balloon.rss", resident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_in_our_units() {
        let report = serde_json::json!({
            "stats": {"stat-free-memory": 2048, "stat-major-faults": 7, "stat-swap-in": 18_446_744_073_709_551_615u64},
            "last-update": 99
        });
        let found: Vec<_> =
            read(&report).iter().map(|(stat, field)| (stat.tag, stat.value, *field)).collect();
        assert_eq!(found, [(2, 7, "major_fault"), (4, 2, "unused"), (9, 99, "last-update")]);
    }
}
