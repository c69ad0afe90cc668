//! VXLANs: Ethernet over UDP (RFC 7348).

use std::net::IpAddr;

use netlink_packet_route::link::{InfoData, InfoKind, InfoVxlan, LinkMessage};
use rustix::io::Errno;

use super::{Common, Link, new_link};
use crate::{InterfaceName, Result, Socket};

/// The port that is registered for VXLAN. The kernel's own default, 8472, is older.
pub const PORT: u16 = 4789;

/// A VXLAN to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vxlan<'a> {
    /// Its name.
    pub name: &'a InterfaceName,
    /// The number of the network, 0 to 16,777,215.
    pub id: u32,
    /// The address that frames leave from.
    pub local: Option<IpAddr>,
    /// Where frames go whose destination is not known: another host, or a multicast group, which needs
    /// [`parent`](Self::parent).
    pub remote: Option<IpAddr>,
    /// The index of the link that frames leave by.
    pub parent: Option<u32>,
    /// The UDP port.
    pub port: u16,
    /// Learns from frames which address is behind which host.
    pub learning: bool,
    /// Hops that frames live for; 0 leaves it to the kernel.
    pub ttl: u8,
    /// What every link has.
    pub common: Common,
}

impl<'a> Vxlan<'a> {
    /// A VXLAN on the registered port, switched off, that learns.
    #[must_use]
    pub fn new(name: &'a InterfaceName, id: u32) -> Self {
        Self {
            name,
            id,
            local: None,
            remote: None,
            parent: None,
            port: PORT,
            learning: true,
            ttl: 0,
            common: Common::default(),
        }
    }

    fn message(&self) -> LinkMessage {
        let mut settings = vec![InfoVxlan::Id(self.id)];
        settings.extend(self.remote.map(|remote| match remote {
            IpAddr::V4(address) => InfoVxlan::Group(address),
            IpAddr::V6(address) => InfoVxlan::Group6(address),
        }));
        settings.extend(self.local.map(|local| match local {
            IpAddr::V4(address) => InfoVxlan::Local(address),
            IpAddr::V6(address) => InfoVxlan::Local6(address),
        }));
        settings.extend(self.parent.map(InfoVxlan::Link));
        settings.extend((self.ttl != 0).then_some(InfoVxlan::Ttl(self.ttl)));
        settings.push(InfoVxlan::Learning(self.learning));
        settings.push(InfoVxlan::Port(self.port));
        new_link(self.name, InfoKind::Vxlan, Some(InfoData::Vxlan(settings)), self.common)
    }
}

/// Creates a VXLAN by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, another VXLAN has number and port, the addresses do
/// not go together, or the kernel has no VXLANs.
pub fn create(socket: &mut Socket, vxlan: &Vxlan<'_>) -> Result<Option<Link>> {
    super::create(socket, vxlan.message(), format_args!("create vxlan '{}'", vxlan.name)).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::NODEV => Some("the link that its frames should leave by does not exist".to_owned()),
            Errno::EXIST => Some(format!(
                "the name exists already, or another VXLAN has the number {} and the port {}",
                vxlan.id, vxlan.port
            )),
            Errno::RANGE => Some(format!("the number {} does not fit into 24 bits", vxlan.id)),
            Errno::OPNOTSUPP => Some("this kernel has no VXLANs (module 'vxlan')".to_owned()),
            _ => None,
        })
    })
}
