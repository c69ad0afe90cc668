//! The machine as a whole: running, stopping, who it is.

use super::Empty;
use crate::codec::VersionInfo;

open_enum! {
    /// What the machine is doing.
    RunState {
        /// Stopped by a debugger.
        Debug = "debug",
        /// Waiting for an incoming migration.
        InMigrate = "inmigrate",
        /// Stopped by an error inside QEMU.
        InternalError = "internal-error",
        /// Stopped by an I/O error.
        IoError = "io-error",
        /// Stopped by `stop`.
        Paused = "paused",
        /// Stopped after a migration to elsewhere.
        PostMigrate = "postmigrate",
        /// Not started yet (`-S`).
        PreLaunch = "prelaunch",
        /// Stopped at the end of a migration to elsewhere.
        FinishMigrate = "finish-migrate",
        /// Loading a snapshot.
        RestoreVm = "restore-vm",
        /// Running.
        Running = "running",
        /// Saving a snapshot.
        SaveVm = "save-vm",
        /// Shut down, QEMU kept (`-no-shutdown`).
        Shutdown = "shutdown",
        /// Suspended to memory.
        Suspended = "suspended",
        /// Stopped by the watchdog.
        Watchdog = "watchdog",
        /// Stopped because the guest's kernel has panicked.
        GuestPanicked = "guest-panicked",
        /// Stopped for a COLO checkpoint.
        Colo = "colo",
    }
}

commands! {
    /// Ends negotiation.
    "qmp_capabilities" QmpCapabilities {;
        /// Capabilities to enable: `oob`.
        enable: Vec<String>,
    } -> Empty;
    /// What the machine is doing.
    "query-status" QueryStatus {} -> StatusInfo;
    /// Resumes.
    "cont" Cont {} -> Empty;
    /// Stops the processors.
    "stop" Stop {} -> Empty;
    /// Presses the power button.
    "system_powerdown" SystemPowerdown {} -> Empty;
    /// Presses the reset button.
    "system_reset" SystemReset {} -> Empty;
    /// Wakes a suspended guest.
    "system_wakeup" SystemWakeup {} -> Empty;
    /// Ends QEMU.
    "quit" Quit {} -> Empty;
    /// What to do at a shutdown, a reboot, a panic or a watchdog's action.
    "set-action" SetAction {;
        /// `reset` or `shutdown`.
        reboot: String,
        /// `poweroff` or `pause`.
        shutdown: String,
        /// `none`, `pause`, `shutdown`, `exit-failure`.
        panic: String,
        /// `reset`, `shutdown`, `poweroff`, `pause`, `debug`, `none`, `inject-nmi`.
        watchdog: String,
    } -> Empty;
    /// QEMU's version.
    "query-version" QueryVersion {} -> VersionInfo;
    /// Whether KVM is there, and in use.
    "query-kvm" QueryKvm {} -> KvmInfo;
    /// The architecture that is emulated.
    "query-target" QueryTarget {} -> TargetInfo;
    /// The guest's name.
    "query-name" QueryName {} -> NameInfo;
    /// The guest's uuid.
    "query-uuid" QueryUuid {} -> UuidInfo;
    /// Whether the guest can be woken up.
    "query-current-machine" QueryCurrentMachine {} -> CurrentMachine;
    /// A command of the monitor for people, its output as text.
    "human-monitor-command" HumanMonitorCommand {
        /// As a person would type it.
        command_line: String;
        /// The processor that it is about.
        #[serde(rename = "cpu-index")]
        cpu_index: u64,
    } -> String;
    /// Sends a non-maskable interrupt.
    "inject-nmi" InjectNmi {} -> Empty;
    /// Drops the timer interrupts that the guest has missed.
    "rtc-reset-reinjection" RtcResetReinjection {} -> Empty;
    /// Sets what to do when the guest's watchdog fires.
    "watchdog-set-action" WatchdogSetAction {
        /// Like [`SetAction::watchdog`].
        action: String,
    } -> Empty;
}

replies! {
    /// Answer to [`QueryStatus`].
    StatusInfo {
        /// Whether the processors run.
        running: bool,
        /// Why they do or do not.
        status: RunState,
    }
    /// Answer to [`QueryKvm`].
    KvmInfo {
        /// In use.
        enabled: bool,
        /// Built in, and this machine's architecture.
        present: bool,
    }
    /// Answer to [`QueryTarget`].
    TargetInfo {
        /// QEMU's name: `x86_64`.
        arch: String,
    }
    /// Answer to [`QueryName`].
    NameInfo {;
        /// If it was given one.
        name: String,
    }
    /// Answer to [`QueryUuid`].
    UuidInfo {
        /// All zero without one.
        #[serde(rename = "UUID")]
        uuid: String,
    }
    /// Answer to [`QueryCurrentMachine`].
    CurrentMachine {
        /// Whether [`SystemWakeup`] can do anything.
        wakeup_suspend_support: bool,
    }
}
