//! IP addresses of devices.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use virt_netlink::address::{self as request, NewAddress};
pub use virt_netlink::address::{Address, Dad, FOREVER, Scope, broadcast};
use virt_netlink::{Group, Listener};

use crate::link::get;
use crate::namespace::in_namespace_of;
use crate::{Error, InterfaceName, Result, Socket};

/// An address to add to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIp {
    /// The address.
    pub address: IpAddr,
    /// Bits of the network that is reached by the device.
    pub prefix_length: u8,
    /// The address of the other end, if only that is reached by the device.
    pub peer: Option<IpAddr>,
    /// Where to reach all of the network; only IPv4. [`NewIp::new`] fills it in.
    pub broadcast: Option<Ipv4Addr>,
    /// Usable at once, without asking whether somebody else has it; only IPv6.
    pub no_dad: bool,
}

impl NewIp {
    /// An address with what follows from it, the broadcast address included.
    #[must_use]
    pub fn new(address: IpAddr, prefix_length: u8) -> Self {
        let broadcast = NewAddress::new(0, address, prefix_length).broadcast;
        Self { address, prefix_length, peer: None, broadcast, no_dad: false }
    }

    fn request(&self, index: u32) -> NewAddress<'_> {
        NewAddress {
            peer: self.peer,
            broadcast: self.broadcast,
            no_dad: self.no_dad,
            ..NewAddress::new(index, self.address, self.prefix_length)
        }
    }

    fn words(&self) -> String {
        format!("{}/{}", self.address, self.prefix_length)
    }

    fn is(&self, found: &Address) -> bool {
        (self.address, self.prefix_length, self.peer) == (found.address, found.prefix_length, found.peer)
    }
}

/// Adds an address to a device and reads it back.
///
/// # Errors
///
/// [`Error::Netlink`], with `EEXIST` when the device has it already; [`Error::NotApplied`], after it was taken away.
pub fn add(socket: &mut Socket, device: &InterfaceName, ip: &NewIp) -> Result<()> {
    let index = get(socket, device)?.index;
    request::add(socket, &ip.request(index))
        .map_err(|error| error.with_operation(format!("add address {} to '{device}'", ip.words())))?;
    let found = request::list(socket, Some(index))?;
    let applied = found.iter().find(|found| ip.is(found));
    let wanted_broadcast = ip.broadcast.filter(|_| ip.peer.is_none() && ip.address.is_ipv4());
    let difference = match applied {
        Some(applied) if applied.broadcast == wanted_broadcast => return Ok(()),
        Some(applied) => Error::NotApplied {
            device: format!("device '{device}'"),
            property: "the broadcast address",
            wanted: format!("{wanted_broadcast:?}"),
            found: format!("{:?}", applied.broadcast),
        },
        None => Error::NotApplied {
            device: format!("device '{device}'"),
            property: "the addresses",
            wanted: ip.words(),
            found: found
                .iter()
                .map(|found| format!("{}/{}", found.address, found.prefix_length))
                .collect::<Vec<_>>()
                .join(", "),
        },
    };
    let undo = match applied {
        Some(_) => request::delete(socket, &ip.request(index)).map_err(Error::from),
        None => Ok(()),
    };
    Err(difference.after_undo(undo))
}

/// Takes an address away from a device; only address, prefix length and peer matter.
///
/// # Errors
///
/// [`Error::Netlink`], with `EADDRNOTAVAIL` when the device does not have it.
pub fn remove(socket: &mut Socket, device: &InterfaceName, ip: &NewIp) -> Result<()> {
    let index = get(socket, device)?.index;
    request::delete(socket, &ip.request(index))
        .map_err(|error| error.with_operation(format!("delete address {} of '{device}'", ip.words())))?;
    Ok(())
}

/// The addresses of a device.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is no such device.
pub fn list(socket: &mut Socket, device: &InterfaceName) -> Result<Vec<Address>> {
    let index = get(socket, device)?.index;
    Ok(request::list(socket, Some(index))?)
}

/// The addresses of all devices, each with the index of its device.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn list_all(socket: &mut Socket) -> Result<Vec<Address>> {
    Ok(request::list(socket, None)?)
}

/// Waits until the kernel knows of each of these addresses that nobody else on the link has it, which takes about a
/// second for IPv6 and no time for IPv4. It wakes up by the kernel's notifications.
///
/// A device without a carrier has nobody to ask, and the kernel does not begin: a bridge without ports has none.
///
/// # Errors
///
/// [`Error::DuplicateAddress`] when somebody else has one of them, [`Error::DadTimeout`] when the time is over,
/// [`Error::Netlink`].
pub fn wait_dad(
    socket: &mut Socket,
    device: &InterfaceName,
    addresses: &[IpAddr],
    timeout: Duration,
) -> Result<()> {
    let deadline = Instant::now() + timeout;
    let mut listener =
        in_namespace_of(socket, || Ok(Listener::open(&[Group::Links, Group::Ipv6Addresses])?))?;
    loop {
        let found = list(socket, device)?;
        let waited_for = found.iter().filter(|found| addresses.contains(&found.address));
        if let Some(failed) = waited_for.clone().find(|found| found.dad == Dad::Failed) {
            return Err(Error::DuplicateAddress { device: device.clone(), address: failed.address });
        }
        let Some(tentative) = waited_for.clone().find(|found| found.dad == Dad::Tentative) else {
            return Ok(());
        };
        if listener.wait(deadline)?.is_none() {
            return Err(Error::DadTimeout { device: device.clone(), address: tentative.address, timeout });
        }
    }
}
