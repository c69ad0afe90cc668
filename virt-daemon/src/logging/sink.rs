//! Opened outputs.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::message::{Message, line};
use super::output::{Destination, Output};
use super::{OutputError, Priority, journal};

/// An opened output.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) output: Output,
    way: Arc<Way>,
    /// Whether the lines that open a log were written.
    opened: Arc<AtomicBool>,
}

enum Way {
    Stderr,
    File(File),
    Journal(UnixDatagram),
    Syslog(UnixDatagram),
}

impl Sink {
    pub(super) fn open(output: &Output) -> Result<Self, OutputError> {
        let fail = |source| OutputError::Open { output: output.to_string(), source };
        let way = match &output.destination {
            Destination::Stderr => Way::Stderr,
            Destination::File(path) => {
                let file =
                    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(fail)?;
                Way::File(file)
            }
            Destination::Journald => Way::Journal(to(journal::SOCKET).map_err(fail)?),
            Destination::Syslog(_) => Way::Syslog(to("/dev/log").map_err(fail)?),
        };
        Ok(Self { output: output.clone(), way: Arc::new(way), opened: Arc::default() })
    }

    /// Writes a message. There is nowhere to report that to which fails.
    pub(super) fn write(&self, message: &Message<'_>) {
        if !self.opened.swap(true, Ordering::Relaxed) {
            for text in opening() {
                let own = Message { priority: Priority::Info, text: &text, place: None, ..*message };
                let _ = self.try_write(&own);
            }
        }
        let _ = self.try_write(message);
    }

    fn try_write(&self, message: &Message<'_>) -> io::Result<()> {
        // One call for a line: lines of threads do not mix.
        match &*self.way {
            Way::Stderr => io::stderr().write_all(line(message).as_bytes()),
            Way::File(file) => (&*file).write_all(line(message).as_bytes()),
            Way::Journal(socket) => journal::send(socket, message),
            Way::Syslog(socket) => {
                let Destination::Syslog(name) = &self.output.destination else { return Ok(()) };
                let (priority, process) = (journal::syslog_priority(message.priority), std::process::id());
                // RFC 3164, 4.1: the facility of system daemons is 3.
                let text = format!("<{}>{name}[{process}]: {}", 3 << 3 | priority, message.text);
                socket.send(text.as_bytes()).map(drop)
            }
        }
    }
}

fn to(path: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// What opens a log: without it nobody can tell later whose it is.
fn opening() -> [String; 2] {
    [
        format!("virt version: {}", env!("CARGO_PKG_VERSION")),
        format!("hostname: {}", virt_sys::host::hostname()),
    ]
}
