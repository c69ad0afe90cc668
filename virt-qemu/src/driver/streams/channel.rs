//! Opening the host ends of a guest's channels.

use std::path::Path;
use std::sync::Arc;

use virt_conf::common::chardev::ChardevSource;
use virt_conf::domain::Domain;
use virt_conf::domain::device::Channel;
use virt_driver::{ByteStream, DomainRef, fd_stream_error};
use virt_sys::Duplex;
use virt_types::Result;

use super::super::refusal::{failed, internal, known_bits};
use super::super::{QemuConnection, sides};
use crate::plan;

/// `VIR_DOMAIN_CHANNEL_FORCE`
const FORCE: u32 = 1;

/// `virDomainOpenChannel`
pub(in crate::driver) async fn open(
    connection: &QemuConnection,
    domain: &DomainRef,
    name: Option<&str>,
    flags: u32,
) -> Result<Arc<dyn ByteStream>> {
    known_bits(flags, FORCE, "qemuDomainOpenChannel")?;
    let snapshot = connection.find(domain).await?.snapshot();
    let live = snapshot.live.as_ref().ok_or_else(sides::not_running)?;
    let channel = find(live, name)
        .ok_or_else(|| internal(format!("cannot find channel {}", name.unwrap_or("<null>"))))?;
    let alias = channel.info.alias.as_deref().unwrap_or_default();
    let ChardevSource::Unix(socket) = &channel.chardev.source else {
        return Err(internal(format!("channel {} is not using a UNIX socket", name.unwrap_or(alias))));
    };
    let path = socket.path.as_deref().ok_or_else(|| failed(format!("channel {alias} has no socket yet")))?;
    let lock =
        plan::domain_dir(&connection.backend.config().lib_dir, live).join(format!("channel-{alias}.lock"));
    let busy = "Active channel stream exists for this domain";
    let open = || connect(path);
    Ok(Arc::new(connection.backend.sessions.open(lock, flags & FORCE != 0, busy, open)?))
}

fn find<'a>(live: &'a Domain, name: Option<&str>) -> Option<&'a Channel> {
    let channels = &live.devices.channels;
    let Some(name) = name else { return channels.first() };
    channels
        .iter()
        .find(|channel| channel.info.alias.as_deref() == Some(name) || channel.target.name() == Some(name))
}

fn connect(path: &str) -> Result<Duplex> {
    let stream = virt_sys::unix::connect(Path::new(path))
        .map_err(|error| failed(format!("cannot open the channel's socket: {error}")).caused_by(error))?;
    Duplex::new(stream.into()).map_err(|error| fd_stream_error("cannot watch the channel", error))
}
