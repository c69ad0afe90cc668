//! What only a running QEMU can tell, or be told, before a guest's first instruction.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use virt_conf::common::chardev::{Chardev, ChardevSource};
use virt_conf::domain::Domain;
use virt_conf::domain::LifecycleAction;
use virt_conf::domain::device::{Channel, ChannelState, ChannelTarget, Graphics, MemballoonModel};
use virt_domain::BackendEvent;
use virt_driver::{AgentReason, DomainEventKind};
use virt_qmp::command::{Balloon, ExpirePassword, QueryChardev, SetAction, SetPassword};
use virt_types::TextEnum;

use super::ask;
use super::monitor::GuestMonitor;

/// The virtio port through which the guest's agent talks.
const AGENT_CHANNEL: &str = "org.qemu.guest_agent.0";

/// Asks and tells what this domain needs, and nothing else.
pub(super) async fn settle(monitor: &GuestMonitor, live: &mut Domain) -> virt_types::Result<()> {
    if chardevs(live).any(|(_, chardev)| matches!(chardev.source, ChardevSource::Pty { .. })) {
        let reply = monitor.execute(&QueryChardev {}).await?;
        let terminals: HashMap<String, String> = reply
            .into_iter()
            .filter_map(|info| Some((info.label, info.filename.strip_prefix("pty:")?.to_owned())))
            .collect();
        note_terminals(live, &terminals);
    }
    set_passwords(monitor, live).await?;
    if live.lifecycle.reboot() == LifecycleAction::Destroy {
        // The guest's own reboot then powers it off. Our part in a reboot by the power button is the engine's affair.
        let action =
            SetAction { reboot: Some("shutdown".to_owned()), shutdown: None, panic: None, watchdog: None };
        monitor.execute(&action).await?;
    }
    let ballooned =
        live.devices.memballoon.as_ref().is_some_and(|balloon| balloon.model != MemballoonModel::None);
    if ballooned && (1..live.memory.total).contains(&live.memory.current) {
        monitor.execute(&Balloon { value: live.memory.current * 1024 }).await?;
    }
    let period = live.devices.memballoon.as_ref().map_or(0, |balloon| balloon.stats_period);
    if ballooned && period > 0 {
        ask::set_balloon_period(monitor, live, period).await?;
    }
    Ok(())
}

/// Hands the displays' passwords over, which never stand on a command line.
async fn set_passwords(monitor: &GuestMonitor, live: &Domain) -> virt_types::Result<()> {
    for display in &live.devices.graphics {
        let (protocol, auth) = match display {
            Graphics::Vnc(vnc) => ("vnc", &vnc.auth),
            Graphics::Spice(spice) => ("spice", &spice.auth),
            _ => continue,
        };
        let Some(auth) = auth else { continue };
        let set = SetPassword {
            protocol: protocol.to_owned(),
            password: auth.password.clone(),
            connected: auth.connected.map(|what| what.text().to_owned()),
        };
        monitor.execute(&set).await?;
        let time = auth.valid_to.map_or_else(|| "never".to_owned(), |time| time.seconds().to_string());
        let expire = ExpirePassword { protocol: protocol.to_owned(), time };
        monitor.execute(&expire).await?;
    }
    Ok(())
}

/// Every character device of a guest with its alias.
fn chardevs(live: &Domain) -> impl Iterator<Item = (Option<&str>, &Chardev)> {
    let devices = &live.devices;
    let serials = devices.serials.iter().map(|d| (d.info.alias.as_deref(), &d.chardev));
    let parallels = devices.parallels.iter().map(|d| (d.info.alias.as_deref(), &d.chardev));
    let consoles = devices.consoles.iter().map(|d| (d.info.alias.as_deref(), &d.chardev));
    let channels = devices.channels.iter().map(|d| (d.info.alias.as_deref(), &d.chardev));
    serials.chain(parallels).chain(consoles).chain(channels)
}

/// Writes the terminals that QEMU made into the live domain. QEMU names a device's chardev `char` and its alias.
fn note_terminals(live: &mut Domain, terminals: &HashMap<String, String>) {
    let note = |alias: Option<&str>, chardev: &mut Chardev| {
        if let ChardevSource::Pty { path } = &mut chardev.source
            && let Some(terminal) = alias.and_then(|alias| terminals.get(&format!("char{alias}")))
        {
            *path = Some(terminal.clone());
        }
    };
    let devices = &mut live.devices;
    for d in &mut devices.serials {
        note(d.info.alias.as_deref(), &mut d.chardev);
    }
    for d in &mut devices.parallels {
        note(d.info.alias.as_deref(), &mut d.chardev);
    }
    for d in &mut devices.channels {
        note(d.info.alias.as_deref(), &mut d.chardev);
    }
    for d in &mut devices.consoles {
        // The console that stands for the first serial port is that port.
        match devices.serials.first().filter(|_| d.is_serial()) {
            Some(serial) => {
                d.chardev.clone_from(&serial.chardev);
                d.info.alias.clone_from(&serial.info.alias);
            }
            None => note(d.info.alias.as_deref(), &mut d.chardev),
        }
    }
}

/// Before its first instruction no program of the guest holds a port open. The agent's news, if it has a port.
pub(super) fn close_ports(live: &mut Domain) -> Option<BackendEvent> {
    note_ports(live, |_| false, AgentReason::DomainStarted)
}

/// Asks which ports the guest holds open: they may have moved while nobody listened. The agent's news, if there is any.
pub(super) async fn look_at_ports(
    monitor: &GuestMonitor,
    live: &mut Domain,
) -> virt_types::Result<Option<BackendEvent>> {
    let is_port = |channel: &Channel| matches!(channel.target, ChannelTarget::Virtio { .. });
    if !live.devices.channels.iter().any(is_port) {
        return Ok(None);
    }
    let reply = monitor.execute(&QueryChardev {}).await?;
    let open: HashSet<String> =
        reply.into_iter().filter(|info| info.frontend_open).map(|info| info.label).collect();
    Ok(note_ports(live, |alias| open.contains(&format!("char{alias}")), AgentReason::Unknown))
}

fn note_ports(
    live: &mut Domain,
    is_open: impl Fn(&str) -> bool,
    reason: AgentReason,
) -> Option<BackendEvent> {
    let agent = agent_alias(live);
    let mut news = None;
    for channel in &mut live.devices.channels {
        let (Some(alias), ChannelTarget::Virtio { state, .. }) = (&channel.info.alias, &mut channel.target)
        else {
            continue;
        };
        let connected = is_open(alias);
        let now = if connected { ChannelState::Connected } else { ChannelState::Disconnected };
        if std::mem::replace(state, now) != now && agent.as_ref() == Some(alias) {
            news = Some(BackendEvent::Published(DomainEventKind::AgentLifecycle { connected, reason }));
        }
    }
    news
}

/// The channel through which the guest's agent talks.
fn agent_channel(live: &Domain) -> Option<&Channel> {
    live.devices.channels.iter().find(|channel| channel.target.name() == Some(AGENT_CHANNEL))
}

/// The socket through which the guest's agent is asked.
pub(super) fn agent_socket(live: &Domain) -> Option<PathBuf> {
    match &agent_channel(live)?.chardev.source {
        ChardevSource::Unix(socket) => socket.path.as_ref().map(PathBuf::from),
        _ => None,
    }
}

/// The alias of the channel through which the guest's agent talks.
pub(super) fn agent_alias(live: &Domain) -> Option<String> {
    agent_channel(live)?.info.alias.clone()
}
