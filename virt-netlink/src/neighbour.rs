//! Neighbours: which hardware address has an IP address, and behind which port of a bridge an address is.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;

use crate::link::HardwareAddress;
use crate::link::bridge::Mac;
use crate::{Result, Socket};

/// An entry of the table of neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The index of the link.
    pub index: u32,
    /// The neighbour's IP address.
    pub address: IpAddr,
    /// Its hardware address; none while nobody has answered.
    pub mac: Option<HardwareAddress>,
    /// What is known of it.
    pub state: State,
}

/// What is known of a neighbour (`NUD_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is being looked for.
    Incomplete,
    /// It has answered a short time ago.
    Reachable,
    /// It has answered some time ago.
    Stale,
    /// It has answered some time ago and is in use.
    Delay,
    /// It is being asked again.
    Probe,
    /// It does not answer.
    Failed,
    /// The link needs no resolution.
    NoArp,
    /// It was entered by hand.
    Permanent,
    /// Something else; only read.
    Other(u16),
}

const STATES: [(State, NeighbourState); 8] = [
    (State::Incomplete, NeighbourState::Incomplete),
    (State::Reachable, NeighbourState::Reachable),
    (State::Stale, NeighbourState::Stale),
    (State::Delay, NeighbourState::Delay),
    (State::Probe, NeighbourState::Probe),
    (State::Failed, NeighbourState::Failed),
    (State::NoArp, NeighbourState::Noarp),
    (State::Permanent, NeighbourState::Permanent),
];

impl State {
    fn from_kernel(kernel: NeighbourState) -> Self {
        match STATES.iter().find(|(_, known)| *known == kernel) {
            Some((ours, _)) => *ours,
            None => Self::Other(kernel.into()),
        }
    }

    fn to_kernel(self) -> NeighbourState {
        match (STATES.iter().find(|(known, _)| *known == self), self) {
            (Some((_, kernel)), _) => *kernel,
            (None, Self::Other(number)) => number.into(),
            (None, _) => NeighbourState::None,
        }
    }
}

impl Neighbour {
    fn message(&self) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family =
            if self.address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.header.ifindex = self.index;
        message.header.state = self.state.to_kernel();
        message.attributes.push(NeighbourAttribute::Destination(self.address.into()));
        message.attributes.extend(self.mac.map(|mac| NeighbourAttribute::LinkLayerAddress(mac.to_vec())));
        message
    }
}

/// Enters a neighbour, in the place of the entry that there may be.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused).
pub fn replace(socket: &mut Socket, neighbour: &Neighbour) -> Result<()> {
    socket.request(
        RouteNetlinkMessage::NewNeighbour(neighbour.message()),
        NLM_F_CREATE | NLM_F_REPLACE,
        format_args!("enter the neighbour {} of link number {}", neighbour.address, neighbour.index),
    )
}

/// Deletes the entry of a neighbour.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `ENOENT` when there is none.
pub fn delete(socket: &mut Socket, index: u32, address: IpAddr) -> Result<()> {
    let neighbour = Neighbour { index, address, mac: None, state: State::Failed };
    socket
        .request(
            RouteNetlinkMessage::DelNeighbour(neighbour.message()),
            0,
            format_args!("delete the neighbour {address} of link number {index}"),
        )
        .map_err(|error| {
            error.explain(|errno| {
                (errno == Errno::NOENT).then(|| "there is no entry for that address".to_owned())
            })
        })
}

/// The neighbours of all links.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Vec<Neighbour>> {
    let message = NeighbourMessage::default();
    let entries =
        socket.dump(&RouteNetlinkMessage::GetNeighbour(message), format_args!("list the neighbours"))?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewNeighbour(message) => read(&message),
            _ => None,
        })
        .collect())
}

/// What a message of the kernel tells; `None` for a family that is not IP.
pub(crate) fn read(message: &NeighbourMessage) -> Option<Neighbour> {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some((*address).into()),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => Some((*address).into()),
        _ => None,
    })?;
    Some(Neighbour {
        index: message.header.ifindex,
        address,
        mac: mac(message),
        state: State::from_kernel(message.header.state),
    })
}

fn mac(message: &NeighbourMessage) -> Option<HardwareAddress> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    })
}

/// An entry of a bridge's forwarding table, or of a link's own list of addresses that it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// The index of the port.
    pub index: u32,
    /// The address that is behind the port.
    pub mac: HardwareAddress,
    /// The VLAN that it is in.
    pub vlan: Option<u16>,
    /// Whose table it is.
    pub table: Table,
    /// How it came about, and how it goes.
    pub lifetime: Lifetime,
    /// The index of the bridge; only read.
    pub master: Option<u32>,
    /// For a VXLAN, the host that the address is behind.
    pub remote: Option<IpAddr>,
}

/// Whose table an entry is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Table {
    /// The bridge's that the link is a port of (`bridge fdb … master`).
    #[default]
    Bridge,
    /// The link's own: the addresses that a card or macvlan hears, or what a VXLAN forwards (`bridge fdb … self`).
    Own,
}

/// How an entry came about, and how it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// Learned from a frame, or as if: it ages.
    Learned,
    /// Entered by hand, never ages; the address is behind the port.
    #[default]
    Static,
    /// Entered by hand, never ages; the address is the port's own, and its frames are for this machine.
    Local,
}

impl Forwarding {
    /// An entry that does not age, in the table of the port's bridge.
    #[must_use]
    pub fn new(index: u32, mac: HardwareAddress) -> Self {
        Self {
            index,
            mac,
            vlan: None,
            table: Table::Bridge,
            lifetime: Lifetime::Static,
            master: None,
            remote: None,
        }
    }

    fn message(&self) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Bridge;
        message.header.ifindex = self.index;
        message.header.flags = match self.table {
            Table::Bridge => NeighbourFlags::Controller,
            Table::Own => NeighbourFlags::Own,
        };
        message.header.state = match self.lifetime {
            Lifetime::Learned => NeighbourState::Reachable,
            Lifetime::Static => NeighbourState::Noarp,
            Lifetime::Local => NeighbourState::Permanent,
        };
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::LinkLayerAddress(self.mac.to_vec()));
        attributes.extend(self.vlan.map(NeighbourAttribute::Vlan));
        attributes.extend(self.remote.map(|remote| NeighbourAttribute::Destination(remote.into())));
        message
    }

    fn explain(&self, errno: Errno) -> Option<String> {
        match errno {
            Errno::EXIST => Some("there is such an entry already".to_owned()),
            Errno::NOENT => Some("there is no such entry".to_owned()),
            Errno::OPNOTSUPP if self.table == Table::Bridge => Some("it is no port of a bridge".to_owned()),
            Errno::OPNOTSUPP => Some("the link has no such table".to_owned()),
            Errno::INVAL if self.mac[0] & 1 != 0 => Some("it is the address of a group".to_owned()),
            _ => None,
        }
    }
}

/// Adds an entry to a forwarding table.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `EEXIST` when there is one, `EOPNOTSUPP` for a link that is no port.
pub fn add_forwarding(socket: &mut Socket, entry: &Forwarding) -> Result<()> {
    socket
        .request(
            RouteNetlinkMessage::NewNeighbour(entry.message()),
            NLM_F_CREATE | NLM_F_EXCL,
            format_args!("add the forwarding entry {} of link number {}", Mac(entry.mac), entry.index),
        )
        .map_err(|error| error.explain(|errno| entry.explain(errno)))
}

/// Deletes an entry of a forwarding table.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `ENOENT` when there is none.
pub fn delete_forwarding(socket: &mut Socket, entry: &Forwarding) -> Result<()> {
    socket
        .request(
            RouteNetlinkMessage::DelNeighbour(entry.message()),
            0,
            format_args!("delete the forwarding entry {} of link number {}", Mac(entry.mac), entry.index),
        )
        .map_err(|error| error.explain(|errno| entry.explain(errno)))
}

/// The forwarding tables of all bridges and links.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list_forwarding(socket: &mut Socket) -> Result<Vec<Forwarding>> {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    let entries = socket
        .dump(&RouteNetlinkMessage::GetNeighbour(message), format_args!("list the forwarding entries"))?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewNeighbour(message) => read_forwarding(&message),
            _ => None,
        })
        .collect())
}

fn read_forwarding(message: &NeighbourMessage) -> Option<Forwarding> {
    let table = if message.header.flags.contains(NeighbourFlags::Own) { Table::Own } else { Table::Bridge };
    let lifetime = match message.header.state {
        NeighbourState::Permanent => Lifetime::Local,
        NeighbourState::Noarp => Lifetime::Static,
        _ => Lifetime::Learned,
    };
    let mut entry = Forwarding { table, lifetime, ..Forwarding::new(message.header.ifindex, mac(message)?) };
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Vlan(vlan) => entry.vlan = Some(*vlan),
            NeighbourAttribute::Controller(index) => entry.master = Some(*index),
            NeighbourAttribute::Destination(address) => entry.remote = remote(address),
            _ => {}
        }
    }
    Some(entry)
}

/// An address whose family only its length tells: the message's is `AF_BRIDGE`.
fn remote(address: &NeighbourAddress) -> Option<IpAddr> {
    match address {
        NeighbourAddress::Inet(address) => Some((*address).into()),
        NeighbourAddress::Inet6(address) => Some((*address).into()),
        NeighbourAddress::Other(bytes) => match bytes.as_slice() {
            [a, b, c, d] => Some([*a, *b, *c, *d].into()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(Into::into),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, Parseable};

    use super::*;

    #[test]
    fn what_is_sent_is_what_is_read() {
        for (state, mac) in
            [(State::Permanent, Some([2, 0, 0, 0, 0, 1])), (State::Failed, None), (State::Other(0x300), None)]
        {
            for address in ["192.0.2.1", "2001:db8::1"] {
                let neighbour = Neighbour { index: 3, address: address.parse().unwrap(), mac, state };
                assert_eq!(read(&neighbour.message()), Some(neighbour));
            }
        }
        assert_eq!(read(&NeighbourMessage::default()), None);
    }

    #[test]
    fn forwarding_entries_keep_their_table_and_lifetime() {
        for table in [Table::Bridge, Table::Own] {
            for lifetime in [Lifetime::Learned, Lifetime::Static, Lifetime::Local] {
                let entry = Forwarding {
                    vlan: Some(7),
                    table,
                    lifetime,
                    remote: Some("192.0.2.9".parse().unwrap()),
                    ..Forwarding::new(5, [2, 0, 0, 0, 0, 9])
                };
                let message = entry.message();
                let mut bytes = vec![0; message.buffer_len()];
                message.emit(&mut bytes);
                let message = NeighbourMessage::parse(&bytes[..]).unwrap();
                assert_eq!(read_forwarding(&message), Some(entry));
            }
        }
    }
}
