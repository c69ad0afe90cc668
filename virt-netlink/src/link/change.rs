//! Changing what every link has.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags};
use rustix::io::Errno;

use super::{HardwareAddress, LinkRef, Namespace};
use crate::{InterfaceName, Request, Result, Socket};

/// Changes to a link; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change<'a> {
    /// Switches the link on or off.
    pub up: Option<bool>,
    /// Hears every frame that passes (`IFF_PROMISC`), beside what packet sockets and bridges ask for.
    pub promiscuous: Option<bool>,
    /// Hears every multicast frame (`IFF_ALLMULTI`).
    pub all_multicast: Option<bool>,
    /// Uses ARP (the opposite of `IFF_NOARP`).
    pub arp: Option<bool>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// The hardware address.
    pub mac: Option<HardwareAddress>,
    /// The index of the bridge (or bond, …) that the link is to be a port of; 0 takes it out.
    pub master: Option<u32>,
    /// The group, see [`delete_group`](super::delete_group).
    pub group: Option<u32>,
    /// Frames that wait to be sent.
    pub tx_queue_length: Option<u32>,
    /// A text for people, at most 255 bytes; empty takes it away.
    pub alias: Option<&'a str>,
    /// Moves the link to another network namespace, where it is off and has no addresses.
    pub namespace: Option<Namespace<'a>>,
}

impl Change<'_> {
    /// True if there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            up,
            promiscuous,
            all_multicast,
            arp,
            mtu,
            mac,
            master,
            group,
            tx_queue_length,
            alias,
            namespace,
        } = self;
        let flags = [up, promiscuous, all_multicast, arp];
        let numbers = [mtu, master, group, tx_queue_length];
        flags.iter().all(|flag| flag.is_none())
            && numbers.iter().all(|number| number.is_none())
            && mac.is_none()
            && alias.is_none()
            && namespace.is_none()
    }
}

/// Changes a link by one message.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused). The kernel makes the changes one by one and stops at the first that
/// fails, so that some may have been made.
pub fn change(socket: &mut Socket, link: LinkRef<'_>, change: &Change<'_>) -> Result<()> {
    let Request { message, flags, operation } = change_request(link, change, format!("change {link}"));
    let master = change.master.unwrap_or(0);
    socket.request(message, flags, format_args!("{operation}")).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::INVAL if change.namespace.is_some() => {
                Some("it can not leave its network namespace, or there is no such process or file".to_owned())
            }
            Errno::BUSY if master != 0 => {
                Some(format!("it is in use in a way that excludes being a port of link number {master}"))
            }
            Errno::OPNOTSUPP if master != 0 => Some(format!("link number {master} takes no such ports")),
            _ => None,
        })
    })
}

/// The request that [`change()`] sends, for a [`Socket::batch`].
#[must_use]
pub fn change_request(link: LinkRef<'_>, change: &Change<'_>, operation: String) -> Request {
    let mut message = link.message();
    for (wanted, flag) in [
        (change.up, LinkFlags::Up),
        (change.promiscuous, LinkFlags::Promisc),
        (change.all_multicast, LinkFlags::Allmulti),
        (change.arp.map(|arp| !arp), LinkFlags::Noarp),
    ] {
        if let Some(on) = wanted {
            message.header.change_mask |= flag;
            message.header.flags.set(flag, on);
        }
    }
    let attributes = &mut message.attributes;
    attributes.extend(change.namespace.map(Namespace::attribute));
    attributes.extend(change.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
    attributes.extend(change.mtu.map(LinkAttribute::Mtu));
    attributes.extend(change.master.map(LinkAttribute::Controller));
    attributes.extend(change.group.map(LinkAttribute::Group));
    attributes.extend(change.tx_queue_length.map(LinkAttribute::TxQueueLen));
    attributes.extend(change.alias.map(|alias| LinkAttribute::IfAlias(alias.to_owned())));
    Request { message: RouteNetlinkMessage::SetLink(message), flags: 0, operation }
}

/// Gives a link another name. A link that is given by its name is looked up first: in the message, the name is the new one.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `EBUSY` for a link that is up in kernels before 6.2.
pub fn rename(socket: &mut Socket, link: LinkRef<'_>, name: &InterfaceName) -> Result<()> {
    let index = match link {
        LinkRef::Index(index) | LinkRef::Named(index, _) => index,
        LinkRef::Name(_) => super::get(socket, link)?.index,
    };
    let mut message = LinkRef::Index(index).message();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    socket.request(RouteNetlinkMessage::SetLink(message), 0, format_args!("rename {link} to '{name}'"))
}
