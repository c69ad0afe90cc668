//! Intermediate functional blocks: links for shaping what comes in, which is redirected to them.

use netlink_packet_route::link::InfoKind;
use rustix::io::Errno;

use super::{Common, Link, new_link};
use crate::{InterfaceName, Result, Socket};

/// Creates an intermediate functional block by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, `CAP_NET_ADMIN` is missing, or the kernel has no
/// such links.
pub fn create(socket: &mut Socket, name: &InterfaceName, common: Common) -> Result<Option<Link>> {
    let message = new_link(name, InfoKind::Ifb, None, common);
    super::create(socket, message, format_args!("create ifb '{name}'")).map_err(|error| {
        error.explain(|errno| {
            (errno == Errno::OPNOTSUPP).then(|| "this kernel has no ifb links (module 'ifb')".to_owned())
        })
    })
}
