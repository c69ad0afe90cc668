//! Taps: network devices whose other end is a file descriptor.

pub(crate) mod ioctl;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use virt_netlink::link::{self as request, Change};
use virt_types::MacAddr;

pub use template::{InvalidTemplate, NameTemplate};

use crate::link::{get_kind, list};
use crate::namespace::in_namespace_of;
use crate::readback::{Readback, check_unicast};
use crate::{Error, InterfaceName, Link, Result, Socket};
use ioctl::{Flags, Setting};

/// Most queues of one tap (`MAX_TAP_QUEUES` in `drivers/net/tun.c`).
pub const MAX_QUEUES: u16 = 256;

bitflags::bitflags! {
    /// What the reader of a tap's frames does itself (`TUN_F_*`): the kernel need not do it before it hands them over.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Offloads: u32 {
        /// Checksums.
        const CHECKSUM = 0x01;
        /// Cutting of TCP streams over IPv4.
        const TSO4 = 0x02;
        /// Cutting of TCP streams over IPv6.
        const TSO6 = 0x04;
        /// Cutting of TCP streams with congestion notification.
        const TSO_ECN = 0x08;
        /// Cutting of UDP datagrams into fragments.
        const UFO = 0x10;
        /// Cutting of UDP streams over IPv4.
        const USO4 = 0x20;
        /// Cutting of UDP streams over IPv6.
        const USO6 = 0x40;
    }
}

/// A tap to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its name, or a template that the kernel completes with the first free number.
    pub name: NameTemplate,
    /// How many queues, each with a descriptor of its own; 1 to [`MAX_QUEUES`].
    pub queues: u16,
    /// Frames carry a header for checksum and segmentation offload (`IFF_VNET_HDR`), as virtio-net wants it.
    pub vnet_hdr: bool,
    /// The bytes of that header: 10, or 12 with a count of merged buffers. Who reads the frames can change it.
    pub vnet_hdr_size: Option<u8>,
    /// What the reader of frames does itself. It can change it.
    pub offloads: Option<Offloads>,
    /// The user who may attach to it without privileges.
    pub owner: Option<u32>,
    /// The group whose members may attach to it without privileges.
    pub group: Option<u32>,
    /// It stays when the last of its queues is closed, until it is [deleted](crate::dellink::one).
    pub persistent: bool,
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
        Self {
            name,
            queues: 1,
            vnet_hdr: false,
            vnet_hdr_size: None,
            offloads: None,
            owner: None,
            group: None,
            persistent: false,
            mac: None,
            mtu: None,
            master: None,
            up: false,
        }
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
/// Address, MTU, bridge and state are set by one message, then read back. The tap is made in the network namespace of
/// the socket. An existing device is never taken over.
///
/// # Errors
///
/// [`Error::TunDevice`] without `/dev/net/tun`, [`Error::Tap`] when the kernel refuses to make it: `EPERM` without
/// `CAP_NET_ADMIN`, `EBUSY` for a name that is taken. [`Error::WrongKind`] when `master` is no bridge,
/// [`Error::Netlink`] when the settings are refused. The tap is gone then.
pub fn open(socket: &mut Socket, tap: &Tap) -> Result<OpenTap> {
    tap.check()?;
    let master = tap.master.as_ref().map(|bridge| get_kind(socket, bridge, "bridge")).transpose()?;
    let master = master.map(|bridge| bridge.index);

    let (name, queues) = in_namespace_of(socket, || open_queues(tap))?;
    let change = tap.change(master);
    // The queue holds the device, so that its name is no other's.
    if !change.is_empty() {
        request::change(socket, (&name).into(), &change)?;
    }
    let link = get_kind(socket, &name, "tun")?;
    tap.finish(&name, link, queues, master)
}

/// Creates several taps as [`open`] does: their settings go to the kernel by few system calls, and all are read back at once.
///
/// # Errors
///
/// As [`open`], for the first that failed; none is left then.
pub fn open_many(socket: &mut Socket, taps: &[Tap]) -> Result<Vec<OpenTap>> {
    let mut masters = BTreeMap::new();
    for tap in taps {
        tap.check()?;
        if let Some(bridge) = tap.master.as_ref().filter(|bridge| !masters.contains_key(*bridge)) {
            masters.insert(bridge, get_kind(socket, bridge, "bridge")?.index);
        }
    }
    let master = |tap: &Tap| tap.master.as_ref().and_then(|bridge| masters.get(bridge).copied());
    let opened = in_namespace_of(socket, || {
        taps.iter().map(open_queues).collect::<Result<Vec<(InterfaceName, _)>>>()
    })?;
    let mut requests = Vec::new();
    for (tap, (name, _)) in taps.iter().zip(&opened) {
        let change = tap.change(master(tap));
        if !change.is_empty() {
            requests.push(request::change_request(name.into(), &change, format!("change tap '{name}'")));
        }
    }
    socket.batch(requests)?.into_iter().collect::<virt_netlink::Result<Vec<()>>>()?;
    let mut links: HashMap<_, _> = list(socket)?.into_iter().map(|link| (link.name.clone(), link)).collect();
    let finish = |(tap, (name, queues)): (&Tap, (InterfaceName, Vec<OwnedFd>))| {
        let link = links.remove(name.as_str()).map_or_else(|| get_kind(socket, &name, "tun"), Ok)?;
        tap.finish(&name, link, queues, master(tap))
    };
    taps.iter().zip(opened).map(finish).collect()
}

impl Tap {
    fn check(&self) -> Result<()> {
        check_unicast(self.mac)?;
        if (1..=MAX_QUEUES).contains(&self.queues) { Ok(()) } else { Err(Error::Queues(self.queues)) }
    }

    /// What a message sets of a tap that is there.
    fn change(&self, master: Option<u32>) -> Change<'static> {
        Change {
            up: self.up.then_some(true),
            mtu: self.mtu,
            mac: self.mac.map(|mac| mac.0),
            master,
            ..Change::default()
        }
    }

    /// Compares what came out, and has it stay if it is to.
    fn finish(
        &self,
        name: &InterfaceName,
        link: Link,
        queues: Vec<OwnedFd>,
        master: Option<u32>,
    ) -> Result<OpenTap> {
        Readback::of("tap", name).common(&link, self.mac, self.mtu, self.up, master)?;
        if self.persistent {
            // Last, as until then a failure takes the tap away with its queues.
            ioctl::set(&queues[0], Setting::Persistent, 1)
                .map_err(failed("make persistent", name.as_str()))?;
        }
        Ok(OpenTap { link, queues })
    }
}

/// Attaches to a persistent tap that exists, as its owner may do without privileges, and gives its queues,
/// close-on-exec. Nothing of it is changed.
///
/// # Errors
///
/// [`Error::Netlink`] when there is none, [`Error::WrongKind`] when the device is no tap, [`Error::Tap`] when it has
/// other flags, is in use, or is somebody else's.
pub fn attach(socket: &mut Socket, name: &InterfaceName, queues: u16, vnet_hdr: bool) -> Result<OpenTap> {
    if !(1..=MAX_QUEUES).contains(&queues) {
        return Err(Error::Queues(queues));
    }
    let link = get_kind(socket, name, "tun")?;
    let tap = Tap { queues, vnet_hdr, ..Tap::new(name.clone().into()) };
    let queues = in_namespace_of(socket, || {
        let attach = |_| {
            let queue = open_device()?;
            ioctl::attach(&queue, name.as_str(), tap.flags()).map_err(failed("attach to", name.as_str()))?;
            Ok(queue)
        };
        (0..tap.queues).map(attach).collect::<Result<Vec<_>>>()
    })?;
    Ok(OpenTap { link, queues })
}

fn failed(step: &'static str, name: &str) -> impl FnOnce(rustix::io::Errno) -> Error {
    let name = name.to_owned();
    move |errno| Error::Tap { step, name, source: errno.into() }
}

/// Opens the queues of a new tap; the first makes it and fixes its name.
fn open_queues(tap: &Tap) -> Result<(InterfaceName, Vec<OwnedFd>)> {
    let flags = tap.flags();
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
    for (setting, value) in [(Setting::Owner, tap.owner), (Setting::Group, tap.group)] {
        if let Some(value) = value {
            ioctl::set(&queues[0], setting, value).map_err(failed("give away", name.as_str()))?;
        }
    }
    for queue in &queues {
        if let Some(size) = tap.vnet_hdr_size {
            ioctl::set_header_size(queue, size).map_err(failed("set the header size of", name.as_str()))?;
        }
        if let Some(offloads) = tap.offloads {
            ioctl::set(queue, Setting::Offloads, offloads.bits())
                .map_err(failed("set the offloads of", name.as_str()))?;
        }
    }
    Ok((name, queues))
}

fn open_device() -> Result<OwnedFd> {
    rustix::fs::open("/dev/net/tun", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())
        .map_err(|errno| Error::TunDevice(errno.into()))
}
