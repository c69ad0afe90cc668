//! Migration.

use super::{Empty, Object};

open_enum! {
    /// Where a migration stands.
    MigrationStatus {
        /// None was started.
        None = "none",
        /// Connecting.
        Setup = "setup",
        /// Giving up.
        Cancelling = "cancelling",
        /// Given up.
        Cancelled = "cancelled",
        /// Memory is being sent.
        Active = "active",
        /// The guest runs at the target, memory follows.
        PostcopyActive = "postcopy-active",
        /// The connection was lost in that phase.
        PostcopyPaused = "postcopy-paused",
        /// It is being taken up again.
        PostcopyRecover = "postcopy-recover",
        /// Done.
        Completed = "completed",
        /// Failed; the guest is here.
        Failed = "failed",
        /// A checkpoint of COLO.
        Colo = "colo",
        /// Waiting for the last word (`pause-before-switchover`).
        PreSwitchover = "pre-switchover",
        /// The last part is being sent.
        Device = "device",
        /// Waiting for a standby network device to be unplugged.
        WaitUnplug = "wait-unplug",
    }
}

object_commands! {
    /// Sets any of the parameters.
    "migrate-set-parameters" MigrateSetParameters;
}

commands! {
    /// Where the migration stands.
    "query-migrate" QueryMigrate {} -> MigrationInfo;
    /// Switches capabilities.
    "migrate-set-capabilities" MigrateSetCapabilities {
        /// Those to change.
        capabilities: Vec<MigrationCapability>,
    } -> Empty;
    /// The capabilities.
    "query-migrate-capabilities" QueryMigrateCapabilities {} -> Vec<MigrationCapability>;
    /// The parameters.
    "query-migrate-parameters" QueryMigrateParameters {} -> Object;
    /// Starts one.
    "migrate" Migrate {
        /// `fd:NAME`, `unix:PATH`, `tcp:HOST:PORT`, `exec:COMMAND`.
        uri: String;
        /// Whether to return at once; always so over QMP.
        detach: bool,
        /// Whether to take a paused post-copy up again.
        resume: bool,
    } -> Empty;
    /// Listens for one (`-incoming defer`).
    "migrate-incoming" MigrateIncoming {
        /// Like [`Migrate::uri`].
        uri: String,
    } -> Empty;
    /// Gives up.
    "migrate_cancel" MigrateCancel {} -> Empty;
    /// Goes on from a state that waits for it.
    "migrate-continue" MigrateContinue {
        /// The state that it is in.
        state: MigrationStatus,
    } -> Empty;
    /// Switches to post-copy.
    "migrate-start-postcopy" MigrateStartPostcopy {} -> Empty;
    /// Interrupts a post-copy; out of band.
    "migrate-pause" MigratePause {} -> Empty;
    /// Listens for the resumption of one; out of band.
    "migrate-recover" MigrateRecover {
        /// Like [`Migrate::uri`].
        uri: String,
    } -> Empty;
    /// Tells the network where the guest is.
    "announce-self" AnnounceSelf {
        /// Milliseconds before the first.
        initial: i64,
        /// Longest pause in milliseconds.
        max: i64,
        /// How often.
        rounds: i64,
        /// By how many milliseconds the pause grows.
        step: i64,
    } -> Empty;
}

/// A capability and whether it is on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MigrationCapability {
    /// `xbzrle`, `events`, `multifd`, …
    pub capability: String,
    /// On.
    pub state: bool,
}

replies! {
    /// Answer to [`QueryMigrate`].
    MigrationInfo {;
        /// None if none was started.
        status: MigrationStatus,
        /// Memory sent and left.
        ram: MigrationRam,
        /// Disks sent and left (old block migration).
        disk: MigrationRam,
        /// Milliseconds since the start.
        total_time: u64,
        /// Milliseconds that the guest stood still.
        downtime: u64,
        /// Milliseconds that it would now.
        expected_downtime: u64,
        /// Milliseconds of setting up.
        setup_time: u64,
        /// By how much the processors are slowed, in percent.
        cpu_throttle_percentage: u64,
        /// Why it failed.
        error_desc: String,
        /// Devices that cannot be migrated.
        blocked_reasons: Vec<String>,
    }
    /// Bytes of a migration.
    MigrationRam {
        /// Sent.
        transferred: i64,
        /// Left.
        remaining: i64,
        /// In all.
        total: i64;
        /// Pages of zeroes.
        duplicate: i64,
        /// Pages sent.
        normal: i64,
        /// Bytes sent in pages.
        normal_bytes: i64,
        /// Pages per second that the guest writes.
        dirty_pages_rate: i64,
        /// Mbit/s.
        mbps: f64,
        /// How often memory was gone through.
        dirty_sync_count: i64,
        /// Bytes of a page.
        page_size: i64,
        /// Pages that the target asked for.
        postcopy_requests: i64,
    }
}
