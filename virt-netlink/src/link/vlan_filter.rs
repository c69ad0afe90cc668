//! The VLANs of a filtering bridge's ports.
//!
//! Messages of the family `AF_BRIDGE`; `struct bridge_vlan_info` in `linux/if_bridge.h`.

use netlink_packet_route::link::{
    AfSpecBridge, BridgeFlag, BridgeVlanInfo, BridgeVlanInfoFlags, LinkAttribute, LinkExtentMask, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;

use super::LinkRef;
use crate::{Result, Socket};

/// One VLAN of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortVlan {
    /// Its number, 1 to 4094.
    pub id: u16,
    /// Frames without a tag that come in belong to it. A port has one at most: the last that was given.
    pub pvid: bool,
    /// Its frames leave without a tag.
    pub untagged: bool,
}

/// Where a port's VLANs are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// At the port.
    #[default]
    Port,
    /// At the bridge itself, which is a port to the host.
    Bridge,
}

fn message(index: u32, vlans: impl Iterator<Item = PortVlan>, side: Side) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    let mut parts = Vec::new();
    if side == Side::Bridge {
        parts.push(AfSpecBridge::Flags(BridgeFlag::LowerDev));
    }
    parts.extend(vlans.map(|vlan| {
        let mut flags = BridgeVlanInfoFlags::empty();
        flags.set(BridgeVlanInfoFlags::Pvid, vlan.pvid);
        flags.set(BridgeVlanInfoFlags::Untagged, vlan.untagged);
        AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid: vlan.id })
    }));
    message.attributes.push(LinkAttribute::AfSpecBridge(parts));
    message
}

fn explain(errno: Errno) -> Option<String> {
    match errno {
        Errno::OPNOTSUPP | Errno::NODEV => {
            Some("it is no port of a bridge, or this kernel's bridges have no VLANs".to_owned())
        }
        Errno::INVAL => Some("a VLAN is not within 1 and 4094".to_owned()),
        Errno::NOENT => Some("the port has no such VLAN".to_owned()),
        _ => None,
    }
}

/// Puts a port into VLANs, by one message. What it has already stays.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), for example when the link is no port of a bridge.
pub fn add(socket: &mut Socket, index: u32, vlans: &[PortVlan], side: Side) -> Result<()> {
    let message = message(index, vlans.iter().copied(), side);
    socket
        .request(
            RouteNetlinkMessage::SetLink(message),
            0,
            format_args!("add VLANs to bridge port {:#}", LinkRef::Index(index)),
        )
        .map_err(|error| error.explain(explain))
}

/// Takes a port out of VLANs, by one message.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused).
pub fn remove(socket: &mut Socket, index: u32, ids: &[u16], side: Side) -> Result<()> {
    let vlans = ids.iter().map(|id| PortVlan { id: *id, pvid: false, untagged: false });
    let message = message(index, vlans, side);
    socket
        .request(
            RouteNetlinkMessage::DelLink(message),
            0,
            format_args!("remove VLANs of bridge port {:#}", LinkRef::Index(index)),
        )
        .map_err(|error| error.explain(explain))
}

/// The VLANs of all ports, with the index of each port (or bridge).
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn list(socket: &mut Socket) -> Result<Vec<(u32, Vec<PortVlan>)>> {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::BrvlanCompressed]));
    let entries = socket
        .dump(&RouteNetlinkMessage::GetLink(message), format_args!("list the VLANs of bridge ports"))?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewLink(message) => Some((message.header.index, read(&message))),
            _ => None,
        })
        .collect())
}

fn read(message: &LinkMessage) -> Vec<PortVlan> {
    let mut vlans = Vec::new();
    let mut begin = None;
    let parts = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::AfSpecBridge(parts) => Some(parts),
        _ => None,
    });
    for part in parts.flatten() {
        let AfSpecBridge::VlanInfo(info) = part else { continue };
        let vlan = |id| PortVlan {
            id,
            pvid: info.flags.contains(BridgeVlanInfoFlags::Pvid),
            untagged: info.flags.contains(BridgeVlanInfoFlags::Untagged),
        };
        if info.flags.contains(BridgeVlanInfoFlags::RangeBegin) {
            begin = Some(info.vid);
        } else if info.flags.contains(BridgeVlanInfoFlags::RangeEnd) {
            let first = begin.take().unwrap_or(info.vid);
            vlans.extend((first..=info.vid).map(vlan));
        } else {
            vlans.push(vlan(info.vid));
        }
    }
    vlans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(vid: u16, flags: BridgeVlanInfoFlags) -> AfSpecBridge {
        AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid })
    }

    #[test]
    fn ranges_are_written_out() {
        let untagged = BridgeVlanInfoFlags::Untagged;
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::AfSpecBridge(vec![
            info(1, BridgeVlanInfoFlags::Pvid | untagged),
            info(10, BridgeVlanInfoFlags::RangeBegin | untagged),
            info(12, BridgeVlanInfoFlags::RangeEnd | untagged),
            info(4094, BridgeVlanInfoFlags::empty()),
        ]));
        let plain = |id| PortVlan { id, pvid: false, untagged: true };
        assert_eq!(
            read(&message),
            [
                PortVlan { id: 1, pvid: true, untagged: true },
                plain(10),
                plain(11),
                plain(12),
                PortVlan { id: 4094, pvid: false, untagged: false },
            ]
        );
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let vlans = [
            PortVlan { id: 5, pvid: true, untagged: false },
            PortVlan { id: 6, pvid: false, untagged: true },
        ];
        assert_eq!(read(&message(3, vlans.into_iter(), Side::Bridge)), vlans);
    }
}
