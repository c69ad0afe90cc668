//! Statistics of domains.

use virt_driver::{
    BlockInfo, BlockStats, BoxFuture, DiskError, DomainRef, DomainStatsRecord, InterfaceStats, MemoryStat,
};
use virt_proto::remote::*;
use virt_types::{Result, TypedParams};

use super::convert::Wire;
use super::macros::binding;
use super::params::in_two_steps;

/// The most figures of a guest's memory that are asked for.
const MEMORY_STATS: u32 = 1024;

/// Host CPUs that are asked for at a time (`REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX`).
const CPUS: u32 = 128;

binding! {
    /// Statistics of domains.
    statistics: DomainStatistics;
    both {
        DomainBlockStats = block(dom: &'a DomainRef, path: &'a str) -> BlockStats;
        [params] DomainBlockStatsFlags = block_parameters(dom: &'a DomainRef, path: &'a str, flags: u32) -> TypedParams as params;
        DomainGetBlockInfo = block_info(dom: &'a DomainRef, path: &'a str, flags: u32) -> BlockInfo;
        DomainInterfaceStats = interface(dom: &'a DomainRef, device: &'a str) -> InterfaceStats;
        DomainSetMemoryStatsPeriod = set_memory_period(dom: &'a DomainRef, period: i32, flags: u32);
        ConnectGetAllDomainStats = all(doms: &'a [DomainRef], stats: u32, flags: u32) -> Vec<DomainStatsRecord> as ret_stats;
        DomainStartDirtyRateCalc = start_dirty_rate(dom: &'a DomainRef, seconds: i32, flags: u32);
    }
    served {
        DomainMemoryStats(dom: DomainRef, max_stats: u32, flags: u32) = memory(&dom, flags) => |mut stats| {
            stats.truncate(usize::try_from(max_stats).unwrap_or(usize::MAX));
            Reply { stats: stats.to_wire() }
        };
        DomainGetDiskErrors(dom: DomainRef, maxerrors: u32, flags: u32) = disk_errors(&dom, flags) => |found| {
            let (errors, nerrors) = in_two_steps(found, maxerrors.into(), true);
            Reply { errors: errors.to_wire(), nerrors }
        };
    }
    by_hand {
        DomainGetCpuStats => cpu_stats;
    }
    client {
        fn memory<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<Vec<MemoryStat>>> {
            let args = DomainMemoryStatsArgs { dom: domain.clone().to_wire(), max_stats: MEMORY_STATS, flags };
            Box::pin(async move { Wire::from_wire(self.call::<DomainMemoryStats>(args).await?.stats) })
        }

        fn disk_errors<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<Vec<DiskError>>> {
            Box::pin(async move {
                let mut args = DomainGetDiskErrorsArgs { dom: domain.clone().to_wire(), maxerrors: 0, flags };
                let disks = self.call::<DomainGetDiskErrors>(args.clone()).await?.nerrors;
                args.maxerrors = u32::try_from(disks).unwrap_or(0);
                if args.maxerrors == 0 {
                    return Ok(Vec::new());
                }
                Wire::from_wire(self.call::<DomainGetDiskErrors>(args).await?.errors)
            })
        }

        fn cpu_count<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> BoxFuture<'a, Result<u32>> {
            let dom = domain.clone().to_wire();
            let args = DomainGetCpuStatsArgs { dom, nparams: 0, start_cpu: 0, ncpus: 0, flags };
            Box::pin(async move { Wire::from_wire(self.call::<DomainGetCpuStats>(args).await?.nparams) })
        }

        fn cpu<'a>(
            &'a self,
            domain: &'a DomainRef,
            start: i32,
            count: u32,
            flags: u32,
        ) -> BoxFuture<'a, Result<Vec<TypedParams>>> {
            Box::pin(async move {
                let ask = |nparams, start_cpu, ncpus| DomainGetCpuStatsArgs {
                    dom: domain.clone().to_wire(),
                    nparams,
                    start_cpu,
                    ncpus,
                    flags: flags | super::params::STRING_OKAY,
                };
                let each = self.call::<DomainGetCpuStats>(ask(0, start, 1)).await?.nparams;
                let each = u32::try_from(each).unwrap_or(0);
                let mut all = Vec::new();
                let mut from = start;
                let mut left = count;
                while each > 0 && left > 0 {
                    let now = left.min(CPUS);
                    let reply = self.call::<DomainGetCpuStats>(ask(each, from, now)).await?;
                    let width = usize::try_from(reply.nparams).unwrap_or(0).max(1);
                    let lists = reply.params.0.chunks(width).map(|list| TypedParams(list.to_vec()));
                    all.extend(lists);
                    left -= now;
                    from = from.saturating_add_unsigned(now);
                }
                Ok(all)
            })
        }
    }
}

/// Three questions in one call: how many host CPUs, how many figures for each, and the figures.
fn cpu_stats(session: &std::sync::Arc<super::Core>, call: &mut super::Incoming<'_>) -> super::Begun {
    let connection = session.connection("statistics")?;
    let mut args = virt_proto::xdr::decode::<DomainGetCpuStatsArgs>(call.payload)?;
    super::params::take_strings(&mut args.flags);
    Ok(Box::pin(async move {
        let DomainGetCpuStatsArgs { dom, nparams, start_cpu, ncpus, flags } = args;
        let domain = DomainRef::from_wire(dom)?;
        let group: &dyn virt_driver::DomainStatistics =
            connection.statistics().unwrap_or(&virt_driver::Nothing);
        if nparams == 0 && ncpus == 0 {
            let cpus = group.cpu_count(&domain, flags).await?;
            let reply = DomainGetCpuStatsRet { params: TypedParams::new(), nparams: cpus.to_wire() };
            return super::encode::<DomainGetCpuStats>(&reply);
        }
        let mut lists = group.cpu(&domain, start_cpu, ncpus.clamp(1, CPUS), flags).await?;
        let asked = lists.first().map_or(0, |list| list.0.len());
        let room = usize::try_from(nparams).unwrap_or(usize::MAX).min(asked);
        lists.iter_mut().for_each(|list| list.0.truncate(room));
        let params = TypedParams(lists.into_iter().flat_map(|list| list.0).collect());
        let width = if nparams == 0 { asked } else { room };
        let reply = DomainGetCpuStatsRet {
            params: if nparams == 0 { TypedParams::new() } else { params },
            nparams: i32::try_from(width).unwrap_or(i32::MAX),
        };
        super::encode::<DomainGetCpuStats>(&reply)
    }))
}
