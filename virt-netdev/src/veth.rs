//! Veths: pairs of devices, each the far end of the other's cable.

use virt_netlink::link::{self as request, Namespace};
use virt_types::MacAddr;

pub use crate::kind::Properties;
use crate::readback::check_unicast;
use crate::{InterfaceName, Link, Result, Socket, kind};

/// A pair to create.
#[derive(Clone, Debug)]
pub struct Veth<'a> {
    /// The name of the end in the socket's namespace.
    pub name: InterfaceName,
    /// Its properties.
    pub properties: Properties,
    /// The name of the other end.
    pub peer: InterfaceName,
    /// The other end's hardware address.
    pub peer_mac: Option<MacAddr>,
    /// Bytes of payload in a frame of the other end's.
    pub peer_mtu: Option<u32>,
    /// The namespace that the other end is created in: it never exists in the socket's. Without, it is the socket's.
    pub peer_namespace: Option<Namespace<'a>>,
}

impl Veth<'_> {
    /// A pair with the kernel's defaults, switched off, both ends in the socket's namespace.
    #[must_use]
    pub fn new(name: InterfaceName, peer: InterfaceName) -> Self {
        Self {
            name,
            properties: Properties::default(),
            peer,
            peer_mac: None,
            peer_mtu: None,
            peer_namespace: None,
        }
    }
}

/// Creates both ends by one `RTM_NEWLINK`, reads the near one back and compares. The other end is switched off.
///
/// # Errors
///
/// [`Error::Netlink`](crate::Error::Netlink) when the kernel refuses, for example as one of the names is taken;
/// [`Error::NotApplied`](crate::Error::NotApplied) when the near end came out differently, after both were deleted.
pub fn create(socket: &mut Socket, veth: &Veth<'_>) -> Result<Link> {
    check_unicast(veth.peer_mac)?;
    kind::create(
        socket,
        "veth",
        &veth.name,
        &veth.properties,
        |socket, common| {
            let request = request::veth::Veth {
                common,
                peer_mac: veth.peer_mac.map(|mac| mac.0),
                peer_mtu: veth.peer_mtu,
                peer_namespace: veth.peer_namespace,
                ..request::veth::Veth::new(&veth.name, &veth.peer)
            };
            request::veth::create(socket, &request)
        },
        |_, _| Ok(()),
    )
}
