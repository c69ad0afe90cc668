// tidy: table
//! Statistics and jobs.

use virt_types::TypedParams;

use crate::remote::{
    CONNECT_GET_ALL_DOMAIN_STATS_MAX, DOMAIN_JOB_STATS_MAX, DOMAIN_LIST_MAX, DOMAIN_MESSAGES_MAX, Domain,
    PROGRAM,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// Statistics of a domain.
    DomainStatsRecord { dom: Domain, params: TypedParams[CONNECT_GET_ALL_DOMAIN_STATS_MAX] }
}

procedures! { PROGRAM:
    /// Packets and bytes of a network card.
    65 DomainInterfaceStats "virDomainInterfaceStats" {
        args DomainInterfaceStatsArgs { dom: Domain, device: String }
        reply DomainInterfaceStatsRet {
            rx_bytes: i64, rx_packets: i64, rx_errs: i64, rx_drop: i64, tx_bytes: i64, tx_packets: i64,
            tx_errs: i64, tx_drop: i64,
        }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// How far the domain's job has come.
    163 DomainGetJobInfo "virDomainGetJobInfo" {
        args DomainGetJobInfoArgs { dom: Domain }
        reply DomainGetJobInfoRet {
            kind: i32, time_elapsed: u64, time_remaining: u64, data_total: u64, data_processed: u64,
            data_remaining: u64, mem_total: u64, mem_processed: u64, mem_remaining: u64, file_total: u64,
            file_processed: u64, file_remaining: u64,
        }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Gives up the domain's job.
    164 DomainAbortJob "virDomainAbortJob" {
        args DomainAbortJobArgs { dom: Domain }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Whether the server can talk to the hypervisor of a running domain.
    229 DomainGetControlInfo "virDomainGetControlInfo" {
        args DomainGetControlInfoArgs { dom: Domain, flags: u32 }
        reply DomainGetControlInfoRet { state: u32, details: u32, state_time: u64 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// How far the domain's job has come, as parameters.
    298 DomainGetJobStats "virDomainGetJobStats" {
        args DomainGetJobStatsArgs { dom: Domain, flags: u32 }
        reply DomainGetJobStatsRet { kind: i32, params: TypedParams[DOMAIN_JOB_STATS_MAX] }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Statistics of many domains, as parameters.
    344 ConnectGetAllDomainStats "virConnectGetAllDomainStats" {
        args ConnectGetAllDomainStatsArgs { doms: Vec<Domain>[DOMAIN_LIST_MAX], stats: u32, flags: u32 }
        reply ConnectGetAllDomainStatsRet { ret_stats: Vec<DomainStatsRecord>[DOMAIN_LIST_MAX] }
        access [Connect.search_domains]
        filter Domain.read
        since "1.2.12"
    }

    /// What the server has to say about a domain, such as that it is tainted.
    426 DomainGetMessages "virDomainGetMessages" {
        args DomainGetMessagesArgs { dom: Domain, flags: u32 }
        reply DomainGetMessagesRet { msgs: Vec<String>[DOMAIN_MESSAGES_MAX] }
        access [Domain.read]
        since "9.0.0"
    }

    /// Starts to measure how fast the guest writes its memory.
    427 DomainStartDirtyRateCalc "virDomainStartDirtyRateCalc" {
        args DomainStartDirtyRateCalcArgs { dom: Domain, seconds: i32, flags: u32 }
        access [Domain.write]
        since "9.0.0"
    }

    /// Gives up the domain's job, such as the second phase of a migration alone.
    442 DomainAbortJobFlags "virDomainAbortJobFlags" {
        args DomainAbortJobFlagsArgs { dom: Domain, flags: u32 }
        access [Domain.write]
        since "9.0.0"
    }
}
