//! Opening the host ends of a guest's serial ports and consoles.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_conf::common::chardev::{Chardev, ChardevSource};
use virt_conf::domain::Domain;
use virt_driver::{ByteStream, DomainRef, OpenConsoleFlags, fd_stream_error};
use virt_sys::Duplex;
use virt_types::Result;

use super::super::refusal::{failed, internal, known};
use super::super::{QemuConnection, sides};
use crate::plan;

/// `virDomainOpenConsole`. Safe it is in any case: nobody else of the engine opens it meanwhile.
pub(in crate::driver) async fn open(
    connection: &QemuConnection,
    domain: &DomainRef,
    device: Option<&str>,
    flags: OpenConsoleFlags,
) -> Result<Arc<dyn ByteStream>> {
    known(flags, OpenConsoleFlags::SAFE | OpenConsoleFlags::FORCE, "qemuDomainOpenConsole")?;
    let snapshot = connection.find(domain).await?.snapshot();
    let live = snapshot.live.as_ref().ok_or_else(sides::not_running)?;
    let (alias, chardev) = find(live, device)?;
    let path = terminal(alias, chardev)?;
    let lock =
        plan::domain_dir(&connection.backend.config().lib_dir, live).join(format!("console-{alias}.lock"));
    let force = flags.contains(OpenConsoleFlags::FORCE);
    let busy = "Active console session exists for this domain";
    let opened = connection.backend.sessions.open(lock, force, busy, || open_terminal(path))?;
    Ok(Arc::new(opened))
}

fn open_terminal(path: &str) -> Result<Duplex> {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let fd: OwnedFd = rustix::fs::open(path, flags, rustix::fs::Mode::empty())
        .map_err(|error| fd_stream_error(&format!("unable to open console '{path}'"), error.into()))?;
    Duplex::new(fd).map_err(|error| fd_stream_error("cannot watch the console", error))
}

/// The character device that is meant, with its alias.
fn find<'a>(live: &'a Domain, device: Option<&str>) -> Result<(&'a str, &'a Chardev)> {
    let devices = &live.devices;
    let serials = devices.serials.iter().map(|serial| (&serial.info, &serial.chardev));
    let consoles = devices
        .consoles
        .iter()
        // A console for the first serial port is that port under another name.
        .filter(|console| !console.is_serial())
        .map(|console| (&console.info, &console.chardev));
    let parallels = devices.parallels.iter().map(|parallel| (&parallel.info, &parallel.chardev));
    let mut all = consoles.clone().chain(serials.clone()).chain(parallels);
    let found = match device {
        Some(alias) => all.find(|(info, _)| info.alias.as_deref() == Some(alias)),
        None if devices.consoles.first().is_some_and(|console| console.is_serial()) => serials.clone().next(),
        None => consoles.chain(serials).next(),
    };
    let (info, chardev) = found.ok_or_else(|| {
        let name = device.unwrap_or("<null>");
        internal(format!("cannot find character device {name}"))
            .with_hint("add <serial type='pty'/> to the domain, and boot the guest with console=ttyS0")
    })?;
    Ok((info.alias.as_deref().unwrap_or_default(), chardev))
}

fn terminal<'a>(alias: &str, chardev: &'a Chardev) -> Result<&'a str> {
    match &chardev.source {
        ChardevSource::Pty { path: Some(path) } => Ok(path),
        ChardevSource::Pty { path: None } => {
            Err(failed(format!("character device {alias} has no terminal yet")))
        }
        _ => Err(internal(format!("character device {alias} is not using a PTY"))),
    }
}
