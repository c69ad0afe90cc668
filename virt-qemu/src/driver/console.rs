//! Opening the host ends of a guest's serial ports and consoles.

use std::os::fd::OwnedFd;
use std::path::Path;

use virt_conf::common::chardev::{Chardev, ChardevSource};
use virt_conf::domain::Domain;
use virt_driver::{BoxFuture, ByteStream, fd_stream_error};
use virt_sys::{Duplex, FileLock};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// An open console; nobody else can open it until it is dropped.
#[derive(Debug)]
pub(super) struct Console {
    terminal: Duplex,
    lock: FileLock,
}

impl Console {
    /// Opens the device with this alias, or the first console or serial port. `dir` is the guest's own, so that nothing is
    /// left of a lock whose holder was killed.
    pub(super) fn open(live: &Domain, device: Option<&str>, dir: &Path) -> Result<Self> {
        let (alias, chardev) = find(live, device)?;
        let path = terminal(alias, chardev)?;
        let lock = dir.join(format!("console-{alias}.lock"));
        let lock = FileLock::try_exclusive(lock)
            .map_err(|error| failed("cannot lock the console").caused_by(error))?
            .ok_or_else(|| {
                failed("Active console session exists for this domain")
                    .with_hint("close the other `virt console` first")
            })?;
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let fd: OwnedFd = rustix::fs::open(path, flags, rustix::fs::Mode::empty())
            .map_err(|error| fd_stream_error(&format!("unable to open console '{path}'"), error.into()))?;
        let terminal = Duplex::new(fd).map_err(|error| fd_stream_error("cannot watch the console", error))?;
        Ok(Self { terminal, lock })
    }
}

/// The lock's file goes before the lock, so that whoever takes it next makes a new one.
impl Drop for Console {
    fn drop(&mut self) {
        // What is left of it harms nobody.
        let _ = std::fs::remove_file(self.lock.path());
    }
}

fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail)
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
        let name = device.unwrap_or("(null)");
        Error::new(
            ErrorCode::InternalError,
            ErrorDomain::Qemu,
            format!("cannot find character device {name}"),
        )
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
        _ => Err(Error::new(
            ErrorCode::InternalError,
            ErrorDomain::Qemu,
            format!("character device {alias} is not using a PTY"),
        )),
    }
}

impl ByteStream for Console {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async {
            self.terminal
                .read(buffer)
                .await
                .map_err(|error| fd_stream_error("cannot read from the console", error))
        })
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async {
            self.terminal
                .write(bytes)
                .await
                .map_err(|error| fd_stream_error("cannot write to the console", error))
        })
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        // A terminal has no end that could be told.
        Box::pin(async { Ok(()) })
    }
}
