//! The kernel's events of devices (`lib/kobject_uevent.c`).

use std::io;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use virt_sys::Readable;

/// The group of events as the kernel sends them; udev's own are in another one.
const KERNEL: u32 = 1;

/// No event is longer (`UEVENT_BUFFER_SIZE`, and its first line).
const LONGEST: usize = 8 << 10;

/// Events from now on.
#[derive(Debug)]
pub(crate) struct Uevents(Readable);

impl Uevents {
    pub(crate) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::KOBJECT_UEVENT);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        bind(&socket, &SocketAddrNetlink::new(0, KERNEL))?;
        Readable::new(socket).map(Self)
    }

    /// Waits until something has happened to a device that may matter. Everything that has been told of until then is taken
    /// together; that some of it was lost counts as well.
    pub(crate) async fn changed(&self) -> io::Result<()> {
        loop {
            self.0.readable().await?;
            let mut matters = false;
            let mut buffer = [0; LONGEST];
            loop {
                match recv(&self.0, &mut buffer, RecvFlags::empty()) {
                    Ok((_, length)) => matters |= is_of_interest(&buffer[..length.min(LONGEST)]),
                    Err(Errno::AGAIN) => break,
                    // More happened than the socket holds.
                    Err(Errno::NOBUFS) => matters = true,
                    Err(errno) => return Err(errno.into()),
                }
            }
            if matters {
                return Ok(());
            }
        }
    }
}

/// Parts of an event end with a zero each. Most are of things that are no devices of ours.
fn is_of_interest(event: &[u8]) -> bool {
    const SUBSYSTEMS: [&[u8]; 8] = [b"pci", b"usb", b"scsi", b"mdev", b"vdpa", b"net", b"block", b"drm"];
    let mut parts = event.split(|byte| *byte == 0);
    let subsystem = parts.find_map(|part| part.strip_prefix(b"SUBSYSTEM="));
    subsystem.is_some_and(|name| SUBSYSTEMS.contains(&name) || name == b"scsi_generic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_other_things_do_not_matter() {
        for (event, expected) in [
            (&b"add@/devices/virtual/net/a\0ACTION=add\0SUBSYSTEM=net\0IFINDEX=5\0"[..], true),
            (b"change@/devices/x\0SUBSYSTEM=thermal\0", false),
            (b"add@/x\0SUBSYSTEM=queues\0", false),
            (b"", false),
        ] {
            assert_eq!(is_of_interest(event), expected);
        }
    }
}
