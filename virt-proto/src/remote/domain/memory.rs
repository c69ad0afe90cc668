// tidy: table
//! Memory.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_MEMORY_PARAMETERS_MAX, DOMAIN_MEMORY_PEEK_BUFFER_MAX, DOMAIN_MEMORY_STATS_MAX, Domain, PROGRAM,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// A number that the balloon reports.
    DomainMemoryStat { tag: i32, val: u64 }
}

procedures! { PROGRAM:
    /// The most memory that the domain can have, in KiB.
    17 DomainGetMaxMemory "virDomainGetMaxMemory" {
        args DomainGetMaxMemoryArgs { dom: Domain }
        reply DomainGetMaxMemoryRet { memory: u64 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets the most memory that the domain can have, in KiB.
    30 DomainSetMaxMemory "virDomainSetMaxMemory" {
        args DomainSetMaxMemoryArgs { dom: Domain, memory: u64 }
        priority High
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Sets the memory of a running domain, in KiB.
    31 DomainSetMemory "virDomainSetMemory" {
        args DomainSetMemoryArgs { dom: Domain, memory: u64 }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Reads from a guest's memory.
    104 DomainMemoryPeek "virDomainMemoryPeek" {
        args DomainMemoryPeekArgs { dom: Domain, offset: u64, size: u32, flags: u32 }
        reply DomainMemoryPeekRet { buffer: Vec<u8>[DOMAIN_MEMORY_PEEK_BUFFER_MAX] }
        access [Domain.mem_read]
        since "<=1.2.7"
    }

    /// Memory of the guest as the balloon reports it.
    159 DomainMemoryStats "virDomainMemoryStats" {
        args DomainMemoryStatsArgs { dom: Domain, max_stats: u32, flags: u32 }
        reply DomainMemoryStatsRet { stats: Vec<DomainMemoryStat>[DOMAIN_MEMORY_STATS_MAX] }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets limits of the domain's memory.
    197 DomainSetMemoryParameters "virDomainSetMemoryParameters" {
        args DomainSetMemoryParametersArgs {
            dom: Domain, params: TypedParams[DOMAIN_MEMORY_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Limits of the domain's memory.
    198 DomainGetMemoryParameters "virDomainGetMemoryParameters" {
        args DomainGetMemoryParametersArgs { dom: Domain, nparams: i32, flags: u32 }
        reply DomainGetMemoryParametersRet { params: TypedParams[DOMAIN_MEMORY_PARAMETERS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets the memory in KiB, now, at the next start, or the most there can be.
    204 DomainSetMemoryFlags "virDomainSetMemoryFlags" {
        args DomainSetMemoryFlagsArgs { dom: Domain, memory: u64, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Sets how often the balloon reports, in seconds.
    308 DomainSetMemoryStatsPeriod "virDomainSetMemoryStatsPeriod" {
        args DomainSetMemoryStatsPeriodArgs { dom: Domain, period: i32, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }
}
