//! VXLANs: Ethernet over UDP.

use std::net::IpAddr;

use virt_netlink::link::{self as request, Details};

pub use crate::kind::Properties;
use crate::{InterfaceName, Link, Result, Socket, kind, link};

/// A VXLAN to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vxlan {
    /// Its name.
    pub name: InterfaceName,
    /// The number of the network, 0 to 16,777,215.
    pub id: u32,
    /// The address that frames leave from.
    pub local: Option<IpAddr>,
    /// Where frames go whose destination is not known: another host, or a multicast group, which needs a parent.
    pub remote: Option<IpAddr>,
    /// The device that frames leave by.
    pub parent: Option<InterfaceName>,
    /// The UDP port.
    pub port: u16,
    /// Learns from frames which address is behind which host.
    pub learning: bool,
    /// What every device has.
    pub properties: Properties,
}

impl Vxlan {
    /// A VXLAN on the registered port, switched off, that learns.
    #[must_use]
    pub fn new(name: InterfaceName, id: u32) -> Self {
        Self {
            name,
            id,
            local: None,
            remote: None,
            parent: None,
            port: request::vxlan::PORT,
            learning: true,
            properties: Properties::default(),
        }
    }
}

/// Creates a VXLAN by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`](crate::Error::Netlink) when the parent does not exist or the kernel refuses;
/// [`Error::NotApplied`](crate::Error::NotApplied) when it came out differently, after it was deleted.
pub fn create(socket: &mut Socket, vxlan: &Vxlan) -> Result<Link> {
    let parent = vxlan.parent.as_ref().map(|parent| link::get(socket, parent)).transpose()?;
    let parent = parent.map(|parent| parent.index);
    kind::create(
        socket,
        "vxlan",
        &vxlan.name,
        &vxlan.properties,
        |socket, common| {
            let request = request::vxlan::Vxlan {
                local: vxlan.local,
                remote: vxlan.remote,
                parent,
                port: vxlan.port,
                learning: vxlan.learning,
                common,
                ..request::vxlan::Vxlan::new(&vxlan.name, vxlan.id)
            };
            request::vxlan::create(socket, &request)
        },
        |readback, link| {
            let asked = (vxlan.id, vxlan.port, vxlan.local, vxlan.remote, vxlan.learning);
            let found = match link.details {
                Details::Vxlan(state) => {
                    Some((state.id, state.port, state.local, state.remote, state.learning))
                }
                _ => None,
            };
            readback.same("number, port, addresses and learning", Some(Some(asked)), &found, |state| {
                format!("{state:?}")
            })
        },
    )
}
