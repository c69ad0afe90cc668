//! QEMU's events in the engine's terms.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{ChannelState, ChannelTarget};
use virt_domain::BackendEvent;
use virt_driver::{
    AgentReason, BalloonChange, DomainEventKind, GraphicsAddress, GraphicsPhase, IoErrorAction, TrayChange,
    WatchdogAction,
};
use virt_qmp::event::{BlockErrorAction, SocketInfo, WatchdogAction as QmpWatchdogAction};
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
        EventKind::RtcChange(change) => published(DomainEventKind::RtcChange { offset: change.offset }),
        EventKind::Watchdog(watchdog) => {
            published(DomainEventKind::Watchdog { action: watchdog_action(&watchdog.action) })
        }
        EventKind::BlockIoError(error) => {
            let action = match error.action {
                BlockErrorAction::Stop => IoErrorAction::Pause,
                BlockErrorAction::Report => IoErrorAction::Report,
                _ => IoErrorAction::None,
            };
            let reason = if error.nospace == Some(true) { "enospc" } else { "" };
            let alias = error.node_name.filter(|_| error.device.is_empty()).unwrap_or(error.device);
            published(DomainEventKind::IoError {
                source: String::new(),
                alias,
                action,
                reason: reason.into(),
            })
        }
        EventKind::BalloonChange(change) => {
            let actual = change.actual / 1024;
            vec![
                BackendEvent::Changed(Box::new(move |live: &mut Domain| live.memory.current = actual)),
                BackendEvent::Published(DomainEventKind::BalloonChange(BalloonChange { actual })),
            ]
        }
        EventKind::DeviceDeleted(deleted) => {
            deleted.device.map_or_else(Vec::new, |alias| published(DomainEventKind::DeviceRemoved { alias }))
        }
        EventKind::DeviceUnplugGuestError(error) => error
            .device
            .map_or_else(Vec::new, |alias| published(DomainEventKind::DeviceRemovalFailed { alias })),
        EventKind::DeviceTrayMoved(moved) => {
            let reason = if moved.tray_open { TrayChange::Open } else { TrayChange::Close };
            published(DomainEventKind::TrayChange { alias: moved.id, reason })
        }
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
        subject: Vec::new(),
    })]
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
