//! Routes, and which networks are in use.

use std::net::IpAddr;

use virt_netlink::route as request;
pub use virt_netlink::route::{Kind, LOCAL_TABLE, MAIN_TABLE, Network, NextHop, Route};

use crate::{Error, InterfaceName, Result, Socket, link};

/// A route through a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRoute {
    /// Where to.
    pub destination: Network,
    /// The next host, if the destination is not on the device's own network.
    pub gateway: Option<IpAddr>,
    /// Chosen before routes of larger figures to the same destination.
    pub metric: Option<u32>,
}

impl NewRoute {
    /// A route to hosts on the device's own network.
    #[must_use]
    pub fn new(destination: Network) -> Self {
        Self { destination, gateway: None, metric: None }
    }

    fn request(&self, index: u32) -> Route {
        Route {
            gateway: self.gateway,
            metric: self.metric,
            link: Some(index),
            ..Route::new(self.destination)
        }
    }

    fn words(&self, what: &str, device: &InterfaceName) -> String {
        match self.gateway {
            Some(gateway) => format!("{what} the route to {} via {gateway} by '{device}'", self.destination),
            None => format!("{what} the route to {} by '{device}'", self.destination),
        }
    }
}

/// Adds a route and reads it back.
///
/// # Errors
///
/// [`Error::Netlink`], with `EEXIST` when there is such a route, `ENETUNREACH` when the gateway can not be reached
/// directly; [`Error::NotApplied`].
pub fn add(socket: &mut Socket, device: &InterfaceName, new: &NewRoute) -> Result<()> {
    let route = new.request(link::get(socket, device)?.index);
    request::add(socket, &route).map_err(|error| error.with_operation(new.words("add", device)))?;
    if request::list(socket)?.iter().any(|found| same(&route, found)) {
        return Ok(());
    }
    Err(Error::NotApplied {
        device: format!("device '{device}'"),
        property: "the routes",
        wanted: route.to_string(),
        found: "no such route".to_owned(),
    })
}

/// Deletes a route.
///
/// # Errors
///
/// [`Error::Netlink`], with `ESRCH` when there is none.
pub fn remove(socket: &mut Socket, device: &InterfaceName, route: &NewRoute) -> Result<()> {
    let request = route.request(link::get(socket, device)?.index);
    request::delete(socket, &request).map_err(|error| error.with_operation(route.words("delete", device)))?;
    Ok(())
}

/// The kernel fills in a metric for IPv6, and may add more.
fn same(asked: &Route, found: &Route) -> bool {
    let asked_first = Network { address: asked.destination.first(), ..asked.destination };
    asked_first == found.destination
        && asked.gateway == found.gateway
        && asked.link == found.link
        && asked.table == found.table
        && asked.metric.is_none_or(|metric| found.metric == Some(metric))
}

/// All routes, of every table.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list(socket: &mut Socket) -> Result<Vec<Route>> {
    Ok(request::list(socket)?)
}

/// How the kernel would send a packet to an address.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENETUNREACH` when no route leads there.
pub fn lookup(socket: &mut Socket, destination: IpAddr) -> Result<Route> {
    Ok(request::lookup(socket, destination)?)
}

/// A network that is in use, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The network.
    pub network: Network,
    /// The name of the device that it is reached by.
    pub device: Option<String>,
}

/// The networks that this machine is on or has routes to, default routes and the kernel's own (loopback, link-local,
/// multicast) left out: a new network that overlaps one of them would cut somebody off.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn networks_in_use(socket: &mut Socket) -> Result<Vec<InUse>> {
    let links = link::list(socket)?;
    let device = |index: Option<u32>| {
        let index = index?;
        links.iter().find(|link| link.index == index).map(|link| link.name.clone())
    };
    let mut found = Vec::new();
    for route in request::list(socket)? {
        let Network { address, prefix_length } = route.destination;
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_loopback(),
            IpAddr::V6(address) => address.is_unicast_link_local() || address.is_loopback(),
        };
        if route.kind != Kind::Unicast || prefix_length == 0 || address.is_multicast() || link_local {
            continue;
        }
        found.push(InUse {
            network: route.destination,
            device: device(route.link.or_else(|| route.next_hops.first().map(|hop| hop.link))),
        });
    }
    // A device that is off has addresses, but no routes yet.
    for address in crate::address::list_all(socket)? {
        let network = Network { address: address.address, prefix_length: address.prefix_length };
        let network = Network { address: network.first(), ..network };
        let known = found.iter().any(|known| known.network == network);
        let own = match address.address {
            IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
        };
        if !known && !own && address.prefix_length > 0 {
            found.push(InUse { network, device: device(Some(address.index)) });
        }
    }
    Ok(found)
}
