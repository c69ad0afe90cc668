//! Intermediate functional blocks: devices for shaping what another device receives, which is redirected to them.

pub use crate::kind::Properties;
use crate::{InterfaceName, Link, Result, Socket, kind};

/// Creates an intermediate functional block by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`](crate::Error::Netlink) when the kernel refuses;
/// [`Error::NotApplied`](crate::Error::NotApplied) when it came out differently, after it was deleted.
pub fn create(socket: &mut Socket, name: &InterfaceName, properties: &Properties) -> Result<Link> {
    kind::create(
        socket,
        "ifb",
        name,
        properties,
        |socket, common| virt_netlink::link::ifb::create(socket, name, common),
        |_, _| Ok(()),
    )
}
