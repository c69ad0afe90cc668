//! Network links: creating, reading, changing and deleting them.

pub mod bridge;
pub mod macvlan;
mod state;

use std::fmt;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};

use crate::{Error, InterfaceName, Result, Socket};

pub use state::{BridgeState, Details, Link};

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

impl fmt::Display for LinkRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "link number {index}"),
            Self::Name(name) => write!(f, "link '{name}'"),
        }
    }
}

impl LinkRef<'_> {
    fn message(self) -> LinkMessage {
        let mut message = LinkMessage::default();
        match self {
            Self::Index(index) => message.header.index = index,
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

/// Changes to a link; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Switches the link on or off.
    pub up: Option<bool>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// The hardware address.
    pub mac: Option<HardwareAddress>,
    /// The index of the bridge (or bond, …) that the link is to be a port of; 0 takes it out.
    pub master: Option<u32>,
    /// The group, see [`delete_group`].
    pub group: Option<u32>,
}

/// Changes a link by one message.
///
/// # Errors
///
/// [`Error::Refused`]. The kernel makes the changes one by one and stops at the first that fails, so that some may
/// have been made.
pub fn change(socket: &mut Socket, link: LinkRef<'_>, change: &Change) -> Result<()> {
    let mut message = link.message();
    if let Some(up) = change.up {
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    }
    let attributes = &mut message.attributes;
    attributes.extend(change.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
    attributes.extend(change.mtu.map(LinkAttribute::Mtu));
    attributes.extend(change.master.map(LinkAttribute::Controller));
    attributes.extend(change.group.map(LinkAttribute::Group));
    socket.request(RouteNetlinkMessage::SetLink(message), 0, format_args!("change {link}"))
}

/// Gives a link another name. The link is given by its index, as a name in the message would select it.
///
/// # Errors
///
/// [`Error::Refused`], with `EBUSY` for a link that is up in kernels before 6.2.
pub fn rename(socket: &mut Socket, index: u32, name: &InterfaceName) -> Result<()> {
    let mut message = LinkRef::Index(index).message();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    socket.request(
        RouteNetlinkMessage::SetLink(message),
        0,
        format_args!("rename link number {index} to '{name}'"),
    )
}

/// The attributes that every kind of link takes at its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Common {
    mac: Option<HardwareAddress>,
    mtu: Option<u32>,
    group: Option<u32>,
    up: bool,
}

/// A message that creates a link of a kind, without the attributes of that kind alone.
fn new_link(name: &InterfaceName, kind: InfoKind, data: InfoData, common: Common) -> LinkMessage {
    let mut message = LinkMessage::default();
    if common.up {
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = LinkFlags::Up;
    }
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(name.to_string()));
    attributes.extend(common.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
    attributes.extend(common.mtu.map(LinkAttribute::Mtu));
    attributes.extend(common.group.map(LinkAttribute::Group));
    attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    message
}

/// Asks for a new link, never for a change of one that exists.
fn create(socket: &mut Socket, message: LinkMessage, operation: fmt::Arguments<'_>) -> Result<()> {
    socket.request(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL, operation)
}
