// tidy: table
//! Events of domains as messages, in both directions.

use virt_driver::{
    AgentReason, BalloonChange, DomainEvent, DomainEventKind as Kind, DomainRef, GraphicsAddress,
    GraphicsPhase, IoErrorAction, Lifecycle, TrayChange, WatchdogAction,
};
use virt_proto::Procedure;
use virt_proto::remote::*;
use virt_types::DomainEventId as Id;

use super::message::Message;
use crate::bind::convert::Wire;

/// The number of the registration comes first.
const NUMBER: usize = 4;

/// Messages that have a reason behind the number.
const NUMBER_AND_REASON: usize = 8;

fn address(address: &GraphicsAddress) -> DomainEventGraphicsAddress {
    let GraphicsAddress { family, node, service } = address.clone();
    DomainEventGraphicsAddress { family, node, service }
}

fn from_address(address: DomainEventGraphicsAddress) -> GraphicsAddress {
    let DomainEventGraphicsAddress { family, node, service } = address;
    GraphicsAddress { family, node, service }
}

/// The message of an event for those who registered for this kind; none if it is no event of that kind.
pub(crate) fn message(event: &DomainEvent, id: Id) -> Option<Message> {
    let dom: Domain = event.domain.clone().to_wire();
    // Filled in for each registration.
    let callback_id = 0;
    // No reason is defined for these.
    let reason = 0;
    match (id, &event.kind) {
        (Id::Lifecycle, Kind::Lifecycle(lifecycle)) => {
            let msg = DomainEventLifecycleMsg {
                dom,
                event: lifecycle.event().number(),
                detail: lifecycle.detail(),
            };
            Message::new::<DomainEventCallbackLifecycle>(&DomainEventCallbackLifecycleMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventLifecycle>(NUMBER))
        }
        (Id::Reboot, Kind::Reboot) => {
            let msg = DomainEventRebootMsg { dom };
            Message::new::<DomainEventCallbackReboot>(&DomainEventCallbackRebootMsg { callback_id, msg })
                .map(|message| message.also::<DomainEventReboot>(NUMBER))
        }
        (Id::RtcChange, Kind::RtcChange { offset }) => {
            let msg = DomainEventRtcChangeMsg { dom, offset: *offset };
            Message::new::<DomainEventCallbackRtcChange>(&DomainEventCallbackRtcChangeMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventRtcChange>(NUMBER))
        }
        (Id::Watchdog, Kind::Watchdog { action }) => {
            let msg = DomainEventWatchdogMsg { dom, action: action.number() };
            Message::new::<DomainEventCallbackWatchdog>(&DomainEventCallbackWatchdogMsg { callback_id, msg })
                .map(|message| message.also::<DomainEventWatchdog>(NUMBER))
        }
        (Id::IoError, Kind::IoError { source, alias, action, .. }) => {
            let (src_path, dev_alias) = (source.clone(), alias.clone());
            let msg = DomainEventIoErrorMsg { dom, src_path, dev_alias, action: action.number() };
            Message::new::<DomainEventCallbackIoError>(&DomainEventCallbackIoErrorMsg { callback_id, msg })
                .map(|message| message.also::<DomainEventIoError>(NUMBER))
        }
        (Id::IoErrorReason, Kind::IoError { source, alias, action, reason }) => {
            let (src_path, dev_alias, reason) = (source.clone(), alias.clone(), reason.clone());
            let msg =
                DomainEventIoErrorReasonMsg { dom, src_path, dev_alias, action: action.number(), reason };
            Message::new::<DomainEventCallbackIoErrorReason>(&DomainEventCallbackIoErrorReasonMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventIoErrorReason>(NUMBER))
        }
        (Id::Graphics, Kind::Graphics { phase, local, remote, auth_scheme, subject }) => {
            let subject = subject.iter().cloned();
            let msg = DomainEventGraphicsMsg {
                dom,
                phase: phase.number(),
                local: address(local),
                remote: address(remote),
                auth_scheme: auth_scheme.clone(),
                subject: subject.map(|(kind, name)| DomainEventGraphicsIdentity { kind, name }).collect(),
            };
            Message::new::<DomainEventCallbackGraphics>(&DomainEventCallbackGraphicsMsg { callback_id, msg })
                .map(|message| message.also::<DomainEventGraphics>(NUMBER))
        }
        (Id::ControlError, Kind::ControlError) => {
            let msg = DomainEventControlErrorMsg { dom };
            Message::new::<DomainEventCallbackControlError>(&DomainEventCallbackControlErrorMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventControlError>(NUMBER))
        }
        (Id::BlockJob, Kind::BlockJob { path, kind, status, .. }) => {
            let msg = DomainEventBlockJobMsg { dom, path: path.clone(), kind: *kind, status: *status };
            Message::new::<DomainEventCallbackBlockJob>(&DomainEventCallbackBlockJobMsg { callback_id, msg })
                .map(|message| message.also::<DomainEventBlockJob>(NUMBER))
        }
        (Id::BlockJob2, Kind::BlockJob { target, kind, status, .. }) => {
            let (dst, kind, status) = (target.clone(), *kind, *status);
            Message::new::<DomainEventBlockJob2>(&DomainEventBlockJob2Msg {
                callback_id,
                dom,
                dst,
                kind,
                status,
            })
        }
        (Id::DiskChange, Kind::DiskChange { old_source, new_source, alias, reason }) => {
            let msg = DomainEventDiskChangeMsg {
                dom,
                old_src_path: old_source.clone(),
                new_src_path: new_source.clone(),
                dev_alias: alias.clone(),
                reason: *reason,
            };
            Message::new::<DomainEventCallbackDiskChange>(&DomainEventCallbackDiskChangeMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventDiskChange>(NUMBER))
        }
        (Id::TrayChange, Kind::TrayChange { alias, reason }) => {
            let msg = DomainEventTrayChangeMsg { dom, dev_alias: alias.clone(), reason: reason.number() };
            Message::new::<DomainEventCallbackTrayChange>(&DomainEventCallbackTrayChangeMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventTrayChange>(NUMBER))
        }
        (Id::Pmwakeup, Kind::PmWakeup) => {
            let msg = DomainEventPmwakeupMsg { dom };
            Message::new::<DomainEventCallbackPmwakeup>(&DomainEventCallbackPmwakeupMsg {
                callback_id,
                reason,
                msg,
            })
            .map(|message| message.also::<DomainEventPmwakeup>(NUMBER_AND_REASON))
        }
        (Id::Pmsuspend, Kind::PmSuspend) => {
            let msg = DomainEventPmsuspendMsg { dom };
            Message::new::<DomainEventCallbackPmsuspend>(&DomainEventCallbackPmsuspendMsg {
                callback_id,
                reason,
                msg,
            })
            .map(|message| message.also::<DomainEventPmsuspend>(NUMBER_AND_REASON))
        }
        (Id::PmsuspendDisk, Kind::PmSuspendDisk) => {
            let msg = DomainEventPmsuspendDiskMsg { dom };
            Message::new::<DomainEventCallbackPmsuspendDisk>(&DomainEventCallbackPmsuspendDiskMsg {
                callback_id,
                reason,
                msg,
            })
            .map(|message| message.also::<DomainEventPmsuspendDisk>(NUMBER_AND_REASON))
        }
        (Id::BalloonChange, Kind::BalloonChange(change)) => {
            let msg = DomainEventBalloonChangeMsg { dom, actual: change.actual };
            Message::new::<DomainEventCallbackBalloonChange>(&DomainEventCallbackBalloonChangeMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventBalloonChange>(NUMBER))
        }
        (Id::DeviceRemoved, Kind::DeviceRemoved { alias }) => {
            let msg = DomainEventDeviceRemovedMsg { dom, dev_alias: alias.clone() };
            Message::new::<DomainEventCallbackDeviceRemoved>(&DomainEventCallbackDeviceRemovedMsg {
                callback_id,
                msg,
            })
            .map(|message| message.also::<DomainEventDeviceRemoved>(NUMBER))
        }
        (Id::Tunable, Kind::Tunable { params }) => {
            let params = params.clone();
            Message::new::<DomainEventCallbackTunable>(&DomainEventCallbackTunableMsg {
                callback_id,
                dom,
                params,
            })
        }
        (Id::AgentLifecycle, Kind::AgentLifecycle { connected, reason }) => {
            let (state, reason) = (if *connected { CONNECTED } else { DISCONNECTED }, reason.number());
            let msg = DomainEventCallbackAgentLifecycleMsg { callback_id, dom, state, reason };
            Message::new::<DomainEventCallbackAgentLifecycle>(&msg)
        }
        (Id::DeviceAdded, Kind::DeviceAdded { alias }) => {
            let dev_alias = alias.clone();
            let msg = DomainEventCallbackDeviceAddedMsg { callback_id, dom, dev_alias };
            Message::new::<DomainEventCallbackDeviceAdded>(&msg)
        }
        (Id::MigrationIteration, Kind::MigrationIteration { iteration }) => {
            let msg = DomainEventCallbackMigrationIterationMsg { callback_id, dom, iteration: *iteration };
            Message::new::<DomainEventCallbackMigrationIteration>(&msg)
        }
        (Id::JobCompleted, Kind::JobCompleted { params }) => {
            let msg = DomainEventCallbackJobCompletedMsg { callback_id, dom, params: params.clone() };
            Message::new::<DomainEventCallbackJobCompleted>(&msg)
        }
        (Id::DeviceRemovalFailed, Kind::DeviceRemovalFailed { alias }) => {
            let dev_alias = alias.clone();
            let msg = DomainEventCallbackDeviceRemovalFailedMsg { callback_id, dom, dev_alias };
            Message::new::<DomainEventCallbackDeviceRemovalFailed>(&msg)
        }
        (Id::MetadataChange, Kind::MetadataChange { kind, uri }) => {
            let nsuri = uri.clone();
            let msg = DomainEventCallbackMetadataChangeMsg { callback_id, dom, kind: *kind, nsuri };
            Message::new::<DomainEventCallbackMetadataChange>(&msg)
        }
        (Id::BlockThreshold, Kind::BlockThreshold { device, path, threshold, excess }) => {
            let (dev, path, threshold, excess) = (device.clone(), path.clone(), *threshold, *excess);
            let msg = DomainEventBlockThresholdMsg { callback_id, dom, dev, path, threshold, excess };
            Message::new::<DomainEventBlockThreshold>(&msg)
        }
        (Id::MemoryFailure, Kind::MemoryFailure { recipient, action, flags }) => {
            let (recipient, action, flags) = (*recipient, *action, *flags);
            let msg = DomainEventMemoryFailureMsg { callback_id, dom, recipient, action, flags };
            Message::new::<DomainEventMemoryFailure>(&msg)
        }
        (Id::MemoryDeviceSizeChange, Kind::MemoryDeviceSizeChange { alias, size }) => {
            let msg =
                DomainEventMemoryDeviceSizeChangeMsg { callback_id, dom, alias: alias.clone(), size: *size };
            Message::new::<DomainEventMemoryDeviceSizeChange>(&msg)
        }
        _ => None,
    }
}

/// The agent's states (`virConnectDomainEventAgentLifecycleState`).
const CONNECTED: i32 = 1;
const DISCONNECTED: i32 = 2;

/// The number of the registration, the domain and the event of a message; none for one that is not understood.
pub(crate) fn read(procedure: i32, payload: &[u8]) -> Option<(i32, DomainRef, Kind)> {
    /// Reads a message of this procedure.
    macro_rules! of {
        ($proc:ident) => {
            virt_proto::xdr::decode::<<$proc as Procedure>::Args>(payload).ok()?
        };
    }
    /// The number of each message as a pattern.
    macro_rules! choose {
        ($($proc:ident => |$message:ident| $event:expr;)+) => {
            $(if procedure == <$proc as Procedure>::ROW.number {
                let $message = of!($proc);
                let id = $message.callback_id;
                let (dom, kind): (Domain, Kind) = $event;
                return Some((id, DomainRef::from_wire(dom).ok()?, kind));
            })+
        };
    }
    choose! {
        DomainEventCallbackLifecycle => |m|
            (m.msg.dom, Kind::Lifecycle(Lifecycle::from_numbers(m.msg.event, m.msg.detail)
                .or_else(|| Lifecycle::from_numbers(m.msg.event, 0))?));
        DomainEventCallbackReboot => |m| (m.msg.dom, Kind::Reboot);
        DomainEventCallbackRtcChange => |m| (m.msg.dom, Kind::RtcChange { offset: m.msg.offset });
        DomainEventCallbackWatchdog => |m|
            (m.msg.dom, Kind::Watchdog { action: WatchdogAction::from_number(m.msg.action)? });
        DomainEventCallbackIoError => |m| (m.msg.dom, Kind::IoError {
            source: m.msg.src_path, alias: m.msg.dev_alias, action: IoErrorAction::from_number(m.msg.action)?,
            reason: String::new(),
        });
        DomainEventCallbackIoErrorReason => |m| (m.msg.dom, Kind::IoError {
            source: m.msg.src_path, alias: m.msg.dev_alias, action: IoErrorAction::from_number(m.msg.action)?,
            reason: m.msg.reason,
        });
        DomainEventCallbackGraphics => |m| (m.msg.dom, Kind::Graphics {
            phase: GraphicsPhase::from_number(m.msg.phase)?,
            local: from_address(m.msg.local),
            remote: from_address(m.msg.remote),
            auth_scheme: m.msg.auth_scheme,
            subject: m.msg.subject.into_iter().map(|identity| (identity.kind, identity.name)).collect(),
        });
        DomainEventCallbackControlError => |m| (m.msg.dom, Kind::ControlError);
        DomainEventCallbackBlockJob => |m| (m.msg.dom, Kind::BlockJob {
            path: m.msg.path, target: String::new(), kind: m.msg.kind, status: m.msg.status,
        });
        DomainEventBlockJob2 => |m|
            (m.dom, Kind::BlockJob { path: String::new(), target: m.dst, kind: m.kind, status: m.status });
        DomainEventCallbackDiskChange => |m| (m.msg.dom, Kind::DiskChange {
            old_source: m.msg.old_src_path, new_source: m.msg.new_src_path, alias: m.msg.dev_alias, reason: m.msg.reason,
        });
        DomainEventCallbackTrayChange => |m|
            (m.msg.dom, Kind::TrayChange { alias: m.msg.dev_alias, reason: TrayChange::from_number(m.msg.reason)? });
        DomainEventCallbackPmwakeup => |m| (m.msg.dom, Kind::PmWakeup);
        DomainEventCallbackPmsuspend => |m| (m.msg.dom, Kind::PmSuspend);
        DomainEventCallbackPmsuspendDisk => |m| (m.msg.dom, Kind::PmSuspendDisk);
        DomainEventCallbackBalloonChange => |m|
            (m.msg.dom, Kind::BalloonChange(BalloonChange { actual: m.msg.actual }));
        DomainEventCallbackDeviceRemoved => |m| (m.msg.dom, Kind::DeviceRemoved { alias: m.msg.dev_alias });
        DomainEventCallbackTunable => |m| (m.dom, Kind::Tunable { params: m.params });
        DomainEventCallbackAgentLifecycle => |m| (m.dom, Kind::AgentLifecycle {
            connected: m.state == CONNECTED, reason: AgentReason::from_number(m.reason)?,
        });
        DomainEventCallbackDeviceAdded => |m| (m.dom, Kind::DeviceAdded { alias: m.dev_alias });
        DomainEventCallbackMigrationIteration => |m|
            (m.dom, Kind::MigrationIteration { iteration: m.iteration });
        DomainEventCallbackJobCompleted => |m| (m.dom, Kind::JobCompleted { params: m.params });
        DomainEventCallbackDeviceRemovalFailed => |m| (m.dom, Kind::DeviceRemovalFailed { alias: m.dev_alias });
        DomainEventCallbackMetadataChange => |m| (m.dom, Kind::MetadataChange { kind: m.kind, uri: m.nsuri });
        DomainEventBlockThreshold => |m| (m.dom, Kind::BlockThreshold {
            device: m.dev, path: m.path, threshold: m.threshold, excess: m.excess,
        });
        DomainEventMemoryFailure => |m|
            (m.dom, Kind::MemoryFailure { recipient: m.recipient, action: m.action, flags: m.flags });
        DomainEventMemoryDeviceSizeChange => |m|
            (m.dom, Kind::MemoryDeviceSizeChange { alias: m.alias, size: m.size });
    }
    None
}
