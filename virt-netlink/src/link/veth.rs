//! Veths: pairs of links, each the far end of the other's cable.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkMessage};
use rustix::io::Errno;

use super::{Common, HardwareAddress, Link, Namespace, new_link};
use crate::{InterfaceName, Result, Socket};

/// A pair to create.
#[derive(Clone, Copy, Debug)]
pub struct Veth<'a> {
    /// The name of the end in the socket's namespace.
    pub name: &'a InterfaceName,
    /// Its properties.
    pub common: Common,
    /// The name of the other end.
    pub peer: &'a InterfaceName,
    /// Its hardware address.
    pub peer_mac: Option<HardwareAddress>,
    /// Bytes of payload in a frame of its. It can not be switched on at once: it has no other end yet.
    pub peer_mtu: Option<u32>,
    /// The namespace that the other end is created in: it never exists in the socket's. Without, it is the socket's.
    pub peer_namespace: Option<Namespace<'a>>,
}

impl<'a> Veth<'a> {
    /// A pair with the kernel's defaults, switched off, both ends in the socket's namespace.
    #[must_use]
    pub fn new(name: &'a InterfaceName, peer: &'a InterfaceName) -> Self {
        Self { name, common: Common::default(), peer, peer_mac: None, peer_mtu: None, peer_namespace: None }
    }

    fn message(&self) -> LinkMessage {
        let common = Common { mac: self.peer_mac, mtu: self.peer_mtu, ..Common::default() };
        let mut peer = new_link(self.peer, InfoKind::Veth, None, common);
        // The kind is the pair's; the kernel refuses it at the peer.
        peer.attributes
            .retain(|attribute| !matches!(attribute, netlink_packet_route::link::LinkAttribute::LinkInfo(_)));
        peer.attributes.extend(self.peer_namespace.map(Namespace::attribute));
        new_link(self.name, InfoKind::Veth, Some(InfoData::Veth(InfoVeth::Peer(peer))), self.common)
    }
}

/// Creates both ends by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): one of the names is taken, the namespace may not be used, or the
/// kernel has no veths.
pub fn create(socket: &mut Socket, veth: &Veth<'_>) -> Result<Option<Link>> {
    let operation = format_args!("create veth '{}' with the peer '{}'", veth.name, veth.peer);
    super::create(socket, veth.message(), operation).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::EXIST => Some("an interface with one of the names exists already".to_owned()),
            Errno::OPNOTSUPP => Some("this kernel has no veth links (module 'veth')".to_owned()),
            Errno::BADF | Errno::SRCH | Errno::INVAL => {
                veth.peer_namespace.map(|_| "the peer's network namespace does not exist".to_owned())
            }
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkInfo};

    use super::*;

    #[test]
    fn the_peer_is_a_message_of_its_own() {
        let (name, peer) = ("ve0".parse().unwrap(), "ve1".parse().unwrap());
        let veth = Veth {
            peer_mtu: Some(9000),
            peer_namespace: Some(Namespace::Process(7)),
            ..Veth::new(&name, &peer)
        };
        let message = veth.message();
        let Some(LinkAttribute::LinkInfo(info)) = message.attributes.last() else { panic!("{message:?}") };
        let [LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))] =
            &info[..]
        else {
            panic!("{info:?}")
        };
        assert_eq!(
            peer.attributes,
            [LinkAttribute::IfName("ve1".to_owned()), LinkAttribute::Mtu(9000), LinkAttribute::NetNsPid(7)]
        );
    }
}
