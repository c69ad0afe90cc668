//! The steps of a migration.

use std::sync::Arc;

use virt_driver::{BoxFuture, ByteStream, DomainRef, MigrationStart, MigrationTarget};
use virt_proto::remote::*;
use virt_types::{Result, TypedParams};

use super::macros::binding;

binding! {
    /// Migration. Steps whose arguments stand one by one are those of older clients.
    migration: Migration;
    both {
        DomainMigrateBegin3Params = begin(dom: &'a DomainRef, params: &'a TypedParams, flags: u32) -> MigrationStart;
        DomainMigratePrepare3Params = prepare(params: &'a TypedParams, cookie_in: &'a [u8], flags: u32) -> MigrationTarget;
        DomainMigratePerform3Params = perform(
            dom: &'a DomainRef, dconnuri: Option<&'a str>, params: &'a TypedParams, cookie_in: &'a [u8], flags: u32,
        ) -> Vec<u8> as cookie_out;
        DomainMigrateFinish3Params = finish(params: &'a TypedParams, cookie_in: &'a [u8], flags: u32, cancelled: bool)
            -> (DomainRef, Vec<u8>);
        DomainMigrateConfirm3Params = confirm(
            dom: &'a DomainRef, params: &'a TypedParams, cookie_in: &'a [u8], flags: u32, cancelled: bool,
        );
        DomainMigrateGetMaxDowntime = max_downtime(dom: &'a DomainRef, flags: u32) -> u64 as downtime;
        DomainMigrateSetMaxDowntime = set_max_downtime(dom: &'a DomainRef, downtime: u64, flags: u32);
        DomainMigrateGetMaxSpeed = max_speed(dom: &'a DomainRef, flags: u32) -> u64 as bandwidth;
        DomainMigrateSetMaxSpeed = set_max_speed(dom: &'a DomainRef, bandwidth: u64, flags: u32);
        DomainMigrateGetCompressionCache = compression_cache(dom: &'a DomainRef, flags: u32) -> u64 as cache_size;
        DomainMigrateSetCompressionCache = set_compression_cache(dom: &'a DomainRef, cache_size: u64, flags: u32);
        DomainMigrateStartPostCopy = start_post_copy(dom: &'a DomainRef, flags: u32);
    }
    served {
        DomainMigrateBegin3(dom: DomainRef, xmlin: Option<String>, flags: u64, dname: Option<String>, resource: u64)
            = begin(&dom, &settings(xmlin, None, dname, resource), low(flags))
            => |start| Reply { cookie_out: start.cookie, xml: start.xml };
        DomainMigratePrepare3(
            cookie_in: Vec<u8>, uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64, dom_xml: String,
        ) = prepare(&settings(Some(dom_xml), uri_in, dname, resource), &cookie_in, low(flags))
            => |target| Reply { cookie_out: target.cookie, uri_out: target.uri };
        DomainMigratePerform3(
            dom: DomainRef, xmlin: Option<String>, cookie_in: Vec<u8>, dconnuri: Option<String>, uri: Option<String>, flags: u64,
            dname: Option<String>, resource: u64,
        ) = perform(&dom, dconnuri.as_deref(), &settings(xmlin, uri, dname, resource), &cookie_in, low(flags))
            => |cookie_out| Reply { cookie_out };
        DomainMigrateFinish3(
            dname: String, cookie_in: Vec<u8>, dconnuri: Option<String>, uri: Option<String>, flags: u64, cancelled: i32,
        ) = finish(&settings(None, uri.or(dconnuri), Some(dname), 0), &cookie_in, low(flags), cancelled != 0)
            => |(dom, cookie_out)| Reply { dom: dom.to_wire(), cookie_out };
        DomainMigrateConfirm3(dom: DomainRef, cookie_in: Vec<u8>, flags: u64, cancelled: i32)
            = confirm(&dom, &TypedParams::new(), &cookie_in, low(flags), cancelled != 0) => |()| ();
    }
    by_hand {
        DomainMigratePrepareTunnel3 => super::streams::prepare_tunnel;
        DomainMigratePrepareTunnel3Params => super::streams::prepare_tunnel_params;
        // The first two protocols; no driver has them, as every client since release 0.9 speaks the third.
        DomainMigratePrepare => super::refuse::<DomainMigratePrepare>;
        DomainMigratePerform => super::refuse::<DomainMigratePerform>;
        DomainMigrateFinish => super::refuse::<DomainMigrateFinish>;
        DomainMigratePrepare2 => super::refuse::<DomainMigratePrepare2>;
        DomainMigrateFinish2 => super::refuse::<DomainMigrateFinish2>;
        DomainMigratePrepareTunnel => super::refuse::<DomainMigratePrepareTunnel>;
    }
    client {
        fn prepare_tunnel<'a>(
            &'a self,
            params: &'a TypedParams,
            cookie: &'a [u8],
            flags: u32,
        ) -> BoxFuture<'a, Result<(Vec<u8>, Arc<dyn ByteStream>)>> {
            let args = DomainMigratePrepareTunnel3ParamsArgs {
                params: params.clone(),
                cookie_in: cookie.to_vec(),
                flags,
            };
            Box::pin(async move {
                let (reply, stream) = self.open_stream::<DomainMigratePrepareTunnel3Params>(args).await?;
                Ok((reply.cookie_out, stream))
            })
        }
    }
}

/// The parameters that stand for arguments one by one.
pub(crate) fn settings(
    xml: Option<String>,
    uri: Option<String>,
    name: Option<String>,
    bandwidth: u64,
) -> TypedParams {
    let mut params = TypedParams::new();
    for (field, text) in [("destination_xml", xml), ("migrate_uri", uri), ("destination_name", name)] {
        if let Some(text) = text {
            params.push(field, text);
        }
    }
    if bandwidth != 0 {
        params.push("bandwidth", bandwidth);
    }
    params
}

/// Flags that the protocol carries in more bits than there are flags.
pub(crate) const fn low(flags: u64) -> u32 {
    flags as u32
}
