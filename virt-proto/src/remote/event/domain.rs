// tidy: table
//! Events of domains, with the id of the registration.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_EVENT_TUNABLE_MAX, DOMAIN_JOB_STATS_MAX, Domain, DomainEventBalloonChangeMsg,
    DomainEventBlockJobMsg, DomainEventControlErrorMsg, DomainEventDeviceRemovedMsg,
    DomainEventDiskChangeMsg, DomainEventGraphicsMsg, DomainEventIoErrorMsg, DomainEventIoErrorReasonMsg,
    DomainEventLifecycleMsg, DomainEventPmsuspendDiskMsg, DomainEventPmsuspendMsg, DomainEventPmwakeupMsg,
    DomainEventRebootMsg, DomainEventRtcChangeMsg, DomainEventTrayChangeMsg, DomainEventWatchdogMsg, PROGRAM,
};
use crate::table::procedures;

procedures! { PROGRAM:
    /// A domain was defined, started, paused, stopped and the like.
    318 DomainEventCallbackLifecycle {
        event DomainEventCallbackLifecycleMsg { callback_id: i32, msg: DomainEventLifecycleMsg }
        since "<=1.2.7"
    }

    /// The guest has rebooted.
    319 DomainEventCallbackReboot {
        event DomainEventCallbackRebootMsg { callback_id: i32, msg: DomainEventRebootMsg }
        since "<=1.2.7"
    }

    /// The guest has set its clock.
    320 DomainEventCallbackRtcChange {
        event DomainEventCallbackRtcChangeMsg { callback_id: i32, msg: DomainEventRtcChangeMsg }
        since "<=1.2.7"
    }

    /// The watchdog has run out, and what was done about it.
    321 DomainEventCallbackWatchdog {
        event DomainEventCallbackWatchdogMsg { callback_id: i32, msg: DomainEventWatchdogMsg }
        since "<=1.2.7"
    }

    /// A disk had an error, and what was done about it.
    322 DomainEventCallbackIoError {
        event DomainEventCallbackIoErrorMsg { callback_id: i32, msg: DomainEventIoErrorMsg }
        since "<=1.2.7"
    }

    /// Somebody connects to, has logged in to or leaves a graphics server.
    323 DomainEventCallbackGraphics {
        event DomainEventCallbackGraphicsMsg { callback_id: i32, msg: DomainEventGraphicsMsg }
        since "<=1.2.7"
    }

    /// A disk had an error, what was done about it, and why it came.
    324 DomainEventCallbackIoErrorReason {
        event DomainEventCallbackIoErrorReasonMsg { callback_id: i32, msg: DomainEventIoErrorReasonMsg }
        since "<=1.2.7"
    }

    /// The server has lost control of the domain's hypervisor.
    325 DomainEventCallbackControlError {
        event DomainEventCallbackControlErrorMsg { callback_id: i32, msg: DomainEventControlErrorMsg }
        since "<=1.2.7"
    }

    /// A job on a disk has ended or is ready; the disk is named by its path.
    326 DomainEventCallbackBlockJob {
        event DomainEventCallbackBlockJobMsg { callback_id: i32, msg: DomainEventBlockJobMsg }
        since "<=1.2.7"
    }

    /// The medium of a disk has changed.
    327 DomainEventCallbackDiskChange {
        event DomainEventCallbackDiskChangeMsg { callback_id: i32, msg: DomainEventDiskChangeMsg }
        since "<=1.2.7"
    }

    /// The guest has opened or closed a tray.
    328 DomainEventCallbackTrayChange {
        event DomainEventCallbackTrayChangeMsg { callback_id: i32, msg: DomainEventTrayChangeMsg }
        since "<=1.2.7"
    }

    /// The guest has woken.
    329 DomainEventCallbackPmwakeup {
        event DomainEventCallbackPmwakeupMsg { callback_id: i32, reason: i32, msg: DomainEventPmwakeupMsg }
        since "<=1.2.7"
    }

    /// The guest has suspended itself to memory.
    330 DomainEventCallbackPmsuspend {
        event DomainEventCallbackPmsuspendMsg { callback_id: i32, reason: i32, msg: DomainEventPmsuspendMsg }
        since "<=1.2.7"
    }

    /// The guest's memory has changed.
    331 DomainEventCallbackBalloonChange {
        event DomainEventCallbackBalloonChangeMsg { callback_id: i32, msg: DomainEventBalloonChangeMsg }
        since "<=1.2.7"
    }

    /// The guest has suspended itself to disk.
    332 DomainEventCallbackPmsuspendDisk {
        event DomainEventCallbackPmsuspendDiskMsg {
            callback_id: i32, reason: i32, msg: DomainEventPmsuspendDiskMsg,
        }
        since "<=1.2.7"
    }

    /// The guest has let a device go.
    333 DomainEventCallbackDeviceRemoved {
        event DomainEventCallbackDeviceRemovedMsg { callback_id: i32, msg: DomainEventDeviceRemovedMsg }
        since "<=1.2.7"
    }

    /// A job on a disk has ended or is ready; the disk is named by its target.
    339 DomainEventBlockJob2 {
        event DomainEventBlockJob2Msg { callback_id: i32, dom: Domain, dst: String, kind: i32, status: i32 }
        since "<=1.2.7"
    }

    /// Limits or weights of a running domain have changed.
    346 DomainEventCallbackTunable {
        event DomainEventCallbackTunableMsg {
            callback_id: i32, dom: Domain, params: TypedParams[DOMAIN_EVENT_TUNABLE_MAX],
        }
        since "1.2.12"
    }

    /// The guest's agent has connected or gone.
    348 DomainEventCallbackAgentLifecycle {
        event DomainEventCallbackAgentLifecycleMsg { callback_id: i32, dom: Domain, state: i32, reason: i32 }
        since "1.2.12"
    }

    /// A device was plugged in.
    354 DomainEventCallbackDeviceAdded {
        event DomainEventCallbackDeviceAddedMsg { callback_id: i32, dom: Domain, dev_alias: String }
        since "3.6.0"
    }

    /// A migration begins to send changed memory once more.
    359 DomainEventCallbackMigrationIteration {
        event DomainEventCallbackMigrationIterationMsg { callback_id: i32, dom: Domain, iteration: i32 }
        since "3.6.0"
    }

    /// The domain's job has ended; its statistics.
    363 DomainEventCallbackJobCompleted {
        event DomainEventCallbackJobCompletedMsg {
            callback_id: i32, dom: Domain, params: TypedParams[DOMAIN_JOB_STATS_MAX],
        }
        since "3.6.0"
    }

    /// The guest keeps a device that was to be unplugged.
    367 DomainEventCallbackDeviceRemovalFailed {
        event DomainEventCallbackDeviceRemovalFailedMsg { callback_id: i32, dom: Domain, dev_alias: String }
        since "3.6.0"
    }

    /// Title, description or a foreign element of a domain's document has changed.
    379 DomainEventCallbackMetadataChange {
        event DomainEventCallbackMetadataChangeMsg {
            callback_id: i32, dom: Domain, kind: i32, nsuri: Option<String>,
        }
        since "3.6.0"
    }

    /// A disk was written further than its threshold.
    385 DomainEventBlockThreshold {
        event DomainEventBlockThresholdMsg {
            callback_id: i32, dom: Domain, dev: String, path: Option<String>, threshold: u64, excess: u64,
        }
        since "3.6.0"
    }

    /// The host has found broken memory of the guest.
    423 DomainEventMemoryFailure {
        event DomainEventMemoryFailureMsg {
            callback_id: i32, dom: Domain, recipient: i32, action: i32, flags: u32,
        }
        since "9.0.0"
    }

    /// The guest has taken or given back memory of a device.
    438 DomainEventMemoryDeviceSizeChange {
        event DomainEventMemoryDeviceSizeChangeMsg { callback_id: i32, dom: Domain, alias: String, size: u64 }
        since "9.0.0"
    }

    /// The guest has changed the address of a network card.
    453 DomainEventNicMacChange {
        event DomainEventNicMacChangeMsg {
            callback_id: i32, dom: Domain, alias: String, old_mac: String, new_mac: String,
        }
        since "11.3.0"
    }
}
