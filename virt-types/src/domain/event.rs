//! Domain events: kinds and details (`virDomainEventType`, `virDomainEventID` and the detail enumerations).

use crate::wire_enum::wire_enum;

wire_enum! {
    /// The kind of a domain event, as clients register for it (`virDomainEventID`).
    pub enum DomainEventId {
        Lifecycle = 0 "VIR_DOMAIN_EVENT_ID_LIFECYCLE",
        Reboot = 1 "VIR_DOMAIN_EVENT_ID_REBOOT",
        RtcChange = 2 "VIR_DOMAIN_EVENT_ID_RTC_CHANGE",
        Watchdog = 3 "VIR_DOMAIN_EVENT_ID_WATCHDOG",
        IoError = 4 "VIR_DOMAIN_EVENT_ID_IO_ERROR",
        Graphics = 5 "VIR_DOMAIN_EVENT_ID_GRAPHICS",
        IoErrorReason = 6 "VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON",
        ControlError = 7 "VIR_DOMAIN_EVENT_ID_CONTROL_ERROR",
        BlockJob = 8 "VIR_DOMAIN_EVENT_ID_BLOCK_JOB",
        DiskChange = 9 "VIR_DOMAIN_EVENT_ID_DISK_CHANGE",
        TrayChange = 10 "VIR_DOMAIN_EVENT_ID_TRAY_CHANGE",
        Pmwakeup = 11 "VIR_DOMAIN_EVENT_ID_PMWAKEUP",
        Pmsuspend = 12 "VIR_DOMAIN_EVENT_ID_PMSUSPEND",
        BalloonChange = 13 "VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE",
        PmsuspendDisk = 14 "VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK",
        DeviceRemoved = 15 "VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED",
        BlockJob2 = 16 "VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2",
        Tunable = 17 "VIR_DOMAIN_EVENT_ID_TUNABLE",
        AgentLifecycle = 18 "VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE",
        DeviceAdded = 19 "VIR_DOMAIN_EVENT_ID_DEVICE_ADDED",
        MigrationIteration = 20 "VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION",
        JobCompleted = 21 "VIR_DOMAIN_EVENT_ID_JOB_COMPLETED",
        DeviceRemovalFailed = 22 "VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED",
        MetadataChange = 23 "VIR_DOMAIN_EVENT_ID_METADATA_CHANGE",
        BlockThreshold = 24 "VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD",
        MemoryFailure = 25 "VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE",
        MemoryDeviceSizeChange = 26 "VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE",
    }
}

wire_enum! {
    /// What happened to a domain (`virDomainEventType`).
    pub enum LifecycleEvent {
        Defined = 0 "VIR_DOMAIN_EVENT_DEFINED",
        Undefined = 1 "VIR_DOMAIN_EVENT_UNDEFINED",
        Started = 2 "VIR_DOMAIN_EVENT_STARTED",
        Suspended = 3 "VIR_DOMAIN_EVENT_SUSPENDED",
        Resumed = 4 "VIR_DOMAIN_EVENT_RESUMED",
        Stopped = 5 "VIR_DOMAIN_EVENT_STOPPED",
        Shutdown = 6 "VIR_DOMAIN_EVENT_SHUTDOWN",
        PmSuspended = 7 "VIR_DOMAIN_EVENT_PMSUSPENDED",
        Crashed = 8 "VIR_DOMAIN_EVENT_CRASHED",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "defined" (`virDomainEventDefinedDetailType`).
    pub enum DefinedDetail {
        Added = 0 "VIR_DOMAIN_EVENT_DEFINED_ADDED",
        Updated = 1 "VIR_DOMAIN_EVENT_DEFINED_UPDATED",
        Renamed = 2 "VIR_DOMAIN_EVENT_DEFINED_RENAMED",
        FromSnapshot = 3 "VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "undefined" (`virDomainEventUndefinedDetailType`).
    pub enum UndefinedDetail {
        Removed = 0 "VIR_DOMAIN_EVENT_UNDEFINED_REMOVED",
        Renamed = 1 "VIR_DOMAIN_EVENT_UNDEFINED_RENAMED",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "started" (`virDomainEventStartedDetailType`).
    pub enum StartedDetail {
        Booted = 0 "VIR_DOMAIN_EVENT_STARTED_BOOTED",
        Migrated = 1 "VIR_DOMAIN_EVENT_STARTED_MIGRATED",
        Restored = 2 "VIR_DOMAIN_EVENT_STARTED_RESTORED",
        FromSnapshot = 3 "VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT",
        Wakeup = 4 "VIR_DOMAIN_EVENT_STARTED_WAKEUP",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "suspended" (`virDomainEventSuspendedDetailType`).
    pub enum SuspendedDetail {
        Paused = 0 "VIR_DOMAIN_EVENT_SUSPENDED_PAUSED",
        Migrated = 1 "VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED",
        Ioerror = 2 "VIR_DOMAIN_EVENT_SUSPENDED_IOERROR",
        Watchdog = 3 "VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG",
        Restored = 4 "VIR_DOMAIN_EVENT_SUSPENDED_RESTORED",
        FromSnapshot = 5 "VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT",
        ApiError = 6 "VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR",
        Postcopy = 7 "VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY",
        PostcopyFailed = 8 "VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "resumed" (`virDomainEventResumedDetailType`).
    pub enum ResumedDetail {
        Unpaused = 0 "VIR_DOMAIN_EVENT_RESUMED_UNPAUSED",
        Migrated = 1 "VIR_DOMAIN_EVENT_RESUMED_MIGRATED",
        FromSnapshot = 2 "VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT",
        Postcopy = 3 "VIR_DOMAIN_EVENT_RESUMED_POSTCOPY",
        PostcopyFailed = 4 "VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "stopped" (`virDomainEventStoppedDetailType`).
    pub enum StoppedDetail {
        Shutdown = 0 "VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN",
        Destroyed = 1 "VIR_DOMAIN_EVENT_STOPPED_DESTROYED",
        Crashed = 2 "VIR_DOMAIN_EVENT_STOPPED_CRASHED",
        Migrated = 3 "VIR_DOMAIN_EVENT_STOPPED_MIGRATED",
        Saved = 4 "VIR_DOMAIN_EVENT_STOPPED_SAVED",
        Failed = 5 "VIR_DOMAIN_EVENT_STOPPED_FAILED",
        FromSnapshot = 6 "VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "shutdown" (`virDomainEventShutdownDetailType`).
    pub enum ShutdownDetail {
        Finished = 0 "VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED",
        Guest = 1 "VIR_DOMAIN_EVENT_SHUTDOWN_GUEST",
        Host = 2 "VIR_DOMAIN_EVENT_SHUTDOWN_HOST",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "pmsuspended" (`virDomainEventPMSuspendedDetailType`).
    pub enum PmSuspendedDetail {
        Memory = 0 "VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY",
        Disk = 1 "VIR_DOMAIN_EVENT_PMSUSPENDED_DISK",
    }
}

wire_enum! {
    /// Detail of the lifecycle event "crashed" (`virDomainEventCrashedDetailType`).
    pub enum CrashedDetail {
        Panicked = 0 "VIR_DOMAIN_EVENT_CRASHED_PANICKED",
        Crashloaded = 1 "VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED",
    }
}
