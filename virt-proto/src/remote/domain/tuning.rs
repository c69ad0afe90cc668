// tidy: table
//! Weights and limits.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_BLKIO_PARAMETERS_MAX, DOMAIN_INTERFACE_PARAMETERS_MAX, DOMAIN_NUMA_PARAMETERS_MAX,
    DOMAIN_PERF_EVENTS_MAX, DOMAIN_SCHEDULER_PARAMETERS_MAX, Domain, PROGRAM,
};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Names the host's scheduler for the domain, and how many parameters it has.
    56 DomainGetSchedulerType "virDomainGetSchedulerType" {
        args DomainGetSchedulerTypeArgs { dom: Domain }
        reply DomainGetSchedulerTypeRet { kind: String, nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Parameters of the scheduler.
    57 DomainGetSchedulerParameters "virDomainGetSchedulerParameters" {
        args DomainGetSchedulerParametersArgs { dom: Domain, nparams: i32 }
        reply DomainGetSchedulerParametersRet { params: TypedParams[DOMAIN_SCHEDULER_PARAMETERS_MAX] }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets parameters of the scheduler.
    58 DomainSetSchedulerParameters "virDomainSetSchedulerParameters" {
        args DomainSetSchedulerParametersArgs {
            dom: Domain, params: TypedParams[DOMAIN_SCHEDULER_PARAMETERS_MAX],
        }
        write Always
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets weights and limits of the domain's disk traffic.
    205 DomainSetBlkioParameters "virDomainSetBlkioParameters" {
        args DomainSetBlkioParametersArgs {
            dom: Domain, params: TypedParams[DOMAIN_BLKIO_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Weights and limits of the domain's disk traffic.
    206 DomainGetBlkioParameters "virDomainGetBlkioParameters" {
        args DomainGetBlkioParametersArgs { dom: Domain, nparams: i32, flags: u32 }
        reply DomainGetBlkioParametersRet { params: TypedParams[DOMAIN_BLKIO_PARAMETERS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets parameters of the scheduler, now or at the next start.
    219 DomainSetSchedulerParametersFlags "virDomainSetSchedulerParametersFlags" {
        args DomainSetSchedulerParametersFlagsArgs {
            dom: Domain, params: TypedParams[DOMAIN_SCHEDULER_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Parameters of the scheduler, now or at the next start.
    223 DomainGetSchedulerParametersFlags "virDomainGetSchedulerParametersFlags" {
        args DomainGetSchedulerParametersFlagsArgs { dom: Domain, nparams: i32, flags: u32 }
        reply DomainGetSchedulerParametersFlagsRet { params: TypedParams[DOMAIN_SCHEDULER_PARAMETERS_MAX] }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets from which NUMA nodes of the host the domain's memory comes.
    254 DomainSetNumaParameters "virDomainSetNumaParameters" {
        args DomainSetNumaParametersArgs {
            dom: Domain, params: TypedParams[DOMAIN_NUMA_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// From which NUMA nodes of the host the domain's memory comes.
    255 DomainGetNumaParameters "virDomainGetNumaParameters" {
        args DomainGetNumaParametersArgs { dom: Domain, nparams: i32, flags: u32 }
        reply DomainGetNumaParametersRet { params: TypedParams[DOMAIN_NUMA_PARAMETERS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets bandwidths of a network card.
    256 DomainSetInterfaceParameters "virDomainSetInterfaceParameters" {
        args DomainSetInterfaceParametersArgs {
            dom: Domain, device: String, params: TypedParams[DOMAIN_INTERFACE_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Bandwidths of a network card.
    257 DomainGetInterfaceParameters "virDomainGetInterfaceParameters" {
        args DomainGetInterfaceParametersArgs { dom: Domain, device: String, nparams: i32, flags: u32 }
        reply DomainGetInterfaceParametersRet {
            params: TypedParams[DOMAIN_INTERFACE_PARAMETERS_MAX], nparams: i32,
        }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Which performance events of the domain are counted.
    365 DomainGetPerfEvents "virDomainGetPerfEvents" {
        args DomainGetPerfEventsArgs { dom: Domain, flags: u32 }
        reply DomainGetPerfEventsRet { params: TypedParams[DOMAIN_PERF_EVENTS_MAX] }
        access [Domain.read]
        since "3.6.0"
    }

    /// Sets which performance events of the domain are counted.
    366 DomainSetPerfEvents "virDomainSetPerfEvents" {
        args DomainSetPerfEventsArgs { dom: Domain, params: TypedParams[DOMAIN_PERF_EVENTS_MAX], flags: u32 }
        access [Domain.write]
        since "3.6.0"
    }
}
