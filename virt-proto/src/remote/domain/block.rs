// tidy: table
//! Disks.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_BLOCK_COPY_PARAMETERS_MAX, DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX, DOMAIN_BLOCK_PEEK_BUFFER_MAX,
    DOMAIN_BLOCK_STATS_PARAMETERS_MAX, DOMAIN_DISK_ERRORS_MAX, Domain, PROGRAM,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// A disk that had an error.
    DomainDiskError { disk: String, error: i32 }
}

procedures! { PROGRAM:
    /// Requests and bytes of a disk.
    64 DomainBlockStats "virDomainBlockStats" {
        args DomainBlockStatsArgs { dom: Domain, path: String }
        reply DomainBlockStatsRet { rd_req: i64, rd_bytes: i64, wr_req: i64, wr_bytes: i64, errs: i64 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Reads from a domain's disk.
    103 DomainBlockPeek "virDomainBlockPeek" {
        args DomainBlockPeekArgs { dom: Domain, path: String, offset: u64, size: u32, flags: u32 }
        reply DomainBlockPeekRet { buffer: Vec<u8>[DOMAIN_BLOCK_PEEK_BUFFER_MAX] }
        access [Domain.block_read]
        since "<=1.2.7"
    }

    /// Sizes of a domain's disk, in bytes.
    194 DomainGetBlockInfo "virDomainGetBlockInfo" {
        args DomainGetBlockInfoArgs { dom: Domain, path: String, flags: u32 }
        reply DomainGetBlockInfoRet { allocation: u64, capacity: u64, physical: u64 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Gives up or completes a job on a disk.
    237 DomainBlockJobAbort "virDomainBlockJobAbort" {
        args DomainBlockJobAbortArgs { dom: Domain, path: String, flags: u32 }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// How far the job on a disk has come.
    238 DomainGetBlockJobInfo "virDomainGetBlockJobInfo" {
        args DomainGetBlockJobInfoArgs { dom: Domain, path: String, flags: u32 }
        reply DomainGetBlockJobInfoRet { found: i32, kind: i32, bandwidth: u64, cur: u64, end: u64 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Limits the speed of a job on a disk.
    239 DomainBlockJobSetSpeed "virDomainBlockJobSetSpeed" {
        args DomainBlockJobSetSpeedArgs { dom: Domain, path: String, bandwidth: u64, flags: u32 }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Copies what a disk has from its backing files into the disk itself.
    240 DomainBlockPull "virDomainBlockPull" {
        args DomainBlockPullArgs { dom: Domain, path: String, bandwidth: u64, flags: u32 }
        access [Domain.block_write]
        since "<=1.2.7"
    }

    /// Statistics of a disk, as parameters.
    243 DomainBlockStatsFlags "virDomainBlockStatsFlags" {
        args DomainBlockStatsFlagsArgs { dom: Domain, path: String, nparams: i32, flags: u32 }
        reply DomainBlockStatsFlagsRet { params: TypedParams[DOMAIN_BLOCK_STATS_PARAMETERS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Changes the size of a running domain's disk.
    251 DomainBlockResize "virDomainBlockResize" {
        args DomainBlockResizeArgs { dom: Domain, disk: String, size: u64, flags: u32 }
        access [Domain.block_write]
        since "<=1.2.7"
    }

    /// Sets limits of a disk's traffic.
    252 DomainSetBlockIoTune "virDomainSetBlockIoTune" {
        args DomainSetBlockIoTuneArgs {
            dom: Domain, disk: String, params: TypedParams[DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Limits of a disk's traffic.
    253 DomainGetBlockIoTune "virDomainGetBlockIoTune" {
        args DomainGetBlockIoTuneArgs { dom: Domain, disk: Option<String>, nparams: i32, flags: u32 }
        reply DomainGetBlockIoTuneRet { params: TypedParams[DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX], nparams: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Which disks had an error.
    263 DomainGetDiskErrors "virDomainGetDiskErrors" {
        args DomainGetDiskErrorsArgs { dom: Domain, maxerrors: u32, flags: u32 }
        reply DomainGetDiskErrorsRet { errors: Vec<DomainDiskError>[DOMAIN_DISK_ERRORS_MAX], nerrors: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Puts a disk on another backing file, or copies it.
    266 DomainBlockRebase "virDomainBlockRebase" {
        args DomainBlockRebaseArgs {
            dom: Domain, path: String, base: Option<String>, bandwidth: u64, flags: u32,
        }
        access [Domain.block_write]
        since "<=1.2.7"
    }

    /// Writes what a disk has in overlays down into a backing file.
    290 DomainBlockCommit "virDomainBlockCommit" {
        args DomainBlockCommitArgs {
            dom: Domain, disk: String, base: Option<String>, top: Option<String>, bandwidth: u64, flags: u32,
        }
        access [Domain.block_write]
        since "<=1.2.7"
    }

    /// Copies a disk while the domain runs.
    345 DomainBlockCopy "virDomainBlockCopy" {
        args DomainBlockCopyArgs {
            dom: Domain, path: String, destxml: String, params: TypedParams[DOMAIN_BLOCK_COPY_PARAMETERS_MAX],
            flags: u32,
        }
        access [Domain.block_write]
        since "1.2.12"
    }

    /// Sets how far a disk may be written before an event tells of it.
    386 DomainSetBlockThreshold "virDomainSetBlockThreshold" {
        args DomainSetBlockThresholdArgs { dom: Domain, dev: String, threshold: u64, flags: u32 }
        access [Domain.write]
        since "3.6.0"
    }

    /// Sets limits that several disks share.
    451 DomainSetThrottleGroup "virDomainSetThrottleGroup" {
        args DomainSetThrottleGroupArgs {
            dom: Domain, group: String, params: TypedParams[DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX], flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "11.3.0"
    }

    /// Removes limits that several disks share.
    452 DomainDelThrottleGroup "virDomainDelThrottleGroup" {
        args DomainDelThrottleGroupArgs { dom: Domain, group: Option<String>, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "11.3.0"
    }
}
