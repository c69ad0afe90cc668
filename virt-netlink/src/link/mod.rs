//! Network links: creating, reading, changing and deleting them.

pub mod bridge;
mod change;
pub mod dummy;
pub mod ifb;
pub mod macvlan;
pub mod port;
mod state;
pub mod veth;
pub mod vf;
pub mod vlan;
pub mod vlan_filter;
pub mod vxlan;

use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};

use crate::{Error, InterfaceName, Request, Result, Socket};

pub use change::{Change, change, change_request, rename};
pub use netlink_packet_route::link::Stats64 as Statistics;
pub use state::{Details, Link, OperState, VlanState, VxlanState};

/// A hardware address, in the order in which it is written.
pub type HardwareAddress = [u8; 6];

/// Which link is meant.
///
/// An index stays with its link until the link is gone; a name can be taken over by another link between two
/// requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRef<'a> {
    /// The link of this index.
    Index(u32),
    /// The link of this name.
    Name(&'a InterfaceName),
    /// The link of this index, which errors call by the name that it had.
    Named(u32, &'a InterfaceName),
}

impl From<u32> for LinkRef<'_> {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl<'a> From<&'a InterfaceName> for LinkRef<'a> {
    fn from(name: &'a InterfaceName) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<(u32, &'a InterfaceName)> for LinkRef<'a> {
    fn from((index, name): (u32, &'a InterfaceName)) -> Self {
        Self::Named(index, name)
    }
}

impl fmt::Display for LinkRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The alternate form is for a sentence that says the kind itself.
        let kind = if f.alternate() { "" } else { "link " };
        match self {
            Self::Index(index) => write!(f, "{kind}number {index}"),
            Self::Name(name) | Self::Named(_, name) => write!(f, "{kind}'{name}'"),
        }
    }
}

impl LinkRef<'_> {
    fn message(self) -> LinkMessage {
        let mut message = LinkMessage::default();
        match self {
            Self::Index(index) | Self::Named(index, _) => message.header.index = index,
            Self::Name(name) => message.attributes.push(LinkAttribute::IfName(name.to_string())),
        }
        message
    }
}

/// Reads one link.
///
/// # Errors
///
/// [`Error::Refused`] with `ENODEV` when there is none; see also [`find`].
pub fn get(socket: &mut Socket, link: LinkRef<'_>) -> Result<Link> {
    let mut message = link.message();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    match socket.get(RouteNetlinkMessage::GetLink(message), format_args!("look up {link}"))? {
        RouteNetlinkMessage::NewLink(message) => Ok(Link::from(message)),
        _ => Err(Error::Empty { operation: format!("look up {link}") }),
    }
}

/// Reads one link, `None` if there is none.
///
/// # Errors
///
/// As [`get`], but for `ENODEV`.
pub fn find(socket: &mut Socket, link: LinkRef<'_>) -> Result<Option<Link>> {
    match get(socket, link) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_no_device() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What went through a link.
///
/// # Errors
///
/// As [`get`].
pub fn statistics(socket: &mut Socket, link: LinkRef<'_>) -> Result<Statistics> {
    let operation = format_args!("read the statistics of {link}");
    let statistics = match socket.get(RouteNetlinkMessage::GetLink(link.message()), operation)? {
        RouteNetlinkMessage::NewLink(message) => {
            message.attributes.into_iter().find_map(|attribute| match attribute {
                LinkAttribute::Stats64(statistics) => Some(statistics),
                _ => None,
            })
        }
        _ => None,
    };
    statistics.ok_or_else(|| Error::Empty { operation: operation.to_string() })
}

/// Reads all links of the namespace.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Vec<Link>> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let entries = socket.dump(&RouteNetlinkMessage::GetLink(message), format_args!("list links"))?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewLink(message) => Some(Link::from(message)),
            _ => None,
        })
        .collect())
}

/// Deletes a link.
///
/// # Errors
///
/// [`Error::Refused`], with `EOPNOTSUPP` for a link that can not be deleted, such as hardware or `lo`.
pub fn delete(socket: &mut Socket, link: LinkRef<'_>) -> Result<()> {
    socket
        .request(RouteNetlinkMessage::DelLink(link.message()), 0, format_args!("delete {link}"))
        .map_err(|error| error.explain(not_deletable))
}

/// Deletes all links of a group at once: the kernel waits for their users together, not one after the other.
///
/// The kernel deletes all or none: it first checks that each can be deleted.
///
/// # Errors
///
/// [`Error::Refused`], with `ENODEV` for a group without links, `EOPNOTSUPP` when one can not be deleted.
pub fn delete_group(socket: &mut Socket, group: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::Group(group));
    socket
        .request(RouteNetlinkMessage::DelLink(message), 0, format_args!("delete the links of group {group}"))
        .map_err(|error| error.explain(not_deletable))
}

fn not_deletable(errno: rustix::io::Errno) -> Option<String> {
    (errno == rustix::io::Errno::OPNOTSUPP)
        .then(|| "it can not be deleted by a request, as is so with hardware and loopback".to_owned())
}

/// A network namespace that a link is created in or moved to.
#[derive(Clone, Copy, Debug)]
pub enum Namespace<'a> {
    /// That of an open file such as `/proc/PID/ns/net` or `/run/netns/NAME`.
    File(BorrowedFd<'a>),
    /// That of a process.
    Process(u32),
}

impl Namespace<'_> {
    fn attribute(self) -> LinkAttribute {
        match self {
            Self::File(file) => LinkAttribute::NetNsFd(file.as_raw_fd()),
            Self::Process(pid) => LinkAttribute::NetNsPid(pid),
        }
    }
}

/// The attributes that every kind of link takes at its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// The hardware address; the kernel makes one up if there is none.
    pub mac: Option<HardwareAddress>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// The index of the bridge (or bond, …) that it is to be a port of.
    pub master: Option<u32>,
    /// Frames that wait to be sent.
    pub tx_queue_length: Option<u32>,
    /// The group, see [`delete_group`].
    pub group: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
}

/// A message that creates a link of a kind, without the attributes of that kind alone.
fn new_link(name: &InterfaceName, kind: InfoKind, data: Option<InfoData>, common: Common) -> LinkMessage {
    let mut message = LinkMessage::default();
    if common.up {
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = LinkFlags::Up;
    }
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(name.to_string()));
    attributes.extend(common.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
    attributes.extend(common.mtu.map(LinkAttribute::Mtu));
    attributes.extend(common.master.map(LinkAttribute::Controller));
    attributes.extend(common.tx_queue_length.map(LinkAttribute::TxQueueLen));
    attributes.extend(common.group.map(LinkAttribute::Group));
    let info = [Some(LinkInfo::Kind(kind)), data.map(LinkInfo::Data)];
    attributes.push(LinkAttribute::LinkInfo(info.into_iter().flatten().collect()));
    message
}

/// The request for a new link, never for a change of one that exists.
fn creation(message: LinkMessage, operation: String) -> Request {
    let flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO;
    Request { message: RouteNetlinkMessage::NewLink(message), flags, operation }
}

/// Asks for a new link, never for a change of one that exists. Gives what the kernel told of it at once, which it does
/// since Linux 6.2; that is before the link joins its bridge.
fn create(socket: &mut Socket, message: LinkMessage, operation: fmt::Arguments<'_>) -> Result<Option<Link>> {
    let Request { message, flags, .. } = creation(message, String::new());
    Ok(socket.request_told(message, flags, operation)?.and_then(told))
}

/// The link that the kernel told of.
fn told(message: RouteNetlinkMessage) -> Option<Link> {
    match message {
        RouteNetlinkMessage::NewLink(message) => Some(message.into()),
        _ => None,
    }
}

/// Asks for a change of what only links of a kind, or ports of a kind, have: `RTM_SETLINK` would not look at it.
fn modify(socket: &mut Socket, message: LinkMessage, operation: fmt::Arguments<'_>) -> Result<()> {
    socket.request(RouteNetlinkMessage::NewLink(message), 0, operation)
}
