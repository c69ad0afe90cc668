//! The calls that measure domains. The figures are made up; most of them grow with time.

use virt_driver::{
    BlockInfo, BlockStats, DiskError, DomainRef, DomainStatistics, DomainStatsRecord, InterfaceStats,
    MemoryStat,
};
use virt_types::{Impact, ListFlags, Result, TypedParams};

use super::{Guest, block};
use crate::connection::{Answer, TestConnection};
use crate::error::{argument, invalid_arg};
use crate::flags::check;

/// CPU time of a domain, nanoseconds.
const CPU_TIME: u64 = 48_772_617_035;

/// `VIR_DOMAIN_STATS_STATE`
const STATE: u32 = 0x1;
/// `VIR_DOMAIN_STATS_IOTHREAD`
const IOTHREAD: u32 = 0x80;
/// `VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT`, `…_BACKING` and `…_ENFORCE_STATS`.
const OPTIONS: u32 = 0x2000_0000 | 0x4000_0000 | ENFORCE;
const ENFORCE: u32 = 0x8000_0000;

/// All CPUs together, or each of the host's `cpus`, of which this many are asked for.
fn cpu_stats(start: i32, count: u32, cpus: u32) -> Result<Vec<TypedParams>> {
    let Ok(start) = u32::try_from(start) else {
        let mut params = TypedParams::new();
        params.push("cpu_time", CPU_TIME);
        params.push("user_time", 5_540_000_000u64);
        params.push("system_time", 6_460_000_000u64);
        return Ok(vec![params]);
    };
    if start >= cpus {
        return Err(invalid_arg(format!("start_cpu {start} larger than maximum of {}", i64::from(cpus) - 1)));
    }
    let one = |cpu: u32| {
        let time = CPU_TIME / u64::from(cpus) + u64::from(cpu);
        let mut params = TypedParams::new();
        params.push("cpu_time", time);
        params.push("vcpu_time", time.wrapping_sub(1_234_567_890));
        params
    };
    Ok((start..cpus.min(start.saturating_add(count))).map(one).collect())
}

impl Guest {
    fn record(&self, groups: u32) -> DomainStatsRecord {
        let mut params = TypedParams::new();
        if groups & STATE != 0 {
            params.push("state.state", self.status.state().number());
            params.push("state.reason", self.status.reason_number());
        }
        if groups & IOTHREAD != 0 && self.is_active() && !self.polling.is_empty() {
            params.push("iothread.count", self.polling.len() as u32);
            for polling in &self.polling {
                let field = |what| format!("iothread.{}.{what}", polling.id);
                params.push(field("poll-max-ns"), polling.max);
                params.push(field("poll-grow"), polling.grow);
                params.push(field("poll-shrink"), polling.shrink);
            }
        }
        DomainStatsRecord { domain: self.reference(), params }
    }
}

impl DomainStatistics for TestConnection {
    fn block<'a>(&'a self, domain: &'a DomainRef, disk: &'a str) -> Answer<'a, BlockStats> {
        self.answer(|host| {
            block::check_path(disk)?;
            host.running(domain)?.block_stats(disk)
        })
    }

    fn block_info<'a>(&'a self, domain: &'a DomainRef, disk: &'a str, flags: u32) -> Answer<'a, BlockInfo> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetBlockInfo")?;
            host.guest(domain)?.block_info(disk)
        })
    }

    fn interface<'a>(&'a self, domain: &'a DomainRef, device: &'a str) -> Answer<'a, InterfaceStats> {
        self.answer(|host| host.running(domain)?.interface_stats(device))
    }

    fn memory<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<MemoryStat>> {
        self.answer(|host| {
            check(flags, 0, "testDomainMemoryStats")?;
            Ok(host.running(domain)?.memory_stats())
        })
    }

    fn set_memory_period<'a>(&'a self, domain: &'a DomainRef, period: i32, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, Impact::all().bits(), "testDomainSetMemoryStatsPeriod")?;
            host.guest(domain)?.set_memory_period(period, flags)
        })
    }

    fn cpu<'a>(
        &'a self,
        domain: &'a DomainRef,
        start: i32,
        count: u32,
        flags: u32,
    ) -> Answer<'a, Vec<TypedParams>> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetCPUStats")?;
            let cores = host.node.info.cores;
            host.running(domain)?;
            cpu_stats(start, count, cores)
        })
    }

    fn cpu_count<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, u32> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetCPUStats")?;
            let cores = host.node.info.cores;
            host.running(domain)?;
            Ok(cores)
        })
    }

    fn disk_errors<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<DiskError>> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetDiskErrors")?;
            Ok(host.running(domain)?.disk_errors())
        })
    }

    fn all<'a>(
        &'a self,
        domains: &'a [DomainRef],
        groups: u32,
        flags: u32,
    ) -> Answer<'a, Vec<DomainStatsRecord>> {
        self.answer(|host| {
            // Activity, persistence and state choose domains here as in a listing.
            let filter = flags & 0xff;
            check(flags, 0xff | OPTIONS, "testConnectGetAllDomainStats")?;
            let unknown = groups & !(STATE | IOTHREAD);
            if flags & ENFORCE != 0 && unknown != 0 {
                let detail = format!("Stats types bits 0x{unknown:x} are not supported by this daemon");
                return Err(argument(detail));
            }
            let groups = if groups == 0 { STATE | IOTHREAD } else { groups };
            let filter = ListFlags::from_bits_truncate(filter);
            let records = |guest: &Guest| guest.matches(filter).then(|| guest.record(groups));
            if domains.is_empty() {
                return Ok(host.guests.iter().filter_map(records).collect());
            }
            let known = domains
                .iter()
                .filter_map(|domain| host.guests.iter().find(|guest| guest.live.uuid == Some(domain.uuid)));
            Ok(known.filter_map(records).collect())
        })
    }
}
