//! Events of domains.

use virt_types::{
    CrashedDetail, DefinedDetail, DomainEventId, LifecycleEvent, PmSuspendedDetail, ResumedDetail,
    ShutdownDetail, StartedDetail, StoppedDetail, SuspendedDetail, TypedParams, UndefinedDetail, Uuid,
};

use crate::DomainRef;

/// Something that happened to a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainEvent {
    /// Counts up by one per event of the engine; a gap tells a reader that it missed something.
    pub number: u64,
    /// The domain, as it was when it happened.
    pub domain: DomainRef,
    /// What happened.
    pub kind: DomainEventKind,
}

/// An event of QEMU's monitor, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorEvent {
    /// The domain.
    pub domain: DomainRef,
    /// The event's name, such as `RESET`.
    pub event: String,
    /// When it happened: seconds since 1970.
    pub seconds: i64,
    /// Microseconds beside them.
    pub micros: u32,
    /// Its data, as JSON.
    pub details: Option<String>,
}

/// Which events of QEMU's monitor a subscriber wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonitorEventFilter {
    /// Of one domain only.
    pub domain: Option<Uuid>,
    /// Of this name only.
    pub event: Option<String>,
    /// `virConnectDomainQemuMonitorEventRegisterFlags`: bit 1 takes the name as a regular expression, 2 without case.
    pub flags: u32,
}

/// Which events a subscriber wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DomainEventFilter {
    /// Of one domain only.
    pub domain: Option<Uuid>,
    /// Of these kinds only; empty for all.
    pub kinds: Vec<DomainEventId>,
}

impl DomainEventFilter {
    /// Whether the subscriber wants this event.
    #[must_use]
    pub fn wants(&self, event: &DomainEvent) -> bool {
        self.domain.is_none_or(|uuid| uuid == event.domain.uuid)
            && (self.kinds.is_empty() || event.kind.ids().iter().any(|id| self.kinds.contains(id)))
    }
}

macro_rules! lifecycle {
    ($($event:ident($detail:ident),)+) => {
        /// A lifecycle event and its detail, so that no impossible pair can be written down.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Lifecycle {
            $(#[doc = concat!("[`LifecycleEvent::", stringify!($event), "`] and its detail.")] $event($detail),)+
        }

        impl Lifecycle {
            /// The event alone.
            #[must_use]
            pub const fn event(self) -> LifecycleEvent {
                match self { $(Self::$event(_) => LifecycleEvent::$event,)+ }
            }

            /// The detail's number on the wire; its meaning depends on the event.
            #[must_use]
            pub const fn detail(self) -> i32 {
                match self { $(Self::$event(detail) => detail.number(),)+ }
            }

            /// The pair for two numbers from the wire, if both are known.
            #[must_use]
            pub fn from_numbers(event: i32, detail: i32) -> Option<Self> {
                match LifecycleEvent::from_number(event)? {
                    $(LifecycleEvent::$event => $detail::from_number(detail).map(Self::$event),)+
                }
            }

            /// The detail in lower-case words, such as `booted`.
            #[must_use]
            pub fn detail_word(self) -> String {
                match self { $(Self::$event(detail) => detail.word(),)+ }
            }
        }
    };
}

lifecycle! {
    Defined(DefinedDetail),
    Undefined(UndefinedDetail),
    Started(StartedDetail),
    Suspended(SuspendedDetail),
    Resumed(ResumedDetail),
    Stopped(StoppedDetail),
    Shutdown(ShutdownDetail),
    PmSuspended(PmSuspendedDetail),
    Crashed(CrashedDetail),
}

macro_rules! numbered {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $number:literal,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[repr(i32)]
            #[expect(missing_docs, reason = "the values are the words of the libvirt enumeration that is named")]
            pub enum $name { $($variant = $number,)+ }

            impl $name {
                /// The number on the wire.
                #[must_use]
                pub const fn number(self) -> i32 {
                    self as i32
                }

                /// The value with this number, if there is one.
                #[must_use]
                pub const fn from_number(number: i32) -> Option<Self> {
                    match number { $($number => Some(Self::$variant),)+ _ => None }
                }
            }
        )+
    };
}

numbered! {
    /// What the hypervisor did when a watchdog expired (`virDomainEventWatchdogAction`).
    WatchdogAction { None = 0, Pause = 1, Reset = 2, Poweroff = 3, Shutdown = 4, Debug = 5, InjectNmi = 6, }
    /// What the hypervisor did after a disk error (`virDomainEventIOErrorAction`).
    IoErrorAction { None = 0, Pause = 1, Report = 2, }
    /// How far a graphics client has come (`virDomainEventGraphicsPhase`).
    GraphicsPhase { Connect = 0, Initialize = 1, Disconnect = 2, }
    /// What happened to a removable drive's tray (`virDomainEventTrayChangeReason`).
    TrayChange { Open = 0, Close = 1, }
    /// Why the agent's state changed (`virConnectDomainEventAgentLifecycleReason`).
    AgentReason { Unknown = 0, DomainStarted = 1, Channel = 2, }
}

/// One end of a graphics connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphicsAddress {
    /// 0 IPv4, 1 IPv6, 2 unix socket.
    pub family: i32,
    /// The address or path.
    pub node: String,
    /// The port, empty for a unix socket.
    pub service: String,
}

/// The size of guest memory after a balloon change, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalloonChange {
    /// Memory that the guest has now, in KiB.
    pub actual: u64,
}

/// What happened to a domain.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of libvirt's callback of that event")]
pub enum DomainEventKind {
    /// It was defined, started, stopped and so on.
    Lifecycle(Lifecycle),
    /// The guest rebooted, or was reset.
    Reboot,
    /// The guest moved its clock; the offset from UTC in seconds.
    RtcChange { offset: i64 },
    /// A watchdog expired.
    Watchdog { action: WatchdogAction },
    /// A disk failed; `reason` is empty or `enospc`.
    IoError { source: String, alias: String, action: IoErrorAction, reason: String },
    /// A graphics client connected, was let in, or left.
    Graphics {
        phase: GraphicsPhase,
        local: GraphicsAddress,
        remote: GraphicsAddress,
        auth_scheme: String,
        subject: Vec<(String, String)>,
    },
    /// Control of the domain was lost.
    ControlError,
    /// The tray of a removable drive moved.
    TrayChange { alias: String, reason: TrayChange },
    /// The guest woke up.
    PmWakeup,
    /// The guest went to sleep in memory.
    PmSuspend,
    /// The guest went to sleep on disk.
    PmSuspendDisk,
    /// The balloon changed.
    BalloonChange(BalloonChange),
    /// A device is there now.
    DeviceAdded { alias: String },
    /// A device is gone now.
    DeviceRemoved { alias: String },
    /// The guest did not let go of a device.
    DeviceRemovalFailed { alias: String },
    /// The guest's agent came (`connected`) or went.
    AgentLifecycle { connected: bool, reason: AgentReason },
    /// A job on a disk went on (`virDomainBlockJobType`, `virConnectDomainEventBlockJobStatus`); `path` is the disk's
    /// source, `target` its name in the guest.
    BlockJob { path: String, target: String, kind: i32, status: i32 },
    /// The medium of a removable drive changed (`virConnectDomainEventDiskChangeReason`).
    DiskChange { old_source: Option<String>, new_source: Option<String>, alias: String, reason: i32 },
    /// Settings changed.
    Tunable { params: TypedParams },
    /// A migration went over the guest's memory once more.
    MigrationIteration { iteration: i32 },
    /// A job ended.
    JobCompleted { params: TypedParams },
    /// A disk was written beyond the threshold.
    BlockThreshold { device: String, path: Option<String>, threshold: u64, excess: u64 },
    /// Memory of the host or guest failed (`virDomainMemoryFailureRecipientType`, `…ActionType`, `…Flags`).
    MemoryFailure { recipient: i32, action: i32, flags: u32 },
    /// A memory device has another size, in KiB.
    MemoryDeviceSizeChange { alias: String, size: u64 },
    /// A title, description or metadata element changed (`virDomainMetadataType`, and the name space of an element).
    MetadataChange { kind: i32, uri: Option<String> },
}

impl DomainEventKind {
    /// The kinds under which clients may have registered for it: a disk error goes by two.
    #[must_use]
    pub const fn ids(&self) -> &'static [DomainEventId] {
        use DomainEventId as Id;
        match self {
            Self::Lifecycle(_) => &[Id::Lifecycle],
            Self::Reboot => &[Id::Reboot],
            Self::RtcChange { .. } => &[Id::RtcChange],
            Self::Watchdog { .. } => &[Id::Watchdog],
            Self::IoError { .. } => &[Id::IoError, Id::IoErrorReason],
            Self::Graphics { .. } => &[Id::Graphics],
            Self::ControlError => &[Id::ControlError],
            Self::TrayChange { .. } => &[Id::TrayChange],
            Self::PmWakeup => &[Id::Pmwakeup],
            Self::PmSuspend => &[Id::Pmsuspend],
            Self::PmSuspendDisk => &[Id::PmsuspendDisk],
            Self::BalloonChange(_) => &[Id::BalloonChange],
            Self::DeviceAdded { .. } => &[Id::DeviceAdded],
            Self::DeviceRemoved { .. } => &[Id::DeviceRemoved],
            Self::DeviceRemovalFailed { .. } => &[Id::DeviceRemovalFailed],
            Self::AgentLifecycle { .. } => &[Id::AgentLifecycle],
            Self::BlockJob { .. } => &[Id::BlockJob, Id::BlockJob2],
            Self::DiskChange { .. } => &[Id::DiskChange],
            Self::Tunable { .. } => &[Id::Tunable],
            Self::MigrationIteration { .. } => &[Id::MigrationIteration],
            Self::JobCompleted { .. } => &[Id::JobCompleted],
            Self::BlockThreshold { .. } => &[Id::BlockThreshold],
            Self::MemoryFailure { .. } => &[Id::MemoryFailure],
            Self::MemoryDeviceSizeChange { .. } => &[Id::MemoryDeviceSizeChange],
            Self::MetadataChange { .. } => &[Id::MetadataChange],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: DomainEventKind) -> DomainEvent {
        let uuid = Uuid::from_bytes([7; 16]);
        DomainEvent { number: 1, domain: DomainRef { uuid, name: "web".into(), id: None }, kind }
    }

    #[test]
    fn lifecycle_numbers_lead_back_to_the_same_pair() {
        for kind in LifecycleEvent::ALL {
            let mut details = 0;
            for detail in 0..16 {
                let Some(pair) = Lifecycle::from_numbers(kind.number(), detail) else { continue };
                assert_eq!((pair.event(), pair.detail()), (*kind, detail));
                details += 1;
            }
            assert!(details > 0, "{kind:?}");
        }
    }

    #[test]
    fn a_filter_takes_domain_and_kind_together() {
        let started = event(DomainEventKind::Lifecycle(Lifecycle::Started(StartedDetail::Booted)));
        let filter = |domain, kinds: &[DomainEventId]| DomainEventFilter { domain, kinds: kinds.to_vec() };
        for (filter, wanted) in [
            (filter(None, &[]), true),
            (filter(Some(Uuid::from_bytes([7; 16])), &[DomainEventId::Lifecycle]), true),
            (filter(Some(Uuid::from_bytes([8; 16])), &[]), false),
            (filter(None, &[DomainEventId::Reboot]), false),
        ] {
            assert_eq!(filter.wants(&started), wanted, "{filter:?}");
        }
    }

    #[test]
    fn a_disk_error_answers_to_both_of_its_kinds() {
        let error = event(DomainEventKind::IoError {
            source: "/a.qcow2".into(),
            alias: "virtio-disk0".into(),
            action: IoErrorAction::Pause,
            reason: "enospc".into(),
        });
        for id in [DomainEventId::IoError, DomainEventId::IoErrorReason] {
            assert!(DomainEventFilter { domain: None, kinds: vec![id] }.wants(&error));
        }
    }
}
