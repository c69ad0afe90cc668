//! Events of QEMU's.

use serde_json::value::RawValue;

use crate::codec::{RawEvent, Timestamp};
use crate::command::{MigrationStatus, Object};

/// Something happened in QEMU.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub timestamp: Timestamp,
    /// What.
    pub kind: EventKind,
    /// The same unread: an object, where there is one.
    pub data: Option<Box<RawValue>>,
}

/// Declares events: `"NAME" Variant { required; optional }`.
macro_rules! events {
    ($($(#[$meta:meta])* $name:literal $variant:ident {
        $($(#[$req_meta:meta])* $req:ident: $req_ty:ty),* $(,)?
        $(; $($(#[$opt_meta:meta])* $opt:ident: $opt_ty:ty),* $(,)?)?
    })+) => {
        $(
            $(#[$meta])*
            #[doc = ""]
            #[doc = concat!("QEMU's `", $name, "`.")]
            #[derive(Debug, Clone, serde::Deserialize)]
            #[serde(rename_all = "kebab-case")]
            pub struct $variant {
                $($(#[$req_meta])* pub $req: $req_ty,)*
                $($($(#[$opt_meta])* #[serde(default)] pub $opt: Option<$opt_ty>,)*)?
            }
        )+

        /// What happened.
        #[derive(Debug, Clone)]
        pub enum EventKind {
            $($(#[$meta])* $variant($variant),)+
            /// An event that is not listed here, or has other members than its documentation says.
            Unknown {
                /// In capitals, as QEMU spells it.
                name: String,
                /// An object, where there is one.
                data: Option<Box<RawValue>>,
            },
        }

        impl EventKind {
            /// QEMU's name of the event.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::Unknown { name, .. } => name,
                }
            }

            fn read(name: String, data: Option<Box<RawValue>>) -> Self {
                let text = data.as_ref().map_or("{}", |data| data.get());
                let result = match name.as_str() {
                    $($name => serde_json::from_str(text).map(Self::$variant),)+
                    _ => return Self::Unknown { name, data },
                };
                result.unwrap_or_else(|error| {
                    log::warn!("cannot read the data of event {name}: {error}");
                    Self::Unknown { name, data }
                })
            }

            /// Names with members, for comparison with QEMU's schema.
            #[cfg(test)]
            pub(crate) fn declared() -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$(($name, crate::command::tests::members::<$variant>())),+]
            }
        }
    };
}

impl Event {
    /// Reads an event's data by its name.
    pub fn from_raw(event: RawEvent) -> Self {
        let data = event.data.clone();
        Self { timestamp: event.timestamp, kind: EventKind::read(event.name, event.data), data }
    }
}

open_enum! {
    /// Who wanted the shutdown or reset.
    ShutdownCause {
        /// Nobody.
        None = "none",
        /// An error in QEMU.
        HostError = "host-error",
        /// `quit`.
        HostQmpQuit = "host-qmp-quit",
        /// `system_reset`.
        HostQmpSystemReset = "host-qmp-system-reset",
        /// A signal to QEMU.
        HostSignal = "host-signal",
        /// The window was closed.
        HostUi = "host-ui",
        /// The guest.
        GuestShutdown = "guest-shutdown",
        /// The guest.
        GuestReset = "guest-reset",
        /// The guest's kernel has panicked, or its watchdog fired.
        GuestPanic = "guest-panic",
        /// A reset inside QEMU (s390x).
        SubsystemReset = "subsystem-reset",
        /// A snapshot is being loaded.
        SnapshotLoad = "snapshot-load",
    }
}

open_enum! {
    /// What QEMU does because the guest's kernel has panicked.
    PanicAction {
        /// Stops it.
        Pause = "pause",
        /// Ends.
        Poweroff = "poweroff",
        /// Lets it run.
        Run = "run",
    }
}

open_enum! {
    /// What QEMU does because the guest's watchdog has fired.
    WatchdogAction {
        /// Resets.
        Reset = "reset",
        /// Presses the power button.
        Shutdown = "shutdown",
        /// Ends.
        Poweroff = "poweroff",
        /// Stops it.
        Pause = "pause",
        /// Only says so.
        Debug = "debug",
        /// Nothing.
        None = "none",
        /// Injects a non-maskable interrupt.
        InjectNmi = "inject-nmi",
    }
}

open_enum! {
    /// What QEMU does because of an I/O error.
    BlockErrorAction {
        /// Nothing.
        Ignore = "ignore",
        /// Tells the guest.
        Report = "report",
        /// Stops the guest.
        Stop = "stop",
    }
}

open_enum! {
    /// Where a job stands.
    JobStatus {
        /// Not there.
        Undefined = "undefined",
        /// Made.
        Created = "created",
        /// Running.
        Running = "running",
        /// Paused.
        Paused = "paused",
        /// Can be completed.
        Ready = "ready",
        /// Ready, and paused.
        Standby = "standby",
        /// Waiting for others.
        Waiting = "waiting",
        /// Waiting to be made final.
        Pending = "pending",
        /// Failing.
        Aborting = "aborting",
        /// Finished; waiting to be dismissed.
        Concluded = "concluded",
        /// Gone.
        Null = "null",
    }
}

events! {
    /// The guest has shut down, or QEMU is about to end.
    "SHUTDOWN" Shutdown {
        /// Whether the guest wanted it.
        guest: bool;
        /// Who wanted it (QEMU 4.0).
        reason: ShutdownCause,
    }
    /// The machine was reset.
    "RESET" Reset {
        /// Whether the guest wanted it.
        guest: bool;
        /// Who wanted it (QEMU 4.0).
        reason: ShutdownCause,
    }
    /// The processors have stopped.
    "STOP" Stop {}
    /// The processors run.
    "RESUME" Resume {}
    /// The power button was pressed.
    "POWERDOWN" Powerdown {}
    /// The guest has suspended to memory.
    "SUSPEND" Suspend {}
    /// The guest has suspended to disk.
    "SUSPEND_DISK" SuspendDisk {}
    /// The guest was woken.
    "WAKEUP" Wakeup {}
    /// The guest has set its clock.
    "RTC_CHANGE" RtcChange {
        /// Seconds that it is ahead of the host's.
        offset: i64;
        /// Which clock.
        qom_path: String,
    }
    /// The guest's watchdog has fired.
    "WATCHDOG" Watchdog {
        /// What is done about it.
        action: WatchdogAction,
    }
    /// The guest's kernel has panicked.
    "GUEST_PANICKED" GuestPanicked {
        /// What is done about it.
        action: PanicAction;
        /// What the guest says: `type` is `hyper-v` or `s390`.
        info: Object,
    }
    /// The guest's kernel has panicked, and another has taken a picture of it.
    "GUEST_CRASHLOADED" GuestCrashloaded {
        /// What is done about it.
        action: PanicAction;
        /// Like [`GuestPanicked::info`].
        info: Object,
    }
    /// Uncorrectable memory.
    "MEMORY_FAILURE" MemoryFailure {
        /// `hypervisor` or `guest`.
        recipient: String,
        /// `ignore`, `inject`, `fatal`, `reset`.
        action: String;
        /// `action-required`, `recursive`.
        flags: Object,
    }
    /// A request to a disk has failed.
    "BLOCK_IO_ERROR" BlockIoError {
        /// The device; empty without a name.
        device: String,
        /// `read` or `write`.
        operation: String,
        /// What is done about it.
        action: BlockErrorAction,
        /// For people.
        reason: String;
        /// The node.
        node_name: String,
        /// Whether there was no space.
        nospace: bool,
        /// The path of the device in QEMU's object tree (QEMU 9.2).
        qom_path: String,
    }
    /// An image is damaged.
    "BLOCK_IMAGE_CORRUPTED" BlockImageCorrupted {
        /// The device; empty without a name.
        device: String,
        /// For people.
        msg: String,
        /// Whether it cannot be used any more.
        fatal: bool;
        /// The node.
        node_name: String,
        /// Where.
        offset: i64,
        /// How much.
        size: i64,
    }
    /// More of an image was written than was wanted.
    "BLOCK_WRITE_THRESHOLD" BlockWriteThreshold {
        /// The node.
        node_name: String,
        /// By how many bytes.
        amount_exceeded: u64,
        /// The threshold, in bytes.
        write_threshold: u64,
    }
    /// A block job has ended.
    "BLOCK_JOB_COMPLETED" BlockJobCompleted {
        /// `mirror`, `commit`, `stream`, `backup`.
        #[serde(rename = "type")]
        kind: String,
        /// The job's name.
        device: String,
        /// In all.
        len: i64,
        /// How far it came.
        offset: i64,
        /// The limit in bytes per second.
        speed: i64;
        /// Why it failed.
        error: String,
    }
    /// A block job was given up.
    "BLOCK_JOB_CANCELLED" BlockJobCancelled {
        /// Like [`BlockJobCompleted::kind`].
        #[serde(rename = "type")]
        kind: String,
        /// The job's name.
        device: String,
        /// In all.
        len: i64,
        /// How far it came.
        offset: i64,
        /// The limit in bytes per second.
        speed: i64,
    }
    /// A request of a block job has failed.
    "BLOCK_JOB_ERROR" BlockJobError {
        /// The job's name.
        device: String,
        /// `read` or `write`.
        operation: String,
        /// What is done about it.
        action: BlockErrorAction,
    }
    /// A block job can be completed.
    "BLOCK_JOB_READY" BlockJobReady {
        /// Like [`BlockJobCompleted::kind`].
        #[serde(rename = "type")]
        kind: String,
        /// The job's name.
        device: String,
        /// In all.
        len: i64,
        /// How far it came.
        offset: i64,
        /// The limit in bytes per second.
        speed: i64,
    }
    /// A block job waits to be made final.
    "BLOCK_JOB_PENDING" BlockJobPending {
        /// Like [`BlockJobCompleted::kind`].
        #[serde(rename = "type")]
        kind: String,
        /// The job's name.
        id: String,
    }
    /// A job's state has changed.
    "JOB_STATUS_CHANGE" JobStatusChange {
        /// Its name.
        id: String,
        /// Its new state.
        status: JobStatus,
    }
    /// A tray was opened or closed.
    "DEVICE_TRAY_MOVED" DeviceTrayMoved {
        /// The device's name; may be empty.
        device: String,
        /// The path of the device in QEMU's object tree, or its id.
        id: String,
        /// Whether it is open.
        #[serde(rename = "tray-open")]
        tray_open: bool,
    }
    /// The guest has let a device go.
    "DEVICE_DELETED" DeviceDeleted {
        /// Its path in QEMU's object tree.
        path: String;
        /// Its id.
        device: String,
    }
    /// The guest does not let a device go (QEMU 6.2).
    "DEVICE_UNPLUG_GUEST_ERROR" DeviceUnplugGuestError {
        /// Its path in QEMU's object tree.
        path: String;
        /// Its id.
        device: String,
    }
    /// Memory is not let go (up to QEMU 9.0).
    "MEM_UNPLUG_ERROR" MemUnplugError {
        /// Its id.
        device: String,
        /// For people.
        msg: String,
    }
    /// A guest has changed the size of a virtio-mem device.
    "MEMORY_DEVICE_SIZE_CHANGE" MemoryDeviceSizeChange {
        /// Its new size, in bytes.
        size: u64,
        /// Its path in QEMU's object tree.
        qom_path: String;
        /// Its id.
        id: String,
    }
    /// The guest's firmware reports about a slot.
    "ACPI_DEVICE_OST" AcpiDeviceOst {
        /// `slot`, `slot-type`, `source`, `status`, `device`.
        info: AcpiOstInfo,
    }
    /// What guests want to receive has changed; ask with `query-rx-filter`.
    "NIC_RX_FILTER_CHANGED" NicRxFilterChanged {
        /// The device's path in QEMU's object tree.
        path: String;
        /// The device's id.
        name: String,
    }
    /// The guest's memory has changed with the balloon.
    "BALLOON_CHANGE" BalloonChange {
        /// Bytes that it has.
        actual: u64,
    }
    /// The guest has opened or closed a port of a virtio serial device.
    "VSERPORT_CHANGE" VserportChange {
        /// The port's id.
        id: String,
        /// Whether it is open.
        open: bool,
    }
    /// Somebody connects to VNC.
    "VNC_CONNECTED" VncConnected {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// Somebody is in.
    "VNC_INITIALIZED" VncInitialized {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// Somebody is gone.
    "VNC_DISCONNECTED" VncDisconnected {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// Somebody connects to SPICE.
    "SPICE_CONNECTED" SpiceConnected {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// Somebody is in.
    "SPICE_INITIALIZED" SpiceInitialized {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// Somebody is gone.
    "SPICE_DISCONNECTED" SpiceDisconnected {
        /// Our end.
        server: Box<SocketInfo>,
        /// Their end.
        client: Box<SocketInfo>,
    }
    /// SPICE has handed its clients over.
    "SPICE_MIGRATE_COMPLETED" SpiceMigrateCompleted {}
    /// A migration's state has changed.
    "MIGRATION" Migration {
        /// The new state.
        status: MigrationStatus,
    }
    /// Memory is gone through again.
    "MIGRATION_PASS" MigrationPass {
        /// For the how manieth time.
        pass: i64,
    }
    /// Writing the guest's memory to a file has ended.
    "DUMP_COMPLETED" DumpCompleted {
        /// How far it came.
        result: Object;
        /// Why it failed.
        error: String,
    }
    /// A disk's connection to the host's persistent reservation helper has changed.
    "PR_MANAGER_STATUS_CHANGED" PrManagerStatusChanged {
        /// The object.
        id: String,
        /// Whether it is connected.
        connected: bool,
    }
    /// A network back end is connected (QEMU 7.2).
    "NETDEV_STREAM_CONNECTED" NetdevStreamConnected {
        /// The back end.
        netdev_id: String,
        /// To where.
        addr: Object,
    }
    /// A network back end has lost its connection (QEMU 7.2).
    "NETDEV_STREAM_DISCONNECTED" NetdevStreamDisconnected {
        /// The back end.
        netdev_id: String,
    }
}

/// An end of a display's connection.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct SocketInfo {
    /// Address.
    pub host: String,
    /// Port, a number or the path of a socket; SPICE calls it `port`.
    #[serde(alias = "port")]
    pub service: String,
    /// `ipv4`, `ipv6`, `unix`, `vsock`, `unknown`.
    pub family: String,
    /// How the other end has proved who it is.
    #[serde(default)]
    pub auth: Option<String>,
    /// The name in its certificate.
    #[serde(default)]
    pub x509_dname: Option<String>,
    /// The name it has given.
    #[serde(default)]
    pub sasl_username: Option<String>,
}

/// A report of the guest's firmware (ACPI `_OST`).
#[derive(Debug, Clone, serde::Deserialize)]
pub struct AcpiOstInfo {
    /// The slot.
    pub slot: String,
    /// `DIMM` or `CPU`.
    #[serde(rename = "slot-type")]
    pub slot_type: String,
    /// Source event.
    pub source: i64,
    /// Status code.
    pub status: i64,
    /// The device's id.
    #[serde(default)]
    pub device: Option<String>,
}

#[cfg(test)]
mod tests;
