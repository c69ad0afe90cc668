//! Dummies: devices that drop what is sent, for addresses that belong to the machine.

pub use crate::kind::Properties;
use crate::{InterfaceName, Link, Result, Socket, kind};

/// Creates a dummy by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`](crate::Error::Netlink) when the kernel refuses;
/// [`Error::NotApplied`](crate::Error::NotApplied) when it came out differently, after it was deleted.
pub fn create(socket: &mut Socket, name: &InterfaceName, properties: &Properties) -> Result<Link> {
    kind::create(
        socket,
        "dummy",
        name,
        properties,
        |socket, common| virt_netlink::link::dummy::create(socket, name, common),
        |_, _| Ok(()),
    )
}
