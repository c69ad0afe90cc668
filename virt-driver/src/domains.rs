//! Calls on domains.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainStatus, Impact, ListFlags, RebootFlags, ShutdownFlags,
    TypedParams, UndefineFlags, Uuid, XmlFlags,
};

use crate::contract::contract;
use crate::{
    ByteStream, ControlInfo, DomainEvent, DomainEventFilter, DomainInfo, DomainRef, KeycodeSet, MetadataKind,
    MonitorCommandFlags, MonitorEvent, MonitorEventFilter, OpenConsoleFlags, SecurityLabel, Subscription,
};

contract! {
    /// The domains of a connection: finding, defining, running and asking them.
    ///
    /// A call on a domain that is not there ends with `VIR_ERR_NO_DOMAIN`, one that needs a running guest with
    /// `VIR_ERR_OPERATION_INVALID`, one whose domain is held by a hung job with `VIR_ERR_OPERATION_TIMEOUT`.
    pub trait Domains {
        /// The running domain with this number.
        "virDomainLookupByID" fn lookup_by_id(id: u32) -> DomainRef;
        /// The domain with this identity.
        "virDomainLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> DomainRef;
        /// The domain with this name.
        "virDomainLookupByName" fn lookup_by_name(name: &'a str) -> DomainRef;
        /// The domains that match every group of flags in which one is set; all of them without flags.
        "virConnectListAllDomains" fn list(flags: ListFlags) -> Vec<DomainRef>;
        /// Events of these kinds, of one domain or all, from now on; at most `capacity` are kept for a slow reader.
        "virConnectDomainEventRegisterAny" fn subscribe(filter: DomainEventFilter, capacity: usize) -> Subscription<DomainEvent>;

        /// Raw events of QEMU's monitor; at most `capacity` are kept for a slow reader.
        "virConnectDomainQemuMonitorEventRegister" fn subscribe_monitor(
            filter: MonitorEventFilter, capacity: usize,
        ) -> Subscription<MonitorEvent>;

        /// Defines a persistent domain, or replaces the configuration of one with the same name and UUID.
        "virDomainDefineXMLFlags" fn define_xml(xml: &'a str, flags: DefineFlags) -> DomainRef;
        /// Starts a transient domain from its XML; `files` are handed to the guest in order.
        "virDomainCreateXMLWithFiles" fn create_xml(xml: &'a str, files: Vec<OwnedFd>, flags: CreateFlags) -> DomainRef;
        /// Removes a configuration; a running domain becomes transient.
        "virDomainUndefineFlags" fn undefine(domain: &'a DomainRef, flags: UndefineFlags) -> ();
        /// Starts a defined domain; the answer has the number of the running instance.
        "virDomainCreateWithFiles" fn create(domain: &'a DomainRef, files: Vec<OwnedFd>, flags: CreateFlags) -> DomainRef;
        /// Gives an inactive domain another name.
        "virDomainRename" fn rename(domain: &'a DomainRef, new_name: &'a str, flags: u32) -> ();

        /// Asks the guest to shut down; the answer does not wait for it.
        "virDomainShutdownFlags" fn shutdown(domain: &'a DomainRef, flags: ShutdownFlags) -> ();
        /// Asks the guest to reboot; the answer does not wait for it.
        "virDomainReboot" fn reboot(domain: &'a DomainRef, flags: RebootFlags) -> ();
        /// Resets the machine at once, as the reset button does.
        "virDomainReset" fn reset(domain: &'a DomainRef, flags: u32) -> ();
        /// Stops the virtual CPUs.
        "virDomainSuspend" fn suspend(domain: &'a DomainRef) -> ();
        /// Lets the virtual CPUs go on.
        "virDomainResume" fn resume(domain: &'a DomainRef) -> ();
        /// Ends the guest at once; the answer comes when its process is gone.
        "virDomainDestroyFlags" fn destroy(domain: &'a DomainRef, flags: DestroyFlags) -> ();
        /// Puts the guest to sleep through its agent: 0 memory, 1 disk, 2 hybrid; `duration` must be 0.
        "virDomainPMSuspendForDuration" fn pm_suspend(domain: &'a DomainRef, target: u32, duration: u64, flags: u32) -> ();
        /// Wakes a sleeping guest.
        "virDomainPMWakeup" fn pm_wakeup(domain: &'a DomainRef, flags: u32) -> ();

        /// The state and its reason.
        "virDomainGetState" fn state(domain: &'a DomainRef) -> DomainStatus;
        /// State, memory, virtual CPUs and CPU time.
        "virDomainGetInfo" fn info(domain: &'a DomainRef) -> DomainInfo;
        /// Which call holds the domain, and for how long.
        "virDomainGetControlInfo" fn control_info(domain: &'a DomainRef, flags: u32) -> ControlInfo;
        /// The configuration as XML.
        "virDomainGetXMLDesc" fn xml_desc(domain: &'a DomainRef, flags: XmlFlags) -> String;
        /// The kind of system that it boots, such as `hvm`.
        "virDomainGetOSType" fn os_type(domain: &'a DomainRef) -> String;
        /// The host name that the guest reports.
        "virDomainGetHostname" fn hostname(domain: &'a DomainRef, flags: u32) -> String;
        /// Whether it runs.
        "virDomainIsActive" fn is_active(domain: &'a DomainRef) -> bool;
        /// Whether it has a configuration that outlives the running instance.
        "virDomainIsPersistent" fn is_persistent(domain: &'a DomainRef) -> bool;
        /// Whether the configuration changed since the running instance was started from it.
        "virDomainIsUpdated" fn is_updated(domain: &'a DomainRef) -> bool;
        /// Why the guest or its process is tainted, and what its driver warns of, a sentence each.
        "virDomainGetMessages" fn messages(domain: &'a DomainRef, flags: u32) -> Vec<String>;

        /// Whether it starts with the engine.
        "virDomainGetAutostart" fn autostart(domain: &'a DomainRef) -> bool;
        /// Makes it start with the engine, or not.
        "virDomainSetAutostart" fn set_autostart(domain: &'a DomainRef, autostart: bool) -> ();
        /// Title, description or the metadata element of a name space.
        "virDomainGetMetadata" fn metadata(domain: &'a DomainRef, kind: MetadataKind, uri: Option<&'a str>, impact: Impact) -> String;
        /// Sets title, description or the metadata element of a name space; without a value it is removed.
        "virDomainSetMetadata" fn set_metadata(
            domain: &'a DomainRef, kind: MetadataKind, value: Option<&'a str>, key: Option<&'a str>, uri: Option<&'a str>, impact: Impact,
        ) -> ();

        /// Whether it starts with the engine the next time only.
        "virDomainGetAutostartOnce" fn autostart_once(domain: &'a DomainRef) -> bool;
        /// Makes it start with the engine the next time, or not.
        "virDomainSetAutostartOnce" fn set_autostart_once(domain: &'a DomainRef, autostart: bool) -> ();
        /// Sets what follows an event (`virDomainLifecycle`): `action` is a `virDomainLifecycleAction`.
        "virDomainSetLifecycleAction" fn set_lifecycle_action(domain: &'a DomainRef, event: u32, action: u32, impact: Impact) -> ();
        /// The label of its process in the first security model.
        "virDomainGetSecurityLabel" fn security_label(domain: &'a DomainRef) -> SecurityLabel;
        /// The labels of its process, one per security model.
        "virDomainGetSecurityLabelList" fn security_labels(domain: &'a DomainRef) -> Vec<SecurityLabel>;

        /// The most memory it may have, in KiB.
        "virDomainGetMaxMemory" fn max_memory(domain: &'a DomainRef) -> u64;
        /// Sets memory, or with bit 2 of `flags` the most it may have, in KiB.
        "virDomainSetMemoryFlags" fn set_memory(domain: &'a DomainRef, memory: u64, flags: u32) -> ();
        /// The number of virtual CPUs; bit 2 of `flags` asks for the most it may have.
        "virDomainGetVcpusFlags" fn vcpus(domain: &'a DomainRef, flags: u32) -> u32;
        /// Sets the number of virtual CPUs.
        "virDomainSetVcpusFlags" fn set_vcpus(domain: &'a DomainRef, vcpus: u32, flags: u32) -> ();
        /// The name of the scheduler and how many parameters it has.
        "virDomainGetSchedulerType" fn scheduler_type(domain: &'a DomainRef) -> (String, u32);
        /// The parameters of the scheduler.
        "virDomainGetSchedulerParametersFlags" fn scheduler_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams;

        /// Sets the parameters of the scheduler.
        "virDomainSetSchedulerParametersFlags" fn set_scheduler_parameters(
            domain: &'a DomainRef, params: &'a TypedParams, impact: Impact,
        ) -> ();

        /// Opens a serial port, parallel port or console by its alias; without one the first console or serial port.
        "virDomainOpenConsole" fn open_console(domain: &'a DomainRef, device: Option<&'a str>, flags: OpenConsoleFlags) -> Arc<dyn ByteStream>;
        /// Opens a channel by its name; without one the first virtio channel.
        "virDomainOpenChannel" fn open_channel(domain: &'a DomainRef, name: Option<&'a str>, flags: u32) -> Arc<dyn ByteStream>;
        /// A socket that is connected to the `index`-th graphics server.
        "virDomainOpenGraphicsFD" fn open_graphics_fd(domain: &'a DomainRef, index: u32, flags: u32) -> OwnedFd;
        /// Hands a connected socket to the `index`-th graphics server.
        "virDomainOpenGraphics" fn open_graphics(domain: &'a DomainRef, index: u32, socket: OwnedFd, flags: u32) -> ();
        /// Makes a graphics server read its certificates again (`virDomainGraphicsReloadType`).
        "virDomainGraphicsReload" fn reload_graphics(domain: &'a DomainRef, kind: u32, flags: u32) -> ();
        /// A picture of a screen: its MIME type and a stream of the bytes.
        "virDomainScreenshot" fn screenshot(domain: &'a DomainRef, screen: u32, flags: u32) -> (String, Arc<dyn ByteStream>);
        /// Presses keys together for `hold` milliseconds.
        "virDomainSendKey" fn send_key(domain: &'a DomainRef, codes: KeycodeSet, hold: u32, keys: &'a [u32], flags: u32) -> ();
        /// Sends a non-maskable interrupt.
        "virDomainInjectNMI" fn inject_nmi(domain: &'a DomainRef, flags: u32) -> ();
        /// The guest's clock: seconds since 1970 and nanoseconds.
        "virDomainGetTime" fn time(domain: &'a DomainRef, flags: u32) -> (i64, u32);
        /// Sets the guest's clock; bit 1 of `flags` takes the hardware clock instead.
        "virDomainSetTime" fn set_time(domain: &'a DomainRef, seconds: i64, nanoseconds: u32, flags: u32) -> ();
        /// What the guest's agent knows about users, system, time zone, host name, file systems, disks and interfaces.
        "virDomainGetGuestInfo" fn guest_info(domain: &'a DomainRef, types: u32, flags: u32) -> TypedParams;

        /// Sends a command to QEMU's monitor and gives the reply; taints the domain.
        "virDomainQemuMonitorCommand" fn monitor_command(domain: &'a DomainRef, command: &'a str, flags: MonitorCommandFlags) -> String;
        /// Sends a command and files to QEMU's monitor and gives the reply and what files came with it; taints the domain.
        "virDomainQemuMonitorCommandWithFiles" fn monitor_command_with_files(
            domain: &'a DomainRef, command: &'a str, files: Vec<OwnedFd>, flags: MonitorCommandFlags,
        ) -> (String, Vec<OwnedFd>);
        /// Takes over a QEMU that somebody else started.
        "virDomainQemuAttach" fn attach_process(pid: u32, flags: u32) -> DomainRef;
        /// The name spaces of a container.
        "virDomainLxcOpenNamespace" fn open_namespace(domain: &'a DomainRef, flags: u32) -> Vec<OwnedFd>;
        /// Gives files a name that the document of a domain can use for its disks.
        "virDomainFDAssociate" fn associate_files(domain: &'a DomainRef, name: &'a str, files: Vec<OwnedFd>, flags: u32) -> ();
        /// Sends a command to the guest's agent; `timeout` in seconds, -2 waits, -1 takes the default, 0 does not wait.
        "virDomainQemuAgentCommand" fn agent_command(domain: &'a DomainRef, command: &'a str, timeout: i32, flags: u32) -> String;

        /// Reads guest memory by virtual (1) or physical (2) address.
        "virDomainMemoryPeek" fn memory_peek(domain: &'a DomainRef, start: u64, size: usize, flags: u32) -> Vec<u8>;
        /// Reads a disk.
        "virDomainBlockPeek" fn block_peek(domain: &'a DomainRef, disk: &'a str, offset: u64, size: usize, flags: u32) -> Vec<u8>;
        /// Attaches a device.
        "virDomainAttachDeviceFlags" fn attach_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> ();
        /// Detaches a device; a live one goes when the guest lets go of it.
        "virDomainDetachDeviceFlags" fn detach_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> ();
        /// Changes a device.
        "virDomainUpdateDeviceFlags" fn update_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> ();
        /// Detaches the device with this alias.
        "virDomainDetachDeviceAlias" fn detach_device_alias(domain: &'a DomainRef, alias: &'a str, flags: u32) -> ();
    }
}
