//! Macvtaps with their character devices open: a guest's interface directly on a device of the host's.

use std::fs::read_to_string;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FileType, Mode as FileMode, OFlags, fstat, makedev, mknodat, open, unlink};
use rustix::io::Errno;

use crate::link::{get_kind, undo_creation};
pub use crate::macvlan::{Kind, Macvlan, Mode};
use crate::tap::MAX_QUEUES;
use crate::tap::ioctl::{self, Flags};
use crate::{Error, InterfaceName, Link, Result, Socket, macvlan};

/// A macvtap that was created, or opened once more.
#[derive(Debug)]
pub struct OpenMacvtap {
    /// The device, as it was read back.
    pub link: Link,
    /// One descriptor for each queue.
    pub queues: Vec<OwnedFd>,
}

/// Creates a macvtap, reads it back, and opens its queues, close-on-exec. It does not go when they are closed: it is
/// [deleted](crate::dellink::one).
///
/// `vnet_hdr` puts a header for checksum and segmentation offload before each frame, as virtio-net wants it.
///
/// # Errors
///
/// What [`macvlan::create`] and [`open_queues`] answer; the device is gone then.
pub fn create(socket: &mut Socket, macvtap: &Macvlan, queues: u16, vnet_hdr: bool) -> Result<OpenMacvtap> {
    check_queues(queues)?;
    let asked = Macvlan { kind: Kind::Macvtap, ..macvtap.clone() };
    let link = macvlan::create(socket, &asked)?;
    match open_device(&link, &asked.name, queues, vnet_hdr) {
        Ok(queues) => Ok(OpenMacvtap { link, queues }),
        Err(error) => {
            let undo = undo_creation(socket, &asked.name);
            Err(error.after_undo(undo))
        }
    }
}

/// Opens the queues of a macvtap that exists.
///
/// # Errors
///
/// [`Error::Netlink`] when there is none, [`Error::WrongKind`] for another kind of device, [`Error::File`] when its
/// character device can not be opened, [`Error::Tap`] when the queues can not be set up.
pub fn open_queues(
    socket: &mut Socket,
    name: &InterfaceName,
    queues: u16,
    vnet_hdr: bool,
) -> Result<OpenMacvtap> {
    check_queues(queues)?;
    let link = get_kind(socket, name, "macvtap")?;
    let queues = open_device(&link, name, queues, vnet_hdr)?;
    Ok(OpenMacvtap { link, queues })
}

fn check_queues(queues: u16) -> Result<()> {
    if (1..=MAX_QUEUES).contains(&queues) { Ok(()) } else { Err(Error::Queues(queues)) }
}

fn open_device(link: &Link, name: &InterfaceName, queues: u16, vnet_hdr: bool) -> Result<Vec<OwnedFd>> {
    let number = device_number(name, link.index)?;
    let mut wanted = Flags::TAP | Flags::NO_PI;
    wanted.set(Flags::VNET_HDR, vnet_hdr);
    wanted.set(Flags::MULTI_QUEUE, queues > 1);
    let failed = |step| {
        let name = name.to_string();
        move |errno: Errno| Error::Tap { step, name, source: errno.into() }
    };
    let mut opened = Vec::new();
    for _ in 0..queues {
        let queue = open_node(link.index, number)?;
        ioctl::attach(&queue, name.as_str(), wanted).map_err(failed("set up a queue of"))?;
        let found = ioctl::flags(&queue).map_err(failed("read the flags of"))?;
        if found & Flags::REQUESTED != wanted {
            return Err(Error::NotApplied {
                device: format!("macvtap '{name}'"),
                property: "the flags",
                wanted: format!("{wanted:?}"),
                found: format!("{found:?}"),
            });
        }
        opened.push(queue);
    }
    Ok(opened)
}

/// The number of the character device, from sysfs: nothing else tells it.
fn device_number(name: &InterfaceName, index: u32) -> Result<u64> {
    let path = PathBuf::from(format!("/sys/class/net/{name}/macvtap/tap{index}/dev"));
    let text = read_to_string(&path).map_err(|source| Error::File { path: path.clone(), source })?;
    parse_number(&text).ok_or_else(|| Error::File { path, source: std::io::ErrorKind::InvalidData.into() })
}

fn parse_number(text: &str) -> Option<u64> {
    let (major, minor) = text.trim().split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

/// Opens the node of a number. That of the usual name can be missing (no udev, a container) or be another's: devices of
/// two network namespaces can have the same index. Then it is opened by a node that only we have.
fn open_node(index: u32, number: u64) -> Result<OwnedFd> {
    let path = PathBuf::from(format!("/dev/tap{index}"));
    match open_checked(&path, number) {
        Ok(Some(opened)) => return Ok(opened),
        Ok(None) | Err(Errno::NOENT | Errno::NXIO | Errno::NODEV) => {}
        Err(errno) => return Err(Error::File { path, source: errno.into() }),
    }
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let own = PathBuf::from(format!("/dev/.virt-tap-{}-{count}", std::process::id()));
    let failed = |errno: Errno| Error::File { path: own.clone(), source: errno.into() };
    let mode = FileMode::RUSR | FileMode::WUSR;
    mknodat(rustix::fs::CWD, &own, FileType::CharacterDevice, mode, number).map_err(failed)?;
    let opened = open_checked(&own, number);
    // Nobody else knows the name.
    let removed = unlink(&own);
    match opened.map_err(failed)? {
        Some(opened) => removed.map(|()| opened).map_err(failed),
        None => Err(failed(Errno::NXIO)),
    }
}

/// Opens a node if it has this number.
fn open_checked(path: &Path, number: u64) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = open(path, flags, FileMode::empty())?;
    Ok((fstat(&opened)?.st_rdev == number).then_some(opened))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_compared() {
        assert_eq!(parse_number("246:1\n"), Some(makedev(246, 1)));
        for wrong in ["", "246", "246:", "a:1", "246:-1"] {
            assert_eq!(parse_number(wrong), None, "{wrong}");
        }
        let null = Path::new("/dev/null");
        assert!(open_checked(null, makedev(1, 3)).unwrap().is_some());
        assert!(open_checked(null, makedev(1, 5)).unwrap().is_none());
        assert_eq!(open_checked(Path::new("/dev/virt-no-such"), 0).unwrap_err(), Errno::NOENT);
    }
}
