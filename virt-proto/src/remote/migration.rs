// tidy: table
//! Migration, by the steps that the source and the destination take.

use virt_types::TypedParams;

use crate::remote::{DOMAIN_MIGRATE_PARAM_LIST_MAX, Domain, MIGRATE_COOKIE_MAX, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Version 1: readies the destination.
    61 DomainMigratePrepare "virDomainMigratePrepare" {
        args DomainMigratePrepareArgs {
            uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64,
        }
        reply DomainMigratePrepareRet { cookie: Vec<u8>[MIGRATE_COOKIE_MAX], uri_out: Option<String> }
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Versions 1 and 2: sends the guest from the source, or does the whole migration from there.
    62 DomainMigratePerform "virDomainMigratePerform" {
        args DomainMigratePerformArgs {
            dom: Domain, cookie: Vec<u8>[MIGRATE_COOKIE_MAX], uri: String, flags: u64, dname: Option<String>,
            resource: u64,
        }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 1: lets the guest run at the destination.
    63 DomainMigrateFinish "virDomainMigrateFinish" {
        args DomainMigrateFinishArgs {
            dname: String, cookie: Vec<u8>[MIGRATE_COOKIE_MAX], uri: String, flags: u64,
        }
        reply DomainMigrateFinishRet { ddom: Domain }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 2: readies the destination for the guest of a document.
    108 DomainMigratePrepare2 "virDomainMigratePrepare2" {
        args DomainMigratePrepare2Args {
            uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64, dom_xml: String,
        }
        reply DomainMigratePrepare2Ret { cookie: Vec<u8>[MIGRATE_COOKIE_MAX], uri_out: Option<String> }
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Version 2: lets the guest run at the destination, or cleans up.
    109 DomainMigrateFinish2 "virDomainMigrateFinish2" {
        args DomainMigrateFinish2Args {
            dname: String, cookie: Vec<u8>[MIGRATE_COOKIE_MAX], uri: String, flags: u64, retcode: i32,
        }
        reply DomainMigrateFinish2Ret { ddom: Domain }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 2: readies the destination for a guest that comes over this connection.
    148 DomainMigratePrepareTunnel "virDomainMigratePrepareTunnel" {
        args DomainMigratePrepareTunnelArgs {
            flags: u64, dname: Option<String>, resource: u64, dom_xml: String,
        }
        stream Write
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Sets how long the guest may stand still, in milliseconds.
    166 DomainMigrateSetMaxDowntime "virDomainMigrateSetMaxDowntime" {
        args DomainMigrateSetMaxDowntimeArgs { dom: Domain, downtime: u64, flags: u32 }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Limits the bandwidth, in MiB/s.
    207 DomainMigrateSetMaxSpeed "virDomainMigrateSetMaxSpeed" {
        args DomainMigrateSetMaxSpeedArgs { dom: Domain, bandwidth: u64, flags: u32 }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3: checks the source and gives the document for the destination.
    213 DomainMigrateBegin3 "virDomainMigrateBegin3" {
        args DomainMigrateBegin3Args {
            dom: Domain, xmlin: Option<String>, flags: u64, dname: Option<String>, resource: u64,
        }
        reply DomainMigrateBegin3Ret { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX], xml: String }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3: readies the destination.
    214 DomainMigratePrepare3 "virDomainMigratePrepare3" {
        args DomainMigratePrepare3Args {
            cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], uri_in: Option<String>, flags: u64, dname: Option<String>,
            resource: u64, dom_xml: String,
        }
        reply DomainMigratePrepare3Ret { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX], uri_out: Option<String> }
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Version 3: readies the destination for a guest that comes over this connection.
    215 DomainMigratePrepareTunnel3 "virDomainMigratePrepareTunnel3" {
        args DomainMigratePrepareTunnel3Args {
            cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], flags: u64, dname: Option<String>, resource: u64,
            dom_xml: String,
        }
        reply DomainMigratePrepareTunnel3Ret { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        stream Write
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Version 3: sends the guest from the source.
    216 DomainMigratePerform3 "virDomainMigratePerform3" {
        args DomainMigratePerform3Args {
            dom: Domain, xmlin: Option<String>, cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX],
            dconnuri: Option<String>, uri: Option<String>, flags: u64, dname: Option<String>, resource: u64,
        }
        reply DomainMigratePerform3Ret { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3: lets the guest run at the destination, or cleans up.
    217 DomainMigrateFinish3 "virDomainMigrateFinish3" {
        args DomainMigrateFinish3Args {
            dname: String, cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], dconnuri: Option<String>,
            uri: Option<String>, flags: u64, cancelled: i32,
        }
        reply DomainMigrateFinish3Ret { dom: Domain, cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3: ends the guest at the source, or lets it go on there.
    218 DomainMigrateConfirm3 "virDomainMigrateConfirm3" {
        args DomainMigrateConfirm3Args {
            dom: Domain, cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], flags: u64, cancelled: i32,
        }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// The limit of the bandwidth, in MiB/s.
    242 DomainMigrateGetMaxSpeed "virDomainMigrateGetMaxSpeed" {
        args DomainMigrateGetMaxSpeedArgs { dom: Domain, flags: u32 }
        reply DomainMigrateGetMaxSpeedRet { bandwidth: u64 }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Size of the cache for compressed pages, in bytes.
    299 DomainMigrateGetCompressionCache "virDomainMigrateGetCompressionCache" {
        args DomainMigrateGetCompressionCacheArgs { dom: Domain, flags: u32 }
        reply DomainMigrateGetCompressionCacheRet { cache_size: u64 }
        write Never
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Sets the size of the cache for compressed pages, in bytes.
    300 DomainMigrateSetCompressionCache "virDomainMigrateSetCompressionCache" {
        args DomainMigrateSetCompressionCacheArgs { dom: Domain, cache_size: u64, flags: u32 }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: checks the source and gives the document for the destination.
    302 DomainMigrateBegin3Params "virDomainMigrateBegin3Params" {
        args DomainMigrateBegin3ParamsArgs {
            dom: Domain, params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX], flags: u32,
        }
        reply DomainMigrateBegin3ParamsRet { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX], xml: String }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: readies the destination.
    303 DomainMigratePrepare3Params "virDomainMigratePrepare3Params" {
        args DomainMigratePrepare3ParamsArgs {
            params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX], cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX],
            flags: u32,
        }
        reply DomainMigratePrepare3ParamsRet {
            cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX], uri_out: Option<String>,
        }
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: readies the destination for a guest that comes over this connection.
    304 DomainMigratePrepareTunnel3Params "virDomainMigratePrepareTunnel3Params" {
        args DomainMigratePrepareTunnel3ParamsArgs {
            params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX], cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX],
            flags: u32,
        }
        reply DomainMigratePrepareTunnel3ParamsRet { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        stream Write
        access [Domain.migrate, Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: sends the guest from the source.
    305 DomainMigratePerform3Params "virDomainMigratePerform3Params" {
        args DomainMigratePerform3ParamsArgs {
            dom: Domain, dconnuri: Option<String>, params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX],
            cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], flags: u32,
        }
        reply DomainMigratePerform3ParamsRet { cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: lets the guest run at the destination, or cleans up.
    306 DomainMigrateFinish3Params "virDomainMigrateFinish3Params" {
        args DomainMigrateFinish3ParamsArgs {
            params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX], cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX],
            flags: u32, cancelled: i32,
        }
        reply DomainMigrateFinish3ParamsRet { dom: Domain, cookie_out: Vec<u8>[MIGRATE_COOKIE_MAX] }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Version 3 with parameters: ends the guest at the source, or lets it go on there.
    307 DomainMigrateConfirm3Params "virDomainMigrateConfirm3Params" {
        args DomainMigrateConfirm3ParamsArgs {
            dom: Domain, params: TypedParams[DOMAIN_MIGRATE_PARAM_LIST_MAX],
            cookie_in: Vec<u8>[MIGRATE_COOKIE_MAX], flags: u32, cancelled: i32,
        }
        access [Domain.migrate]
        since "<=1.2.7"
    }

    /// Lets the guest run at the destination now and fetch the rest of its memory from there.
    364 DomainMigrateStartPostCopy "virDomainMigrateStartPostCopy" {
        args DomainMigrateStartPostCopyArgs { dom: Domain, flags: u32 }
        access [Domain.migrate]
        since "3.6.0"
    }

    /// How long the guest may stand still, in milliseconds.
    387 DomainMigrateGetMaxDowntime "virDomainMigrateGetMaxDowntime" {
        args DomainMigrateGetMaxDowntimeArgs { dom: Domain, flags: u32 }
        reply DomainMigrateGetMaxDowntimeRet { downtime: u64 }
        write Never
        access [Domain.migrate]
        since "4.5.0"
    }
}
