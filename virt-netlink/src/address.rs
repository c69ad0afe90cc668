//! IP addresses of links.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;

use crate::{Request, Result, Socket};

/// A lifetime that does not end.
pub const FOREVER: u32 = u32::MAX;

/// An address to add to a link, or to delete from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddress<'a> {
    /// The link's index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Bits of the network that is reached by the link.
    pub prefix_length: u8,
    /// The address of the other end, if only that is reached by the link.
    pub peer: Option<IpAddr>,
    /// Where to reach all of the network; only IPv4. See [`broadcast`].
    pub broadcast: Option<Ipv4Addr>,
    /// Usable at once, without asking whether somebody else has it; only IPv6.
    pub no_dad: bool,
    /// The network gets no route.
    pub no_prefix_route: bool,
    /// A name in the style of `eth0:1` for old tools; only IPv4.
    pub label: Option<&'a str>,
    /// Seconds during which it is used for new connections, [`FOREVER`] if none is given.
    pub preferred_lifetime: Option<u32>,
    /// Seconds after which it is deleted, [`FOREVER`] if none is given.
    pub valid_lifetime: Option<u32>,
}

impl NewAddress<'_> {
    /// An address with what follows from it, the broadcast address included.
    #[must_use]
    pub fn new(index: u32, address: IpAddr, prefix_length: u8) -> Self {
        let broadcast = match address {
            IpAddr::V4(address) => broadcast(address, prefix_length),
            IpAddr::V6(_) => None,
        };
        Self {
            index,
            address,
            prefix_length,
            peer: None,
            broadcast,
            no_dad: false,
            no_prefix_route: false,
            label: None,
            preferred_lifetime: None,
            valid_lifetime: None,
        }
    }

    fn message(&self) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = family(self.address);
        message.header.prefix_len = self.prefix_length;
        message.header.index = self.index;
        message.header.scope =
            if self.address.is_loopback() { AddressScope::Host } else { AddressScope::Universe };
        let attributes = &mut message.attributes;
        attributes.push(AddressAttribute::Local(self.address));
        attributes.push(AddressAttribute::Address(self.peer.unwrap_or(self.address)));
        if let (IpAddr::V4(_), None) = (self.address, self.peer) {
            attributes.extend(self.broadcast.map(AddressAttribute::Broadcast));
        }
        attributes.extend(self.label.map(|label| AddressAttribute::Label(label.to_owned())));
        let mut flags = AddressFlags::empty();
        flags.set(AddressFlags::Nodad, self.no_dad);
        flags.set(AddressFlags::Noprefixroute, self.no_prefix_route);
        if !flags.is_empty() {
            attributes.push(AddressAttribute::Flags(flags));
        }
        if self.preferred_lifetime.is_some() || self.valid_lifetime.is_some() {
            let mut lifetimes = CacheInfo::default();
            lifetimes.ifa_preferred = self.preferred_lifetime.unwrap_or(FOREVER);
            lifetimes.ifa_valid = self.valid_lifetime.unwrap_or(FOREVER);
            attributes.push(AddressAttribute::CacheInfo(lifetimes));
        }
        message
    }

    fn words(&self) -> String {
        format!("{}/{}", self.address, self.prefix_length)
    }

    fn explain(&self, errno: Errno) -> Option<String> {
        match errno {
            Errno::EXIST => Some("the link has that address already".to_owned()),
            Errno::NODEV => Some(format!("there is no link number {}", self.index)),
            Errno::ADDRNOTAVAIL => Some("the link has no such address".to_owned()),
            Errno::INVAL if self.prefix_length > max_prefix(self.address) => {
                Some(format!("the prefix has more than {} bits", max_prefix(self.address)))
            }
            Errno::INVAL | Errno::ACCESS if self.address.is_ipv6() => Some(
                "it is a group's address, the MTU is below 1280, or IPv6 is switched off there".to_owned(),
            ),
            Errno::OPNOTSUPP => Some("this kernel has no such addresses".to_owned()),
            _ => None,
        }
    }
}

/// The broadcast address of a network: its last address; `None` where two or fewer addresses leave no room for one.
///
/// ```
/// use virt_netlink::address::broadcast;
///
/// assert_eq!(broadcast([192, 0, 2, 1].into(), 24), Some([192, 0, 2, 255].into()));
/// assert_eq!(broadcast([192, 0, 2, 1].into(), 31), None);
/// ```
#[must_use]
pub fn broadcast(address: Ipv4Addr, prefix_length: u8) -> Option<Ipv4Addr> {
    let host_bits = 32_u32.checked_sub(prefix_length.into()).filter(|bits| *bits > 1)?;
    let hosts = u32::MAX.checked_shr(32 - host_bits).unwrap_or(0);
    Some((u32::from(address) | hosts).into())
}

/// An address of a link as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The link's index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Bits of the network, or of the peer's address, that is reached by the link.
    pub prefix_length: u8,
    /// The address of the other end.
    pub peer: Option<IpAddr>,
    /// Where to reach all of the network.
    pub broadcast: Option<Ipv4Addr>,
    /// How far it is valid: a link-local address has [`Scope::Link`].
    pub scope: Scope,
    /// The name for old tools.
    pub label: Option<String>,
    /// Whether the others on the link are still being asked, and what came of it.
    pub dad: Dad,
    /// Not leased and not made from a router's advertisement.
    pub permanent: bool,
    /// Not for new connections any more.
    pub deprecated: bool,
    /// One of several addresses of the same network, and not the first; for IPv6, a temporary one.
    pub secondary: bool,
    /// The network has no route by this address.
    pub no_prefix_route: bool,
    /// Seconds during which it is used for new connections, or [`FOREVER`].
    pub preferred_lifetime: u32,
    /// Seconds after which it is deleted, or [`FOREVER`].
    pub valid_lifetime: u32,
}

/// How far an address is valid (`RT_SCOPE_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Everywhere.
    #[default]
    Universe,
    /// On this site.
    Site,
    /// On this link.
    Link,
    /// On this machine.
    Host,
    /// Another number of the kernel's.
    Other(u8),
}

/// The state of duplicate address detection (RFC 4862).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dad {
    /// The address may be used.
    #[default]
    Done,
    /// The others are being asked; nothing may be sent from the address yet.
    Tentative,
    /// Somebody else has it.
    Failed,
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn max_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The request that [`add`] sends, for a [`Socket::batch`].
#[must_use]
pub fn addition(address: &NewAddress<'_>) -> Request {
    Request {
        message: RouteNetlinkMessage::NewAddress(address.message()),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: format!("add address {} to link number {}", address.words(), address.index),
    }
}

/// Adds an address to a link.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `EEXIST` when the link has it already.
pub fn add(socket: &mut Socket, address: &NewAddress<'_>) -> Result<()> {
    let Request { message, flags, operation } = addition(address);
    socket
        .request(message, flags, format_args!("{operation}"))
        .map_err(|error| error.explain(|errno| address.explain(errno)))
}

/// Adds an address to a link, or changes the lifetimes and flags of one that it has.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused).
pub fn replace(socket: &mut Socket, address: &NewAddress<'_>) -> Result<()> {
    let Request { message, operation, .. } = addition(address);
    socket
        .request(message, NLM_F_CREATE | NLM_F_REPLACE, format_args!("{operation}"))
        .map_err(|error| error.explain(|errno| address.explain(errno)))
}

/// Deletes an address from a link; only index, address, prefix length and peer matter.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `EADDRNOTAVAIL` when the link does not have it.
pub fn delete(socket: &mut Socket, address: &NewAddress<'_>) -> Result<()> {
    let mut message = AddressMessage::default();
    message.header.family = family(address.address);
    message.header.prefix_len = address.prefix_length;
    message.header.index = address.index;
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.extend(address.peer.map(AddressAttribute::Address));
    let operation = format_args!("delete address {} of link number {}", address.words(), address.index);
    socket
        .request(RouteNetlinkMessage::DelAddress(message), 0, operation)
        .map_err(|error| error.explain(|errno| address.explain(errno)))
}

/// The addresses of one link, or of all.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list(socket: &mut Socket, index: Option<u32>) -> Result<Vec<Address>> {
    let mut message = AddressMessage::default();
    // With strict checking, the kernel leaves out the other links itself.
    message.header.index = index.unwrap_or(0);
    let entries = match index {
        Some(index) => socket.dump(
            &RouteNetlinkMessage::GetAddress(message),
            format_args!("list the addresses of link number {index}"),
        ),
        None => socket.dump(&RouteNetlinkMessage::GetAddress(message), format_args!("list the addresses")),
    }?;
    let addresses = entries.into_iter().filter_map(|entry| match entry {
        RouteNetlinkMessage::NewAddress(message) => read(message),
        _ => None,
    });
    Ok(addresses.filter(|address| index.is_none_or(|index| index == address.index)).collect())
}

/// What a message of the kernel tells; `None` for a family that is not IP.
pub(crate) fn read(message: AddressMessage) -> Option<Address> {
    let (mut local, mut far, mut broadcast, mut label) = (None, None, None, None);
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    let (mut preferred_lifetime, mut valid_lifetime) = (FOREVER, FOREVER);
    for attribute in message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(address),
            AddressAttribute::Address(address) => far = Some(address),
            AddressAttribute::Broadcast(address) => broadcast = Some(address),
            AddressAttribute::Label(text) => label = Some(text),
            AddressAttribute::Flags(all) => flags = all,
            AddressAttribute::CacheInfo(lifetimes) => {
                (preferred_lifetime, valid_lifetime) = (lifetimes.ifa_preferred, lifetimes.ifa_valid);
            }
            _ => {}
        }
    }
    let address = local.or(far)?;
    let dad = if flags.contains(AddressFlags::Dadfailed) {
        Dad::Failed
    } else if flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic) {
        Dad::Tentative
    } else {
        Dad::Done
    };
    Some(Address {
        index: message.header.index,
        address,
        prefix_length: message.header.prefix_len,
        peer: far.filter(|far| *far != address),
        broadcast,
        scope: match message.header.scope {
            AddressScope::Universe => Scope::Universe,
            AddressScope::Site => Scope::Site,
            AddressScope::Link => Scope::Link,
            AddressScope::Host => Scope::Host,
            other => Scope::Other(other.into()),
        },
        label,
        dad,
        permanent: flags.contains(AddressFlags::Permanent),
        deprecated: flags.contains(AddressFlags::Deprecated),
        secondary: flags.contains(AddressFlags::Secondary),
        no_prefix_route: flags.contains(AddressFlags::Noprefixroute),
        preferred_lifetime,
        valid_lifetime,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_addresses() {
        let address = Ipv4Addr::new(10, 1, 2, 3);
        for (prefix, expected) in [
            (0, Some([255, 255, 255, 255])),
            (8, Some([10, 255, 255, 255])),
            (30, Some([10, 1, 2, 3])),
            (31, None),
            (32, None),
            (33, None),
            (255, None),
        ] {
            assert_eq!(broadcast(address, prefix), expected.map(Ipv4Addr::from), "/{prefix}");
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let new = NewAddress {
            no_dad: true,
            no_prefix_route: true,
            preferred_lifetime: Some(60),
            ..NewAddress::new(4, "2001:db8::1".parse().unwrap(), 64)
        };
        let read_back = read(new.message()).unwrap();
        assert_eq!(
            read_back,
            Address {
                index: 4,
                address: new.address,
                prefix_length: 64,
                peer: None,
                broadcast: None,
                scope: Scope::Universe,
                label: None,
                dad: Dad::Done,
                permanent: false,
                deprecated: false,
                secondary: false,
                no_prefix_route: true,
                preferred_lifetime: 60,
                valid_lifetime: FOREVER,
            }
        );
        let peer = NewAddress {
            peer: Some("192.0.2.2".parse().unwrap()),
            label: Some("eth0:1"),
            ..NewAddress::new(4, "192.0.2.1".parse().unwrap(), 32)
        };
        let read_back = read(peer.message()).unwrap();
        assert_eq!((read_back.peer, read_back.broadcast), (peer.peer, None));
        assert_eq!(read_back.label.as_deref(), Some("eth0:1"));
        let plain = NewAddress::new(4, "192.0.2.1".parse().unwrap(), 24);
        assert_eq!(read(plain.message()).unwrap().broadcast, Some([192, 0, 2, 255].into()));
        let loopback = NewAddress::new(1, "127.0.0.2".parse().unwrap(), 8);
        assert_eq!(read(loopback.message()).unwrap().scope, Scope::Host);
    }

    #[test]
    fn the_state_of_detection_follows_from_the_flags() {
        for (flags, expected) in [
            (AddressFlags::empty(), Dad::Done),
            (AddressFlags::Tentative, Dad::Tentative),
            (AddressFlags::Tentative | AddressFlags::Optimistic, Dad::Done),
            (AddressFlags::Tentative | AddressFlags::Dadfailed, Dad::Failed),
        ] {
            let mut message = AddressMessage::default();
            message.attributes = vec![
                AddressAttribute::Address("2001:db8::1".parse().unwrap()),
                AddressAttribute::Flags(flags),
            ];
            assert_eq!(read(message).unwrap().dad, expected);
        }
        assert_eq!(read(AddressMessage::default()), None);
    }
}
