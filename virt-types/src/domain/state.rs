//! Domain states and the reason of each (`virDomainState` and its reason enumerations).

use crate::wire_enum::wire_enum;

wire_enum! {
    /// The state of a domain (`virDomainState`).
    pub enum DomainState {
        NoState = 0 "VIR_DOMAIN_NOSTATE",
        Running = 1 "VIR_DOMAIN_RUNNING",
        Blocked = 2 "VIR_DOMAIN_BLOCKED",
        Paused = 3 "VIR_DOMAIN_PAUSED",
        Shutdown = 4 "VIR_DOMAIN_SHUTDOWN",
        Shutoff = 5 "VIR_DOMAIN_SHUTOFF",
        Crashed = 6 "VIR_DOMAIN_CRASHED",
        PmSuspended = 7 "VIR_DOMAIN_PMSUSPENDED",
    }
}

wire_enum! {
    /// Why a domain is in state nostate (`virDomainNostateReason`).
    pub enum NoStateReason {
        Unknown = 0 "VIR_DOMAIN_NOSTATE_UNKNOWN",
    }
}

wire_enum! {
    /// Why a domain is in state running (`virDomainRunningReason`).
    pub enum RunningReason {
        Unknown = 0 "VIR_DOMAIN_RUNNING_UNKNOWN",
        Booted = 1 "VIR_DOMAIN_RUNNING_BOOTED",
        Migrated = 2 "VIR_DOMAIN_RUNNING_MIGRATED",
        Restored = 3 "VIR_DOMAIN_RUNNING_RESTORED",
        FromSnapshot = 4 "VIR_DOMAIN_RUNNING_FROM_SNAPSHOT",
        Unpaused = 5 "VIR_DOMAIN_RUNNING_UNPAUSED",
        MigrationCanceled = 6 "VIR_DOMAIN_RUNNING_MIGRATION_CANCELED",
        SaveCanceled = 7 "VIR_DOMAIN_RUNNING_SAVE_CANCELED",
        Wakeup = 8 "VIR_DOMAIN_RUNNING_WAKEUP",
        Crashed = 9 "VIR_DOMAIN_RUNNING_CRASHED",
        Postcopy = 10 "VIR_DOMAIN_RUNNING_POSTCOPY",
        PostcopyFailed = 11 "VIR_DOMAIN_RUNNING_POSTCOPY_FAILED",
    }
}

wire_enum! {
    /// Why a domain is in state blocked (`virDomainBlockedReason`).
    pub enum BlockedReason {
        Unknown = 0 "VIR_DOMAIN_BLOCKED_UNKNOWN",
    }
}

wire_enum! {
    /// Why a domain is in state paused (`virDomainPausedReason`).
    pub enum PausedReason {
        Unknown = 0 "VIR_DOMAIN_PAUSED_UNKNOWN",
        User = 1 "VIR_DOMAIN_PAUSED_USER",
        Migration = 2 "VIR_DOMAIN_PAUSED_MIGRATION",
        Save = 3 "VIR_DOMAIN_PAUSED_SAVE",
        Dump = 4 "VIR_DOMAIN_PAUSED_DUMP",
        Ioerror = 5 "VIR_DOMAIN_PAUSED_IOERROR",
        Watchdog = 6 "VIR_DOMAIN_PAUSED_WATCHDOG",
        FromSnapshot = 7 "VIR_DOMAIN_PAUSED_FROM_SNAPSHOT",
        ShuttingDown = 8 "VIR_DOMAIN_PAUSED_SHUTTING_DOWN",
        Snapshot = 9 "VIR_DOMAIN_PAUSED_SNAPSHOT",
        Crashed = 10 "VIR_DOMAIN_PAUSED_CRASHED",
        StartingUp = 11 "VIR_DOMAIN_PAUSED_STARTING_UP",
        Postcopy = 12 "VIR_DOMAIN_PAUSED_POSTCOPY",
        PostcopyFailed = 13 "VIR_DOMAIN_PAUSED_POSTCOPY_FAILED",
    }
}

wire_enum! {
    /// Why a domain is in state shutdown (`virDomainShutdownReason`).
    pub enum ShutdownReason {
        Unknown = 0 "VIR_DOMAIN_SHUTDOWN_UNKNOWN",
        User = 1 "VIR_DOMAIN_SHUTDOWN_USER",
    }
}

wire_enum! {
    /// Why a domain is in state shutoff (`virDomainShutoffReason`).
    pub enum ShutoffReason {
        Unknown = 0 "VIR_DOMAIN_SHUTOFF_UNKNOWN",
        Shutdown = 1 "VIR_DOMAIN_SHUTOFF_SHUTDOWN",
        Destroyed = 2 "VIR_DOMAIN_SHUTOFF_DESTROYED",
        Crashed = 3 "VIR_DOMAIN_SHUTOFF_CRASHED",
        Migrated = 4 "VIR_DOMAIN_SHUTOFF_MIGRATED",
        Saved = 5 "VIR_DOMAIN_SHUTOFF_SAVED",
        Failed = 6 "VIR_DOMAIN_SHUTOFF_FAILED",
        FromSnapshot = 7 "VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT",
        Daemon = 8 "VIR_DOMAIN_SHUTOFF_DAEMON",
    }
}

wire_enum! {
    /// Why a domain is in state crashed (`virDomainCrashedReason`).
    pub enum CrashedReason {
        Unknown = 0 "VIR_DOMAIN_CRASHED_UNKNOWN",
        Panicked = 1 "VIR_DOMAIN_CRASHED_PANICKED",
    }
}

wire_enum! {
    /// Why a domain is in state pmsuspended (`virDomainPMSuspendedReason`).
    pub enum PmSuspendedReason {
        Unknown = 0 "VIR_DOMAIN_PMSUSPENDED_UNKNOWN",
    }
}
