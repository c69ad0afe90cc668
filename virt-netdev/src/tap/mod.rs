//! Taps: network devices whose other end is a file descriptor.

mod ioctl;
mod template;

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use virt_netlink::link::{self as request, Change};
use virt_types::MacAddr;

pub use template::{InvalidTemplate, NameTemplate};

use crate::link::{get, get_kind};
use crate::readback::{Readback, check_unicast};
use crate::{Error, InterfaceName, Link, Result, Socket};
use ioctl::Flags;

/// Most queues of one tap (`MAX_TAP_QUEUES` in `drivers/net/tun.c`).
pub const MAX_QUEUES: u16 = 256;

/// A tap to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its name, or a template that the kernel completes with the first free number.
    pub name: NameTemplate,
    /// How many queues, each with a descriptor of its own; 1 to [`MAX_QUEUES`].
    pub queues: u16,
    /// Frames carry a header for checksum and segmentation offload (`IFF_VNET_HDR`), as virtio-net wants it.
    pub vnet_hdr: bool,
    /// The hardware address of the host's end, see [`host_side_mac`].
    pub mac: Option<MacAddr>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// The bridge that it joins.
    pub master: Option<InterfaceName>,
    /// Switches it on at once.
    pub up: bool,
}

impl Tap {
    /// A tap with one queue and the kernel's defaults, switched off, in no bridge.
    #[must_use]
    pub fn new(name: NameTemplate) -> Self {
        Self { name, queues: 1, vnet_hdr: false, mac: None, mtu: None, master: None, up: false }
    }

    fn flags(&self) -> Flags {
        let mut flags = Flags::TAP | Flags::NO_PI;
        flags.set(Flags::VNET_HDR, self.vnet_hdr);
        flags.set(Flags::MULTI_QUEUE, self.queues > 1);
        flags
    }
}

/// A tap that was created. It is gone when the last of its queues is closed.
#[derive(Debug)]
pub struct OpenTap {
    /// The device, as it was read back.
    pub link: Link,
    /// One descriptor for each queue.
    pub queues: Vec<OwnedFd>,
}

/// The address for the host's end of a tap, made from the guest's: high enough that no bridge takes it for its own,
/// and never the guest's, so that the bridge does not take the guest's frames for the host's.
///
/// ```
/// use virt_netdev::tap::host_side_mac;
///
/// assert_eq!(host_side_mac("52:54:00:12:34:56".parse()?).to_string(), "fe:54:00:12:34:56");
/// assert_eq!(host_side_mac("fe:54:00:12:34:56".parse()?).to_string(), "fa:54:00:12:34:56");
/// # Ok::<(), virt_types::Error>(())
/// ```
#[must_use]
pub fn host_side_mac(guest: MacAddr) -> MacAddr {
    let MacAddr(mut bytes) = guest;
    bytes[0] = if bytes[0] == 0xfe { 0xfa } else { 0xfe };
    MacAddr(bytes)
}

/// Creates a tap and gives its queues, close-on-exec.
///
/// Address, MTU, bridge and state are set by one message, then read back. The tap is made in the network namespace
/// of the calling thread, which must be the socket's. An existing device is never taken over.
///
/// # Errors
///
/// [`Error::TunDevice`] without `/dev/net/tun`, [`Error::Tap`] when the kernel refuses to make it: `EPERM` without
/// `CAP_NET_ADMIN`, `EBUSY` for a name that is taken. [`Error::WrongKind`] when `master` is no bridge,
/// [`Error::Netlink`] when the settings are refused. The tap is gone then.
pub fn open(socket: &mut Socket, tap: &Tap) -> Result<OpenTap> {
    check_unicast(tap.mac)?;
    if !(1..=MAX_QUEUES).contains(&tap.queues) {
        return Err(Error::Queues(tap.queues));
    }
    let master = tap.master.as_ref().map(|bridge| get_kind(socket, bridge, "bridge")).transpose()?;
    let master = master.map(|bridge| bridge.index);

    let (name, queues) = open_queues(tap)?;
    let index = get_kind(socket, &name, "tun")?.index;
    let change = Change {
        up: tap.up.then_some(true),
        mtu: tap.mtu,
        mac: tap.mac.map(|mac| mac.0),
        master,
        ..Change::default()
    };
    if !change.is_empty() {
        request::change(socket, index.into(), &change)?;
    }
    let link = get(socket, &name)?;
    Readback::of("tap", &name).common(&link, tap.mac, tap.mtu, tap.up, master)?;
    Ok(OpenTap { link, queues })
}

/// Opens the queues of a new tap; the first makes it and fixes its name.
fn open_queues(tap: &Tap) -> Result<(InterfaceName, Vec<OwnedFd>)> {
    let flags = tap.flags();
    let failed = |step, name: &str| {
        let name = name.to_owned();
        move |errno: rustix::io::Errno| Error::Tap { step, name, source: errno.into() }
    };

    let first = open_device()?;
    let name = ioctl::attach(&first, tap.name.as_str(), flags | Flags::EXCLUSIVE)
        .map_err(failed("create", tap.name.as_str()))?;
    let name = InterfaceName::try_from(name)?;
    let mut queues = vec![first];
    for _ in 1..tap.queues {
        let queue = open_device()?;
        ioctl::attach(&queue, name.as_str(), flags).map_err(failed("add a queue to", name.as_str()))?;
        queues.push(queue);
    }
    let applied = ioctl::flags(&queues[0]).map_err(failed("read the flags of", name.as_str()))?;
    Readback::of("tap", &name)
        .same("the flags", Some(flags), &(applied & Flags::REQUESTED), |flags| format!("{flags:?}"))?;
    Ok((name, queues))
}

fn open_device() -> Result<OwnedFd> {
    rustix::fs::open("/dev/net/tun", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())
        .map_err(|errno| Error::TunDevice(errno.into()))
}
