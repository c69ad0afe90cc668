//! QEMU's events in the engine's terms.

use virt_conf::common::StorageSource;
use virt_conf::domain::device::{ChannelState, ChannelTarget, Disk, Tray};
use virt_conf::domain::{ClockOffset, Domain};
use virt_domain::BackendEvent;
use virt_driver::{
    AgentReason, BalloonChange, DomainEventKind, GraphicsAddress, GraphicsPhase, IoErrorAction, TrayChange,
    WatchdogAction,
};
use virt_qmp::event::{
    BlockErrorAction, BlockIoError, BlockWriteThreshold, MemoryFailure, SocketInfo,
    WatchdogAction as QmpWatchdogAction,
};
use virt_qmp::{Event, EventKind};

/// What the engine is told, in order; `agent` is the alias of the channel through which the guest's agent talks.
pub(super) fn translate(event: Event, agent: Option<&str>) -> Vec<BackendEvent> {
    let published = |kind| vec![BackendEvent::Published(kind)];
    match event.kind {
        EventKind::Shutdown(shutdown) => vec![BackendEvent::PoweredOff { by_guest: Some(shutdown.guest) }],
        EventKind::Reset(_) => vec![BackendEvent::Reset],
        EventKind::Stop(_) => vec![BackendEvent::Stopped],
        EventKind::Resume(_) => vec![BackendEvent::Resumed],
        EventKind::Suspend(_) => vec![BackendEvent::PmSuspended],
        EventKind::SuspendDisk(_) => vec![BackendEvent::PmSuspendedDisk],
        EventKind::Wakeup(_) => vec![BackendEvent::WokeUp],
        EventKind::GuestPanicked(_) => vec![BackendEvent::Panicked],
        EventKind::RtcChange(change) => rtc_change(change.offset),
        EventKind::Watchdog(watchdog) => {
            published(DomainEventKind::Watchdog { action: watchdog_action(&watchdog.action) })
        }
        EventKind::BlockIoError(error) => {
            vec![BackendEvent::Told(Box::new(move |live| io_error(&error, live)))]
        }
        EventKind::BlockWriteThreshold(threshold) => {
            vec![BackendEvent::Told(Box::new(move |live| block_threshold(&threshold, live)))]
        }
        EventKind::MemoryFailure(failure) => memory_failure(&failure).map_or_else(Vec::new, published),
        EventKind::MemoryDeviceSizeChange(change) => {
            let size = change.size / 1024;
            change.id.map_or_else(Vec::new, |alias| {
                published(DomainEventKind::MemoryDeviceSizeChange { alias, size })
            })
        }
        EventKind::MigrationPass(pass) => {
            let iteration = i32::try_from(pass.pass).unwrap_or(i32::MAX);
            published(DomainEventKind::MigrationIteration { iteration })
        }
        EventKind::BalloonChange(change) => {
            let actual = change.actual / 1024;
            vec![
                BackendEvent::Changed(Box::new(move |live: &mut Domain| live.memory.current = actual)),
                BackendEvent::Published(DomainEventKind::BalloonChange(BalloonChange { actual })),
            ]
        }
        EventKind::DeviceDeleted(deleted) => {
            deleted.device.map(|alias| BackendEvent::Unplugged { alias }).into_iter().collect()
        }
        EventKind::DeviceUnplugGuestError(error) => error
            .device
            .map_or_else(Vec::new, |alias| published(DomainEventKind::DeviceRemovalFailed { alias })),
        EventKind::MemUnplugError(error) => {
            published(DomainEventKind::DeviceRemovalFailed { alias: error.device })
        }
        EventKind::DeviceTrayMoved(moved) => tray_moved(moved.id, moved.tray_open),
        EventKind::VserportChange(change) => port_change(change.id, change.open, agent),
        EventKind::VncConnected(e) => graphics(GraphicsPhase::Connect, &e.server, &e.client),
        EventKind::VncInitialized(e) => graphics(GraphicsPhase::Initialize, &e.server, &e.client),
        EventKind::VncDisconnected(e) => graphics(GraphicsPhase::Disconnect, &e.server, &e.client),
        EventKind::SpiceConnected(e) => graphics(GraphicsPhase::Connect, &e.server, &e.client),
        EventKind::SpiceInitialized(e) => graphics(GraphicsPhase::Initialize, &e.server, &e.client),
        EventKind::SpiceDisconnected(e) => graphics(GraphicsPhase::Disconnect, &e.server, &e.client),
        other => {
            log::debug!("QEMU event {} is not acted on", other.name());
            Vec::new()
        }
    }
}

/// A virtio port was opened or closed in the guest: its state is part of the live domain, and the agent's is news.
fn port_change(alias: String, open: bool, agent: Option<&str>) -> Vec<BackendEvent> {
    let news =
        (agent == Some(alias.as_str())).then_some(BackendEvent::Published(DomainEventKind::AgentLifecycle {
            connected: open,
            reason: AgentReason::Channel,
        }));
    let changed = BackendEvent::Changed(Box::new(move |live: &mut Domain| {
        let mut channels = live.devices.channels.iter_mut();
        if let Some(channel) = channels.find(|channel| channel.info.alias.as_deref() == Some(alias.as_str()))
            && let ChannelTarget::Virtio { state, .. } = &mut channel.target
        {
            *state = if open { ChannelState::Connected } else { ChannelState::Disconnected };
        }
    }));
    [changed].into_iter().chain(news).collect()
}

fn watchdog_action(action: &QmpWatchdogAction) -> WatchdogAction {
    match action {
        QmpWatchdogAction::Reset => WatchdogAction::Reset,
        QmpWatchdogAction::Shutdown => WatchdogAction::Shutdown,
        QmpWatchdogAction::Poweroff => WatchdogAction::Poweroff,
        QmpWatchdogAction::Pause => WatchdogAction::Pause,
        QmpWatchdogAction::Debug => WatchdogAction::Debug,
        QmpWatchdogAction::InjectNmi => WatchdogAction::InjectNmi,
        _ => WatchdogAction::None,
    }
}

fn graphics(phase: GraphicsPhase, server: &SocketInfo, client: &SocketInfo) -> Vec<BackendEvent> {
    vec![BackendEvent::Published(DomainEventKind::Graphics {
        phase,
        local: address(server),
        remote: address(client),
        auth_scheme: server.auth.clone().unwrap_or_default(),
        subject: identities(client),
    })]
}

/// How a client has proved who it is: the kind of proof, and the name.
fn identities(client: &SocketInfo) -> Vec<(String, String)> {
    let known = [("x509dname", &client.x509_dname), ("saslUsername", &client.sasl_username)];
    known.into_iter().filter_map(|(kind, name)| Some((kind.to_owned(), name.clone()?))).collect()
}

/// With a base of its own QEMU counts from the guest's start on.
fn rtc_change(offset: i64) -> Vec<BackendEvent> {
    let change = move |live: &mut Domain| {
        if let ClockOffset::Variable { adjustment, adjustment0, .. } = &mut live.clock.offset {
            *adjustment = adjustment0.saturating_add(offset);
        }
    };
    let tell = move |live: &Domain| {
        let offset = match live.clock.offset {
            ClockOffset::Variable { adjustment, .. } => adjustment,
            _ => offset,
        };
        DomainEventKind::RtcChange { offset }
    };
    vec![BackendEvent::Changed(Box::new(change)), BackendEvent::Told(Box::new(tell))]
}

/// The disk of which QEMU speaks, and the image of its chain: by the device's id, or by a node's name.
fn disk_of<'a>(live: &'a Domain, device: &str, node: &str) -> Option<(&'a Disk, &'a StorageSource)> {
    let by_id = live.devices.disks.iter().find(|disk| {
        let id = disk.info.alias.as_deref();
        id.is_some_and(|id| !device.is_empty() && (device == id || device.split('/').any(|part| part == id)))
    });
    if let Some(disk) = by_id {
        return Some((disk, &disk.source));
    }
    let number: u32 = node.strip_prefix("libvirt-")?.split('-').next()?.parse().ok()?;
    live.devices.disks.iter().find_map(|disk| {
        disk.source.chain().find(|source| source.index == Some(number)).map(|source| (disk, source))
    })
}

fn io_error(error: &BlockIoError, live: &Domain) -> DomainEventKind {
    let action = match error.action {
        BlockErrorAction::Stop => IoErrorAction::Pause,
        BlockErrorAction::Report => IoErrorAction::Report,
        _ => IoErrorAction::None,
    };
    let reason = if error.nospace == Some(true) { "enospc" } else { "" };
    let node = error.node_name.as_deref().unwrap_or_default();
    let device = error.qom_path.as_deref().filter(|_| error.device.is_empty()).unwrap_or(&error.device);
    let found = disk_of(live, device, node);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    DomainEventKind::IoError {
        source: text(found.and_then(|(disk, _)| disk.source.location.local_path())),
        alias: text(found.map_or(Some(device), |(disk, _)| disk.info.alias.as_deref())),
        action,
        reason: reason.into(),
    }
}

/// An image behind the disk's own is named with its number, such as `vda[3]`.
fn block_threshold(event: &BlockWriteThreshold, live: &Domain) -> DomainEventKind {
    let found = disk_of(live, "", &event.node_name);
    let device = match found {
        Some((disk, source)) if source.index == disk.source.index => disk.name().to_owned(),
        Some((disk, source)) => format!("{}[{}]", disk.name(), source.index.unwrap_or_default()),
        None => event.node_name.clone(),
    };
    DomainEventKind::BlockThreshold {
        device,
        path: found.and_then(|(_, source)| source.location.local_path().map(str::to_owned)),
        threshold: event.write_threshold,
        excess: event.amount_exceeded,
    }
}

fn memory_failure(failure: &MemoryFailure) -> Option<DomainEventKind> {
    let recipient = ["hypervisor", "guest"].iter().position(|word| *word == failure.recipient)?;
    let action = ["ignore", "inject", "fatal", "reset"].iter().position(|word| *word == failure.action)?;
    let is_set =
        |flag: &str| failure.flags.as_ref().and_then(|flags| flags.get(flag)?.as_bool()) == Some(true);
    Some(DomainEventKind::MemoryFailure {
        recipient: i32::try_from(recipient).ok()?,
        action: i32::try_from(action).ok()?,
        flags: u32::from(is_set("action-required")) | u32::from(is_set("recursive")) << 1,
    })
}

/// A tray is a part of the live domain.
fn tray_moved(id: String, open: bool) -> Vec<BackendEvent> {
    let reason = if open { TrayChange::Open } else { TrayChange::Close };
    let changed = id.clone();
    let change = move |live: &mut Domain| {
        let mut disks = live.devices.disks.iter_mut();
        let is_it = |disk: &&mut Disk| {
            disk.info.alias.as_ref().is_some_and(|alias| changed.split('/').any(|part| part == alias))
        };
        if let Some(disk) = disks.find(is_it) {
            disk.target.tray = if open { Tray::Open } else { Tray::Closed };
        }
    };
    let tell = move |live: &Domain| {
        let alias = disk_of(live, &id, "").and_then(|(disk, _)| disk.info.alias.clone());
        DomainEventKind::TrayChange { alias: alias.unwrap_or(id), reason }
    };
    vec![BackendEvent::Changed(Box::new(change)), BackendEvent::Told(Box::new(tell))]
}

/// libvirt's families: 0 IPv4, 1 IPv6, 2 unix.
fn address(info: &SocketInfo) -> GraphicsAddress {
    let family = match info.family.as_str() {
        "ipv6" => 1,
        "unix" => 2,
        _ => 0,
    };
    GraphicsAddress { family, node: info.host.clone(), service: info.service.clone() }
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn live() -> Domain {
        let xml = "<domain type='qemu' id='1'><name>e</name><memory>1024</memory><os><type>hvm</type></os>\
            <clock offset='variable' adjustment='3600' adjustment0='3600'/><devices>\
            <disk type='file' device='disk'><source file='/a' index='1'/>\
            <backingStore type='file' index='2'><format type='raw'/><source file='/b'/></backingStore>\
            <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>\
            <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/><alias name='ide0-0-0'/></disk>\
            </devices></domain>";
        let flags = ParseFlags::STATUS | ParseFlags::SKIP_VALIDATE;
        Domain::parse(xml, flags).unwrap()
    }

    /// What the subscribers hear of an event, and the domain afterwards.
    fn heard(name: &str, data: &str) -> (Vec<DomainEventKind>, Domain) {
        let line = format!(
            "{{\"event\":\"{name}\",\"data\":{data},\"timestamp\":{{\"seconds\":1,\"microseconds\":2}}}}"
        );
        let mut client = virt_qmp::client::Client::new(virt_qmp::client::Options::default());
        let greeting = "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7, \"minor\": 2, \"micro\": 0}, \"package\": \"\"}, \"capabilities\": []}}\n";
        client.feed(greeting.as_bytes()).unwrap();
        client.feed(line.as_bytes()).unwrap();
        client.feed(b"\n").unwrap();
        let mut live = live();
        let mut kinds = Vec::new();
        while let Some(notice) = client.poll() {
            let virt_qmp::call::Notice::Event(event) = notice else { continue };
            for event in translate(event, None) {
                match event {
                    BackendEvent::Published(kind) => kinds.push(kind),
                    BackendEvent::Told(tell) => kinds.push(tell(&live)),
                    BackendEvent::Changed(change) => change(&mut live),
                    _ => {}
                }
            }
        }
        (kinds, live)
    }

    #[test]
    fn events_have_libvirt_s_fields() {
        let io_error = |device: &str, source: &str, alias: &str| {
            let data = format!(
                "{{\"device\":\"\",\"node-name\":\"{device}\",\"operation\":\"write\",\"action\":\"stop\",\"nospace\":true,\"reason\":\"No space\"}}"
            );
            let expected = DomainEventKind::IoError {
                source: source.into(),
                alias: alias.into(),
                action: IoErrorAction::Pause,
                reason: "enospc".into(),
            };
            assert_eq!(heard("BLOCK_IO_ERROR", &data).0, [expected]);
        };
        io_error("libvirt-1-format", "/a", "virtio-disk0");
        io_error("libvirt-2-storage", "/a", "virtio-disk0");
        io_error("elsewhere", "", "");
        let (kinds, live) = heard("RTC_CHANGE", "{\"offset\":10,\"qom-path\":\"/x\"}");
        assert_eq!(kinds, [DomainEventKind::RtcChange { offset: 3610 }]);
        assert!(matches!(live.clock.offset, ClockOffset::Variable { adjustment: 3610, .. }));
        let (kinds, live) =
            heard("DEVICE_TRAY_MOVED", "{\"device\":\"\",\"id\":\"ide0-0-0\",\"tray-open\":true}");
        assert_eq!(
            kinds,
            [DomainEventKind::TrayChange { alias: "ide0-0-0".into(), reason: TrayChange::Open }]
        );
        assert_eq!(live.devices.disks[1].target.tray, Tray::Open);
        let data = "{\"node-name\":\"libvirt-2-storage\",\"amount-exceeded\":7,\"write-threshold\":9}";
        let expected = DomainEventKind::BlockThreshold {
            device: "vda[2]".into(),
            path: Some("/b".into()),
            threshold: 9,
            excess: 7,
        };
        assert_eq!(heard("BLOCK_WRITE_THRESHOLD", data).0, [expected]);
        let data = "{\"recipient\":\"guest\",\"action\":\"inject\",\"flags\":{\"action-required\":false,\"recursive\":true}}";
        let expected = DomainEventKind::MemoryFailure { recipient: 1, action: 1, flags: 2 };
        assert_eq!(heard("MEMORY_FAILURE", data).0, [expected]);
        let (kinds, live) = heard("BALLOON_CHANGE", "{\"actual\":524288}");
        assert_eq!(kinds, [DomainEventKind::BalloonChange(BalloonChange { actual: 512 })]);
        assert_eq!(live.memory.current, 512);
    }

    #[test]
    fn a_client_s_names_come_with_it() {
        let data = "{\"server\":{\"host\":\"::1\",\"service\":\"5900\",\"family\":\"ipv6\",\"auth\":\"vencrypt\"},\
            \"client\":{\"host\":\"/x\",\"service\":\"\",\"family\":\"unix\",\"sasl_username\":\"me\"}}";
        let (kinds, _) = heard("VNC_INITIALIZED", data);
        let [DomainEventKind::Graphics { phase, local, remote, auth_scheme, subject }] = kinds.as_slice()
        else {
            panic!("{kinds:?}")
        };
        assert_eq!((*phase, local.family, remote.family), (GraphicsPhase::Initialize, 1, 2));
        assert_eq!(auth_scheme, "vencrypt");
        assert_eq!(subject.as_slice(), [("saslUsername".to_owned(), "me".to_owned())]);
    }
}
