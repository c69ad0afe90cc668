//! Calls on domains, each with the function that does it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_domain::DomainHandle;
use virt_driver::{
    ByteStream, ControlInfo, DomainEvent, DomainEventFilter, DomainInfo, DomainRef, Domains, KeycodeSet,
    MetadataKind, MonitorCommandFlags, MonitorEvent, MonitorEventFilter, OpenConsoleFlags, SecurityLabel,
    Subscription,
};
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainStatus, Error, ErrorCode, Impact, ListFlags, RebootFlags,
    Result, ShutdownFlags, TypedParams, UndefineFlags, Uuid, XmlFlags,
};

use super::calls::calls;
use super::{
    QemuConnection, agent, define, devices, graphics, inspect, keys, lifecycle, list, memory, metadata,
    monitor, peek, screenshot, streams, tuning, vcpus,
};

impl QemuConnection {
    pub(super) async fn find(&self, domain: &DomainRef) -> Result<DomainHandle> {
        self.registry.by_uuid(domain.uuid).await.map_err(|error| {
            // libvirt's sentence names both.
            let detail = format!("no domain with matching uuid '{}' ({})", domain.uuid, domain.name);
            if error.code() == ErrorCode::NoDomain {
                Error::new(error.code(), error.domain(), detail)
            } else {
                error
            }
        })
    }
}

impl Domains for QemuConnection {
    calls! {
        lookup_by_id(id: u32) -> DomainRef = list::by_id;
        lookup_by_uuid(uuid: Uuid) -> DomainRef = list::by_uuid;
        lookup_by_name(name: &'a str) -> DomainRef = list::by_name;
        list(flags: ListFlags) -> Vec<DomainRef> = list::all;
        subscribe(filter: DomainEventFilter, capacity: usize) -> Subscription<DomainEvent> = list::subscribe;
        subscribe_monitor(filter: MonitorEventFilter, capacity: usize) -> Subscription<MonitorEvent> = list::subscribe_monitor;

        define_xml(xml: &'a str, flags: DefineFlags) -> DomainRef = define::define;
        create_xml(xml: &'a str, files: Vec<OwnedFd>, flags: CreateFlags) -> DomainRef = define::create;
        undefine(domain: &'a DomainRef, flags: UndefineFlags) -> () = define::undefine;
        rename(domain: &'a DomainRef, new_name: &'a str, flags: u32) -> () = define::rename;
        autostart(domain: &'a DomainRef) -> bool = define::autostart;
        set_autostart(domain: &'a DomainRef, autostart: bool) -> () = define::set_autostart;

        create(domain: &'a DomainRef, files: Vec<OwnedFd>, flags: CreateFlags) -> DomainRef = lifecycle::start;
        shutdown(domain: &'a DomainRef, flags: ShutdownFlags) -> () = lifecycle::shutdown;
        reboot(domain: &'a DomainRef, flags: RebootFlags) -> () = lifecycle::reboot;
        reset(domain: &'a DomainRef, flags: u32) -> () = lifecycle::reset;
        suspend(domain: &'a DomainRef) -> () = lifecycle::suspend;
        resume(domain: &'a DomainRef) -> () = lifecycle::resume;
        destroy(domain: &'a DomainRef, flags: DestroyFlags) -> () = lifecycle::destroy;
        pm_suspend(domain: &'a DomainRef, target: u32, duration: u64, flags: u32) -> () = agent::pm_suspend;
        pm_wakeup(domain: &'a DomainRef, flags: u32) -> () = lifecycle::wake_up;
        set_lifecycle_action(domain: &'a DomainRef, event: u32, action: u32, impact: Impact) -> () = lifecycle::set_action;

        state(domain: &'a DomainRef) -> DomainStatus = inspect::state;
        info(domain: &'a DomainRef) -> DomainInfo = inspect::info;
        control_info(domain: &'a DomainRef, flags: u32) -> ControlInfo = inspect::control_info;
        xml_desc(domain: &'a DomainRef, flags: XmlFlags) -> String = inspect::xml_desc;
        os_type(domain: &'a DomainRef) -> String = inspect::os_type;
        is_active(domain: &'a DomainRef) -> bool = inspect::is_active;
        is_persistent(domain: &'a DomainRef) -> bool = inspect::is_persistent;
        is_updated(domain: &'a DomainRef) -> bool = inspect::is_updated;
        messages(domain: &'a DomainRef, flags: u32) -> Vec<String> = inspect::messages;
        security_label(domain: &'a DomainRef) -> SecurityLabel = inspect::security_label;
        security_labels(domain: &'a DomainRef) -> Vec<SecurityLabel> = inspect::security_labels;

        metadata(domain: &'a DomainRef, kind: MetadataKind, uri: Option<&'a str>, impact: Impact) -> String = metadata::get;
        set_metadata(
            domain: &'a DomainRef, kind: MetadataKind, value: Option<&'a str>, key: Option<&'a str>, uri: Option<&'a str>,
            impact: Impact,
        ) -> () = metadata::set;

        max_memory(domain: &'a DomainRef) -> u64 = memory::maximum;
        set_memory(domain: &'a DomainRef, memory: u64, flags: u32) -> () = memory::set;
        vcpus(domain: &'a DomainRef, flags: u32) -> u32 = vcpus::count;
        set_vcpus(domain: &'a DomainRef, vcpus: u32, flags: u32) -> () = vcpus::set;
        scheduler_type(domain: &'a DomainRef) -> (String, u32) = tuning::scheduler::kind;
        scheduler_parameters(domain: &'a DomainRef, impact: Impact) -> TypedParams = tuning::scheduler::get;
        set_scheduler_parameters(domain: &'a DomainRef, params: &'a TypedParams, impact: Impact) -> () = tuning::scheduler::set;

        open_console(domain: &'a DomainRef, device: Option<&'a str>, flags: OpenConsoleFlags) -> Arc<dyn ByteStream> = streams::open_console;
        open_channel(domain: &'a DomainRef, name: Option<&'a str>, flags: u32) -> Arc<dyn ByteStream> = streams::open_channel;
        open_graphics_fd(domain: &'a DomainRef, index: u32, flags: u32) -> OwnedFd = graphics::open_fd;
        open_graphics(domain: &'a DomainRef, index: u32, socket: OwnedFd, flags: u32) -> () = graphics::open;
        reload_graphics(domain: &'a DomainRef, kind: u32, flags: u32) -> () = graphics::reload;
        screenshot(domain: &'a DomainRef, screen: u32, flags: u32) -> (String, Arc<dyn ByteStream>) = screenshot::take;
        send_key(domain: &'a DomainRef, codes: KeycodeSet, hold: u32, keys: &'a [u32], flags: u32) -> () = keys::send;
        inject_nmi(domain: &'a DomainRef, flags: u32) -> () = keys::inject_nmi;
        memory_peek(domain: &'a DomainRef, start: u64, size: usize, flags: u32) -> Vec<u8> = peek::memory;
        block_peek(domain: &'a DomainRef, disk: &'a str, offset: u64, size: usize, flags: u32) -> Vec<u8> = peek::block;

        hostname(domain: &'a DomainRef, flags: u32) -> String = agent::hostname;
        time(domain: &'a DomainRef, flags: u32) -> (i64, u32) = agent::time;
        set_time(domain: &'a DomainRef, seconds: i64, nanoseconds: u32, flags: u32) -> () = agent::set_time;
        guest_info(domain: &'a DomainRef, types: u32, flags: u32) -> TypedParams = agent::guest_info;
        agent_command(domain: &'a DomainRef, command: &'a str, timeout: i32, flags: u32) -> String = agent::command;
        monitor_command(domain: &'a DomainRef, command: &'a str, flags: MonitorCommandFlags) -> String = monitor::command;
        monitor_command_with_files(
            domain: &'a DomainRef, command: &'a str, files: Vec<OwnedFd>, flags: MonitorCommandFlags,
        ) -> (String, Vec<OwnedFd>) = monitor::with_files;

        attach_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> () = devices::attach;
        detach_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> () = devices::detach;
        update_device(domain: &'a DomainRef, xml: &'a str, flags: u32) -> () = devices::update;
        detach_device_alias(domain: &'a DomainRef, alias: &'a str, flags: u32) -> () = devices::detach_alias;
    }
}
