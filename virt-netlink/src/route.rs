//! Routes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;

use crate::{Error, Request, Result, Socket};

/// The table that packets are routed by if nothing else is said.
pub const MAIN_TABLE: u32 = RouteHeader::RT_TABLE_MAIN as u32;

/// The table of the machine's own addresses, which the kernel fills.
pub const LOCAL_TABLE: u32 = 255;

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// An address of it, usually the first.
    pub address: IpAddr,
    /// How many bits are the same.
    pub prefix_length: u8,
}

impl Network {
    /// All addresses of IPv4.
    pub const ALL_IPV4: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix_length: 0 };
    /// All addresses of IPv6.
    pub const ALL_IPV6: Self = Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix_length: 0 };

    /// True if the address is in it.
    ///
    /// ```
    /// use virt_netlink::route::Network;
    ///
    /// let network = Network { address: [192, 0, 2, 0].into(), prefix_length: 24 };
    /// assert!(network.contains([192, 0, 2, 77].into()));
    /// assert!(!network.contains([192, 0, 3, 77].into()));
    /// ```
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let differ = u32::from(ours) ^ u32::from(other);
                differ.checked_shr(32_u32.saturating_sub(self.prefix_length.into())).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let differ = u128::from(ours) ^ u128::from(other);
                differ.checked_shr(128_u32.saturating_sub(self.prefix_length.into())).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// True if an address is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        if self.prefix_length <= other.prefix_length {
            self.contains(other.address)
        } else {
            other.contains(self.address)
        }
    }

    /// The first address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let hosts = u32::MAX.checked_shr(self.prefix_length.into()).unwrap_or(0);
                Ipv4Addr::from(u32::from(address) & !hosts).into()
            }
            IpAddr::V6(address) => {
                let hosts = u128::MAX.checked_shr(self.prefix_length.into()).unwrap_or(0);
                Ipv6Addr::from(u128::from(address) & !hosts).into()
            }
        }
    }

    fn family(self) -> AddressFamily {
        if self.address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

/// A route, to add or as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub destination: Network,
    /// The next host, if the destination is not on the link itself.
    pub gateway: Option<IpAddr>,
    /// The index of the link that it goes by.
    pub link: Option<u32>,
    /// The address that the machine's own packets leave from.
    pub source: Option<IpAddr>,
    /// Chosen before routes of larger figures to the same destination.
    pub metric: Option<u32>,
    /// The table that it is in.
    pub table: u32,
    /// What it does with packets.
    pub kind: Kind,
    /// Who made it (`RTPROT_*`): 2 the kernel, 3 a script, 4 an administrator, 16 DHCP, …
    pub protocol: u8,
    /// All next hosts and links, of a route that has several.
    pub next_hops: Vec<NextHop>,
}

/// One of several ways to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The next host.
    pub gateway: Option<IpAddr>,
    /// The index of the link that it goes by.
    pub link: u32,
}

/// What a route does with packets (`RTN_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Sends them on.
    #[default]
    Unicast,
    /// They are for this machine.
    Local,
    /// They are for this machine and others.
    Broadcast,
    /// They are for a group.
    Multicast,
    /// They are for one of several machines.
    Anycast,
    /// Drops them without a word.
    Blackhole,
    /// Answers that the destination can not be reached.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
    /// Something else; only read.
    Other(u8),
}

const KINDS: [(Kind, RouteType); 8] = [
    (Kind::Unicast, RouteType::Unicast),
    (Kind::Local, RouteType::Local),
    (Kind::Broadcast, RouteType::Broadcast),
    (Kind::Multicast, RouteType::Multicast),
    (Kind::Anycast, RouteType::Anycast),
    (Kind::Blackhole, RouteType::BlackHole),
    (Kind::Unreachable, RouteType::Unreachable),
    (Kind::Prohibit, RouteType::Prohibit),
];

impl Kind {
    fn from_kernel(kernel: RouteType) -> Self {
        match KINDS.iter().find(|(_, known)| *known == kernel) {
            Some((ours, _)) => *ours,
            None => Self::Other(kernel.into()),
        }
    }

    fn to_kernel(self) -> RouteType {
        match (KINDS.iter().find(|(known, _)| *known == self), self) {
            (Some((_, kernel)), _) => *kernel,
            (None, Self::Other(number)) => number.into(),
            (None, _) => RouteType::Unicast,
        }
    }
}

impl Route {
    /// An administrator's route in the main table.
    #[must_use]
    pub fn new(destination: Network) -> Self {
        Self {
            destination,
            gateway: None,
            link: None,
            source: None,
            metric: None,
            table: MAIN_TABLE,
            kind: Kind::Unicast,
            protocol: RouteProtocol::Static.into(),
            next_hops: Vec::new(),
        }
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        let header = &mut message.header;
        header.address_family = self.destination.family();
        header.destination_prefix_length = self.destination.prefix_length;
        header.protocol = self.protocol.into();
        header.kind = self.kind.to_kernel();
        // IPv4 wants to know how far away the destination is; IPv6 does not care.
        header.scope = match self.kind {
            Kind::Local => RouteScope::Host,
            Kind::Unicast if self.gateway.is_none() && self.link.is_some() => RouteScope::Link,
            _ => RouteScope::Universe,
        };
        let attributes = &mut message.attributes;
        match u8::try_from(self.table) {
            Ok(table) => header.table = table,
            Err(_) => attributes.push(RouteAttribute::Table(self.table)),
        }
        if self.destination.prefix_length > 0 {
            attributes.push(RouteAttribute::Destination(self.destination.first().into()));
        }
        attributes.extend(self.gateway.map(|gateway| RouteAttribute::Gateway(gateway.into())));
        attributes.extend(self.source.map(|source| RouteAttribute::PrefSource(source.into())));
        attributes.extend(self.link.map(RouteAttribute::Oif));
        attributes.extend(self.metric.map(RouteAttribute::Priority));
        message
    }

    fn explain(&self, errno: Errno) -> Option<String> {
        match errno {
            Errno::EXIST => Some("there is such a route already".to_owned()),
            Errno::SRCH => Some("there is no such route".to_owned()),
            Errno::NODEV => Some("there is no such link".to_owned()),
            Errno::NETUNREACH | Errno::HOSTUNREACH => Some(match self.gateway {
                Some(gateway) => format!("the gateway {gateway} can not be reached directly"),
                None => "no route leads there".to_owned(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}", self.destination)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(link) = self.link {
            write!(f, " by link number {link}")?;
        }
        Ok(())
    }
}

/// The request that [`add`] sends, for a [`Socket::batch`].
#[must_use]
pub fn addition(route: &Route) -> Request {
    Request {
        message: RouteNetlinkMessage::NewRoute(route.message()),
        flags: NLM_F_CREATE | NLM_F_EXCL,
        operation: format!("add the route {route}"),
    }
}

/// Adds a route.
///
/// # Errors
///
/// [`Error::Refused`], with `EEXIST` when there is one to the destination with the same metric, `ENETUNREACH` when
/// the gateway can not be reached directly.
pub fn add(socket: &mut Socket, route: &Route) -> Result<()> {
    let Request { message, flags, operation } = addition(route);
    socket
        .request(message, flags, format_args!("{operation}"))
        .map_err(|error| error.explain(|errno| route.explain(errno)))
}

/// Adds a route or takes the place of the one to the same destination with the same metric.
///
/// # Errors
///
/// As [`add`], but for `EEXIST`.
pub fn replace(socket: &mut Socket, route: &Route) -> Result<()> {
    let Request { message, operation, .. } = addition(route);
    socket
        .request(message, NLM_F_CREATE | NLM_F_REPLACE, format_args!("{operation}"))
        .map_err(|error| error.explain(|errno| route.explain(errno)))
}

/// Deletes a route.
///
/// # Errors
///
/// [`Error::Refused`], with `ESRCH` when there is none.
pub fn delete(socket: &mut Socket, route: &Route) -> Result<()> {
    socket
        .request(RouteNetlinkMessage::DelRoute(route.message()), 0, format_args!("delete the route {route}"))
        .map_err(|error| error.explain(|errno| route.explain(errno)))
}

/// The routes of all tables, without the kernel's cache.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Vec<Route>> {
    let mut routes = Vec::new();
    for (family, operation) in
        [(AddressFamily::Inet, "list the routes of IPv4"), (AddressFamily::Inet6, "list the routes of IPv6")]
    {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        match socket.dump(&RouteNetlinkMessage::GetRoute(message), format_args!("{operation}")) {
            Ok(entries) => routes.extend(entries.into_iter().filter_map(|entry| match entry {
                RouteNetlinkMessage::NewRoute(message) => read(message),
                _ => None,
            })),
            // A kernel without IPv6 has no routes of it.
            Err(Error::Refused(refusal))
                if family == AddressFamily::Inet6 && refusal.errno() == Errno::OPNOTSUPP => {}
            Err(error) => return Err(error),
        }
    }
    Ok(routes)
}

/// How the kernel would send a packet to an address.
///
/// # Errors
///
/// [`Error::Refused`], with `ENETUNREACH` when no route leads there.
pub fn lookup(socket: &mut Socket, destination: IpAddr) -> Result<Route> {
    let prefix_length = if destination.is_ipv4() { 32 } else { 128 };
    let network = Network { address: destination, prefix_length };
    let mut message = RouteMessage::default();
    message.header.address_family = network.family();
    message.header.destination_prefix_length = prefix_length;
    message.attributes.push(RouteAttribute::Destination(destination.into()));
    let operation = format_args!("look up the route to {destination}");
    let answer = socket
        .get(RouteNetlinkMessage::GetRoute(message), operation)
        .map_err(|error| error.explain(|errno| Route::new(network).explain(errno)))?;
    match answer {
        RouteNetlinkMessage::NewRoute(message) => read(message),
        _ => None,
    }
    .ok_or_else(|| Error::Empty { operation: operation.to_string() })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// What a message of the kernel tells; `None` for a family that is not IP.
pub(crate) fn read(message: RouteMessage) -> Option<Route> {
    let everywhere = match message.header.address_family {
        AddressFamily::Inet => Network::ALL_IPV4,
        AddressFamily::Inet6 => Network::ALL_IPV6,
        _ => return None,
    };
    let mut route = Route {
        kind: Kind::from_kernel(message.header.kind),
        protocol: message.header.protocol.into(),
        table: message.header.table.into(),
        ..Route::new(Network { prefix_length: message.header.destination_prefix_length, ..everywhere })
    };
    for attribute in message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => route.destination.address = ip(&address)?,
            RouteAttribute::Gateway(address) => route.gateway = ip(&address),
            RouteAttribute::PrefSource(address) => route.source = ip(&address),
            RouteAttribute::Oif(index) => route.link = Some(index),
            RouteAttribute::Priority(metric) => route.metric = Some(metric),
            RouteAttribute::Table(table) => route.table = table,
            RouteAttribute::MultiPath(hops) => {
                route.next_hops = hops
                    .into_iter()
                    .map(|hop| NextHop {
                        link: hop.interface_index,
                        gateway: hop.attributes.iter().find_map(|attribute| match attribute {
                            RouteAttribute::Gateway(address) => ip(address),
                            _ => None,
                        }),
                    })
                    .collect();
            }
            _ => {}
        }
    }
    Some(route)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, prefix_length) = text.split_once('/').unwrap();
        Network { address: address.parse().unwrap(), prefix_length: prefix_length.parse().unwrap() }
    }

    #[test]
    fn networks_overlap_where_one_holds_the_other() {
        for (one, other, expected) in [
            ("192.0.2.0/24", "192.0.2.128/25", true),
            ("192.0.2.128/25", "192.0.2.0/24", true),
            ("192.0.2.0/24", "192.0.3.0/24", false),
            ("0.0.0.0/0", "10.0.0.0/8", true),
            ("10.0.0.1/32", "10.0.0.1/32", true),
            ("10.0.0.1/32", "10.0.0.2/32", false),
            ("2001:db8::/32", "2001:db8:1::/64", true),
            ("2001:db8::/32", "2001:db9::/64", false),
            ("::/0", "192.0.2.0/24", false),
        ] {
            assert_eq!(network(one).overlaps(network(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_first_address() {
        for (of, expected) in [
            ("192.0.2.77/24", "192.0.2.0"),
            ("192.0.2.77/32", "192.0.2.77"),
            ("192.0.2.77/0", "0.0.0.0"),
            ("2001:db8::77/64", "2001:db8::"),
            ("2001:db8::77/128", "2001:db8::77"),
        ] {
            assert_eq!(network(of).first().to_string(), expected);
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        for route in [
            Route::new(network("0.0.0.0/0")),
            Route {
                gateway: Some("192.0.2.1".parse().unwrap()),
                link: Some(4),
                metric: Some(100),
                ..Route::new(network("198.51.100.0/24"))
            },
            Route { link: Some(4), table: 1000, protocol: 2, ..Route::new(network("2001:db8::/32")) },
            Route { kind: Kind::Unreachable, ..Route::new(network("10.0.0.0/8")) },
            Route { kind: Kind::Other(11), ..Route::new(network("10.0.0.0/8")) },
        ] {
            assert_eq!(read(route.message()), Some(route));
        }
        // The kernel refuses a destination with bits behind the prefix.
        let sloppy = Route::new(network("192.0.2.77/24"));
        assert_eq!(read(sloppy.message()).unwrap().destination, network("192.0.2.0/24"));
        assert_eq!(read(RouteMessage::default()), None);
    }
}
