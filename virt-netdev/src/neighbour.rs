//! Neighbours, and the forwarding tables of bridges.

use virt_netlink::neighbour as request;
pub use virt_netlink::neighbour::{Lifetime, Neighbour, State, Table};
use virt_types::MacAddr;

use crate::link::get;
use crate::{Error, InterfaceName, Result, Socket};

/// The neighbours of a device: the IP addresses that it has spoken with, and their hardware addresses.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list(socket: &mut Socket, device: &InterfaceName) -> Result<Vec<Neighbour>> {
    let index = get(socket, device)?.index;
    Ok(request::list(socket)?.into_iter().filter(|neighbour| neighbour.index == index).collect())
}

/// The neighbours of all devices.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list_all(socket: &mut Socket) -> Result<Vec<Neighbour>> {
    Ok(request::list(socket)?)
}

/// An entry of a forwarding table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// The address that is behind the port.
    pub mac: MacAddr,
    /// The VLAN that it is in.
    pub vlan: Option<u16>,
    /// Whose table it is.
    pub table: Table,
    /// How it came about, and how it goes.
    pub lifetime: Lifetime,
}

impl Forwarding {
    /// An entry that does not age, in the table of the port's bridge.
    #[must_use]
    pub fn new(mac: MacAddr) -> Self {
        Self { mac, vlan: None, table: Table::Bridge, lifetime: Lifetime::Static }
    }

    fn request(&self, index: u32) -> request::Forwarding {
        request::Forwarding {
            vlan: self.vlan,
            table: self.table,
            lifetime: self.lifetime,
            ..request::Forwarding::new(index, self.mac.0)
        }
    }
}

/// Adds an entry to a forwarding table and reads it back.
///
/// # Errors
///
/// [`Error::Netlink`], with `EEXIST` when there is one; [`Error::NotApplied`].
pub fn add_forwarding(socket: &mut Socket, port: &InterfaceName, entry: &Forwarding) -> Result<()> {
    let index = get(socket, port)?.index;
    request::add_forwarding(socket, &entry.request(index)).map_err(|error| {
        error.with_operation(format!("add the forwarding entry {} of '{port}'", entry.mac))
    })?;
    let found = list_forwarding(socket, port)?;
    let same = |found: &Forwarding| {
        (found.mac, found.table) == (entry.mac, entry.table)
            && entry.vlan.is_none_or(|vlan| found.vlan == Some(vlan))
    };
    if found.iter().any(same) {
        return Ok(());
    }
    Err(Error::NotApplied {
        device: format!("port '{port}'"),
        property: "the forwarding entries",
        wanted: entry.mac.to_string(),
        found: found.iter().map(|entry| entry.mac.to_string()).collect::<Vec<_>>().join(", "),
    })
}

/// Deletes an entry of a forwarding table.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENOENT` when there is none.
pub fn remove_forwarding(socket: &mut Socket, port: &InterfaceName, entry: &Forwarding) -> Result<()> {
    let index = get(socket, port)?.index;
    request::delete_forwarding(socket, &entry.request(index)).map_err(|error| {
        error.with_operation(format!("delete the forwarding entry {} of '{port}'", entry.mac))
    })?;
    Ok(())
}

/// The forwarding entries of a port: its bridge's that point at it, and its own.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list_forwarding(socket: &mut Socket, port: &InterfaceName) -> Result<Vec<Forwarding>> {
    let index = get(socket, port)?.index;
    let entries = request::list_forwarding(socket)?.into_iter().filter(|entry| entry.index == index);
    Ok(entries
        .map(|entry| Forwarding {
            mac: MacAddr(entry.mac),
            vlan: entry.vlan,
            table: entry.table,
            lifetime: entry.lifetime,
        })
        .collect())
}
