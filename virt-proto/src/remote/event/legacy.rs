// tidy: table
//! Events of domains from before callback ids.

use crate::remote::{DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX, Domain, PROGRAM};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// An end of a connection to a graphics server.
    DomainEventGraphicsAddress { family: i32, node: String, service: String }

    /// Who has logged in to a graphics server.
    DomainEventGraphicsIdentity { kind: String, name: String }
}

procedures! { PROGRAM:
    /// A domain was defined, started, paused, stopped and the like.
    107 DomainEventLifecycle {
        event DomainEventLifecycleMsg { dom: Domain, event: i32, detail: i32 }
        since "<=1.2.7"
    }

    /// The guest has rebooted.
    169 DomainEventReboot {
        event DomainEventRebootMsg { dom: Domain }
        since "<=1.2.7"
    }

    /// The guest has set its clock; the offset is in seconds.
    170 DomainEventRtcChange {
        event DomainEventRtcChangeMsg { dom: Domain, offset: i64 }
        since "<=1.2.7"
    }

    /// The watchdog has run out, and what was done about it.
    171 DomainEventWatchdog {
        event DomainEventWatchdogMsg { dom: Domain, action: i32 }
        since "<=1.2.7"
    }

    /// A disk had an error, and what was done about it.
    172 DomainEventIoError {
        event DomainEventIoErrorMsg { dom: Domain, src_path: String, dev_alias: String, action: i32 }
        since "<=1.2.7"
    }

    /// Somebody connects to, has logged in to or leaves a graphics server.
    173 DomainEventGraphics {
        event DomainEventGraphicsMsg {
            dom: Domain, phase: i32, local: DomainEventGraphicsAddress, remote: DomainEventGraphicsAddress,
            auth_scheme: String, subject: Vec<DomainEventGraphicsIdentity>[DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX],
        }
        since "<=1.2.7"
    }

    /// A disk had an error, what was done about it, and why it came.
    195 DomainEventIoErrorReason {
        event DomainEventIoErrorReasonMsg {
            dom: Domain, src_path: String, dev_alias: String, action: i32, reason: String,
        }
        since "<=1.2.7"
    }

    /// The server has lost control of the domain's hypervisor.
    224 DomainEventControlError {
        event DomainEventControlErrorMsg { dom: Domain }
        since "<=1.2.7"
    }

    /// A job on a disk has ended or is ready; the disk is named by its path.
    241 DomainEventBlockJob {
        event DomainEventBlockJobMsg { dom: Domain, path: String, kind: i32, status: i32 }
        since "<=1.2.7"
    }

    /// The medium of a disk has changed.
    248 DomainEventDiskChange {
        event DomainEventDiskChangeMsg {
            dom: Domain, old_src_path: Option<String>, new_src_path: Option<String>, dev_alias: String,
            reason: i32,
        }
        since "<=1.2.7"
    }

    /// The guest has opened or closed a tray.
    268 DomainEventTrayChange {
        event DomainEventTrayChangeMsg { dom: Domain, dev_alias: String, reason: i32 }
        since "<=1.2.7"
    }

    /// The guest has woken.
    269 DomainEventPmwakeup {
        event DomainEventPmwakeupMsg { dom: Domain }
        since "<=1.2.7"
    }

    /// The guest has suspended itself to memory.
    270 DomainEventPmsuspend {
        event DomainEventPmsuspendMsg { dom: Domain }
        since "<=1.2.7"
    }

    /// The guest's memory has changed, to this many KiB.
    276 DomainEventBalloonChange {
        event DomainEventBalloonChangeMsg { dom: Domain, actual: u64 }
        since "<=1.2.7"
    }

    /// The guest has suspended itself to disk.
    292 DomainEventPmsuspendDisk {
        event DomainEventPmsuspendDiskMsg { dom: Domain }
        since "<=1.2.7"
    }

    /// The guest has let a device go.
    311 DomainEventDeviceRemoved {
        event DomainEventDeviceRemovedMsg { dom: Domain, dev_alias: String }
        since "<=1.2.7"
    }
}
