//! The steps of a migration, as one host asks them of the other.

use std::sync::Arc;

use virt_types::TypedParams;

use crate::contract::contract;
use crate::{ByteStream, DomainRef};

/// What the first step of a migration gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStart {
    /// For the next step; opaque to whoever carries it.
    pub cookie: Vec<u8>,
    /// The domain's document for the other host.
    pub xml: String,
}

/// What the prepared host gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationTarget {
    /// For the next step; opaque to whoever carries it.
    pub cookie: Vec<u8>,
    /// Where the guest is to be sent, if the caller did not say.
    pub uri: Option<String>,
}

contract! {
    /// Migration, in the five steps of its third protocol, and its settings. Parameters are those of
    /// `virDomainMigrate3` (`destination_xml`, `destination_name`, `migrate_uri`, `bandwidth` and so on).
    pub trait Migration {
        /// Step 1, at the source.
        "virDomainMigrateBegin3Params" fn begin(domain: &'a DomainRef, params: &'a TypedParams, flags: u32) -> MigrationStart;
        /// Step 2, at the destination.
        "virDomainMigratePrepare3Params" fn prepare(params: &'a TypedParams, cookie: &'a [u8], flags: u32) -> MigrationTarget;
        /// Step 2 where the guest comes through this connection: the cookie, and the stream that takes it.
        "virDomainMigratePrepareTunnel3Params" fn prepare_tunnel(
            params: &'a TypedParams, cookie: &'a [u8], flags: u32,
        ) -> (Vec<u8>, Arc<dyn ByteStream>);
        /// Step 3, at the source: moves the guest, and does the other steps too if it is told the destination's URI.
        "virDomainMigratePerform3Params" fn perform(
            domain: &'a DomainRef, destination: Option<&'a str>, params: &'a TypedParams, cookie: &'a [u8], flags: u32,
        ) -> Vec<u8>;
        /// Step 4, at the destination: lets the guest run, or ends it if the move was cancelled.
        "virDomainMigrateFinish3Params" fn finish(
            params: &'a TypedParams, cookie: &'a [u8], flags: u32, cancelled: bool,
        ) -> (DomainRef, Vec<u8>);
        /// Step 5, at the source: ends the guest, or lets it go on if the move was cancelled.
        "virDomainMigrateConfirm3Params" fn confirm(
            domain: &'a DomainRef, params: &'a TypedParams, cookie: &'a [u8], flags: u32, cancelled: bool,
        ) -> ();
        /// The longest pause that a migration may make, in milliseconds.
        "virDomainMigrateGetMaxDowntime" fn max_downtime(domain: &'a DomainRef, flags: u32) -> u64;
        /// Sets the longest pause, in milliseconds.
        "virDomainMigrateSetMaxDowntime" fn set_max_downtime(domain: &'a DomainRef, downtime: u64, flags: u32) -> ();
        /// The limit of a migration in MiB per second.
        "virDomainMigrateGetMaxSpeed" fn max_speed(domain: &'a DomainRef, flags: u32) -> u64;
        /// Sets the limit in MiB per second.
        "virDomainMigrateSetMaxSpeed" fn set_max_speed(domain: &'a DomainRef, bandwidth: u64, flags: u32) -> ();
        /// The size of the compression cache in bytes.
        "virDomainMigrateGetCompressionCache" fn compression_cache(domain: &'a DomainRef, flags: u32) -> u64;
        /// Sets the size of the compression cache in bytes.
        "virDomainMigrateSetCompressionCache" fn set_compression_cache(domain: &'a DomainRef, size: u64, flags: u32) -> ();
        /// Lets the guest run at the destination before all of it has moved.
        "virDomainMigrateStartPostCopy" fn start_post_copy(domain: &'a DomainRef, flags: u32) -> ();
    }
}
