//! What the service manager is told (sd_notify(3)).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The manager's socket, if there is a manager that wants to know.
#[derive(Debug)]
pub struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// The one that the environment names (`NOTIFY_SOCKET`).
    #[must_use]
    pub fn from_env() -> Self {
        Self::to(std::env::var_os("NOTIFY_SOCKET").as_deref())
    }

    fn to(socket: Option<&OsStr>) -> Self {
        let open = |name: &OsStr| -> std::io::Result<_> {
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name)?,
                None => SocketAddr::from_pathname(name)?,
            };
            Ok((UnixDatagram::unbound()?, address))
        };
        let opened = socket.and_then(|name| {
            open(name).inspect_err(|error| log::warn!("cannot reach the service manager: {error}")).ok()
        });
        Self(opened)
    }

    /// The daemon answers calls.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// The daemon reads its configuration anew; [`Notify::ready`] ends that.
    pub fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// The daemon ends.
    pub fn stopping(&self, why: &str) {
        self.send(&format!("STOPPING=1\nSTATUS={why}"));
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = &self.0 else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            log::warn!("cannot tell the service manager: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_are_told() {
        let dir = std::env::temp_dir().join(format!("virt-daemon-notify-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s");
        let name = format!("@virt-daemon-notify-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let managers = [
            (path.as_os_str(), UnixDatagram::bind(&path).unwrap()),
            (OsStr::new(&name), UnixDatagram::bind_addr(&abstract_name).unwrap()),
        ];
        for (name, manager) in managers {
            let notify = Notify::to(Some(name));
            notify.ready("it runs");
            notify.reloading();
            notify.stopping("enough");
            let received = |begin: &str| {
                let mut buffer = [0; 256];
                let length = manager.recv(&mut buffer).unwrap();
                let text = std::str::from_utf8(&buffer[..length]).unwrap();
                assert!(text.starts_with(begin), "{text}");
            };
            received("READY=1\nSTATUS=it runs");
            received("RELOADING=1\nMONOTONIC_USEC=");
            received("STOPPING=1\nSTATUS=enough");
        }
        Notify::to(None).ready("nobody listens");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
