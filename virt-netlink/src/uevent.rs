//! The kernel's announcements of devices that come, change and go (`NETLINK_KOBJECT_UEVENT`).

use std::os::fd::{AsFd, BorrowedFd};

use netlink_sys::SocketAddr;
use netlink_sys::protocols::NETLINK_KOBJECT_UEVENT;
use rustix::io::Errno;

use crate::{Error, Result};

/// The group of the kernel's own announcements; udev's are in another.
const KERNEL: u32 = 1;

/// Bytes of one announcement (`UEVENT_BUFFER_SIZE` is 2048).
const LARGEST: usize = 8192;

/// An announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uevent {
    /// `add`, `remove`, `change`, `move`, `online`, `offline`, `bind` or `unbind`.
    pub action: String,
    /// The device's path below `/sys`, such as `/devices/virtual/net/virbr0`.
    pub path: String,
    /// What else is told: `SUBSYSTEM`, `INTERFACE`, `SEQNUM`, …
    pub values: Vec<(String, String)>,
}

impl Uevent {
    /// Reads an announcement; `None` if it is none.
    ///
    /// ```
    /// use virt_netlink::uevent::Uevent;
    ///
    /// let bytes = b"add@/devices/virtual/net/br0\0ACTION=add\0SUBSYSTEM=net\0INTERFACE=br0\0";
    /// let event = Uevent::parse(bytes).unwrap();
    /// assert_eq!((event.action.as_str(), event.value("INTERFACE")), ("add", Some("br0")));
    /// ```
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let first = lines.next()?;
        let (action, path) = first.split_once('@')?;
        if action.is_empty() || !path.starts_with('/') {
            return None;
        }
        let values = lines
            .filter_map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        Some(Self { action: action.to_owned(), path: path.to_owned(), values: values.collect() })
    }

    /// The value of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A subscription to the kernel's announcements. Those of network devices come only to sockets of the device's network
/// namespace. Its descriptor becomes readable when there is something to [receive](Self::receive).
#[derive(Debug)]
pub struct UeventListener {
    socket: netlink_sys::Socket,
    buffer: Vec<u8>,
}

/// What a [`UeventListener`] heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// An announcement.
    Event(Uevent),
    /// Some were lost, as more came than the socket holds.
    Lost,
}

impl UeventListener {
    /// Subscribes in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] when the system has no descriptor left.
    pub fn open() -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let mut socket = netlink_sys::Socket::new(NETLINK_KOBJECT_UEVENT).map_err(failed("open"))?;
        socket.bind(&SocketAddr::new(0, KERNEL)).map_err(failed("bind"))?;
        socket.set_non_blocking(true).map_err(failed("set up"))?;
        Ok(Self { socket, buffer: vec![0; LARGEST] })
    }

    /// The next announcement, without waiting; `None` if there is none. What others than the kernel sent is passed by.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the socket breaks.
    pub fn receive(&mut self) -> Result<Option<Heard>> {
        loop {
            let (length, sender) = match self.socket.recv_from(&mut &mut self.buffer[..], 0) {
                Ok(received) => received,
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => return Ok(None),
                    Some(Errno::INTR) => continue,
                    Some(Errno::NOBUFS) => return Ok(Some(Heard::Lost)),
                    _ => {
                        let operation = "listen to the kernel's announcements".to_owned();
                        return Err(Error::Transport { operation, step: "receive", source: error });
                    }
                },
            };
            let event = self.buffer.get(..length).and_then(Uevent::parse);
            if let (0, Some(event)) = (sender.port_number(), event) {
                return Ok(Some(Heard::Event(event)));
            }
        }
    }
}

impl AsFd for UeventListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_announcement_is_none() {
        // Udev's own messages begin with a word of theirs.
        for bytes in [&b""[..], b"libudev\0", b"@/devices/x\0", b"add@\0", b"add@devices\0", b"\0\0"] {
            assert_eq!(Uevent::parse(bytes), None, "{bytes:?}");
        }
        let event = Uevent::parse(b"remove@/devices/x\0A=1=2\0broken\0B=").unwrap();
        assert_eq!((event.value("A"), event.value("B"), event.value("C")), (Some("1=2"), Some(""), None));
    }

    #[test]
    fn a_quiet_system_is_not_waited_for() {
        let mut listener = UeventListener::open().unwrap();
        // Devices may come while the test runs; only that it returns.
        listener.receive().unwrap();
    }
}
