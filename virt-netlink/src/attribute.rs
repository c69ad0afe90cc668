//! Names of the attributes in a link message, to say which one the kernel points at.
//!
//! Numbers and names are those of `linux/if_link.h`.

use netlink_packet_core::{NLA_HEADER_SIZE, NLA_TYPE_MASK, NlaBuffer};

/// `struct nlmsghdr` and `struct ifinfomsg`, which precede the attributes.
const ATTRIBUTES_AT: usize = 32;

const RTM_NEWLINK: u16 = 16;
const RTM_SETLINK: u16 = 19;

const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;

const LINK: &[(u16, &str)] = &[
    (1, "IFLA_ADDRESS"),
    (2, "IFLA_BROADCAST"),
    (3, "IFLA_IFNAME"),
    (4, "IFLA_MTU"),
    (5, "IFLA_LINK"),
    (10, "IFLA_MASTER"),
    (12, "IFLA_PROTINFO"),
    (13, "IFLA_TXQLEN"),
    (16, "IFLA_OPERSTATE"),
    (17, "IFLA_LINKMODE"),
    (IFLA_LINKINFO, "IFLA_LINKINFO"),
    (19, "IFLA_NET_NS_PID"),
    (20, "IFLA_IFALIAS"),
    (22, "IFLA_VFINFO_LIST"),
    (24, "IFLA_VF_PORTS"),
    (26, "IFLA_AF_SPEC"),
    (27, "IFLA_GROUP"),
    (28, "IFLA_NET_NS_FD"),
    (29, "IFLA_EXT_MASK"),
    (31, "IFLA_NUM_TX_QUEUES"),
    (32, "IFLA_NUM_RX_QUEUES"),
    (33, "IFLA_CARRIER"),
    (39, "IFLA_PROTO_DOWN"),
];

const INFO: &[(u16, &str)] = &[
    (IFLA_INFO_KIND, "IFLA_INFO_KIND"),
    (IFLA_INFO_DATA, "IFLA_INFO_DATA"),
    (4, "IFLA_INFO_SLAVE_KIND"),
    (5, "IFLA_INFO_SLAVE_DATA"),
];

const BRIDGE: &[(u16, &str)] = &[
    (1, "IFLA_BR_FORWARD_DELAY"),
    (2, "IFLA_BR_HELLO_TIME"),
    (3, "IFLA_BR_MAX_AGE"),
    (4, "IFLA_BR_AGEING_TIME"),
    (5, "IFLA_BR_STP_STATE"),
    (6, "IFLA_BR_PRIORITY"),
    (7, "IFLA_BR_VLAN_FILTERING"),
    (9, "IFLA_BR_GROUP_FWD_MASK"),
    (23, "IFLA_BR_MCAST_SNOOPING"),
];

const MACVLAN: &[(u16, &str)] = &[
    (1, "IFLA_MACVLAN_MODE"),
    (2, "IFLA_MACVLAN_FLAGS"),
    (3, "IFLA_MACVLAN_MACADDR_MODE"),
    (4, "IFLA_MACVLAN_MACADDR"),
];

/// Where in a link message an attribute stands, which decides what its number means.
#[derive(Clone, Copy)]
enum Level {
    Link,
    Info,
    Data,
}

/// The path of the attribute that begins at `offset` of a link message, outermost first.
pub(crate) fn path_at(message: &[u8], offset: usize) -> Option<String> {
    let message_type = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    if !(RTM_NEWLINK..=RTM_SETLINK).contains(&message_type) {
        return None;
    }
    let mut path = String::new();
    let (mut begin, mut end) = (ATTRIBUTES_AT, message.len());
    let mut level = Level::Link;
    let mut kind: &[u8] = &[];
    loop {
        let found = attribute_around(message, begin, end, offset)?;
        if let (Level::Info, Some(before)) = (level, found.kind) {
            kind = before;
        }
        match names(level, kind).iter().find(|(number, _)| *number == found.number) {
            Some((_, name)) => path.push_str(name),
            None => path.push_str(&format!("attribute {}", found.number)),
        }
        if found.at == offset {
            return Some(path);
        }
        level = match (level, found.number) {
            (Level::Link, IFLA_LINKINFO) => Level::Info,
            (Level::Info, IFLA_INFO_DATA) => Level::Data,
            _ => return None,
        };
        path.push('/');
        (begin, end) = (found.at + NLA_HEADER_SIZE, found.at + found.length);
    }
}

fn names(level: Level, kind: &[u8]) -> &'static [(u16, &'static str)] {
    match level {
        Level::Link => LINK,
        Level::Info => INFO,
        Level::Data => match kind.strip_suffix(&[0]).unwrap_or(kind) {
            b"bridge" => BRIDGE,
            b"macvlan" | b"macvtap" => MACVLAN,
            _ => &[],
        },
    }
}

struct Found<'a> {
    at: usize,
    number: u16,
    length: usize,
    /// The kind of link, if its attribute was met on the way.
    kind: Option<&'a [u8]>,
}

/// The attribute between `begin` and `end` that contains `offset`.
fn attribute_around(message: &[u8], begin: usize, end: usize, offset: usize) -> Option<Found<'_>> {
    let mut at = begin;
    let mut kind = None;
    while at < end {
        let attribute = NlaBuffer::new_checked(message.get(at..end)?).ok()?;
        let (number, length) = (attribute.kind() & NLA_TYPE_MASK, usize::from(attribute.length()));
        if (at..at + length).contains(&offset) {
            return Some(Found { at, number, length, kind });
        }
        if number == IFLA_INFO_KIND {
            kind = message.get(at + NLA_HEADER_SIZE..at + length);
        }
        at += length.next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{NLM_F_REQUEST, NetlinkMessage};
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::link::{
        InfoBridge, InfoData, InfoKind, InfoVlan, LinkAttribute, LinkInfo, LinkMessage,
    };

    use super::*;

    fn bytes(kind: InfoKind, data: InfoData) -> Vec<u8> {
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName("br0".to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]),
        ];
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewLink(link));
        message.header.flags = NLM_F_REQUEST;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    #[test]
    fn names_the_attribute_at_every_depth() {
        let data = InfoData::Bridge(vec![InfoBridge::ForwardDelay(1), InfoBridge::AgeingTime(2)]);
        let bridge = bytes(InfoKind::Bridge, data);
        // 32: name, 8 bytes; 40: link information; 44: kind, 12 bytes; 56: data; 60 and 68: the data's members.
        for (offset, expected) in [
            (32, Some("IFLA_IFNAME")),
            (36, None),
            (40, Some("IFLA_LINKINFO")),
            (44, Some("IFLA_LINKINFO/IFLA_INFO_KIND")),
            (56, Some("IFLA_LINKINFO/IFLA_INFO_DATA")),
            (60, Some("IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_BR_FORWARD_DELAY")),
            (68, Some("IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_BR_AGEING_TIME")),
            (72, None),
            (4000, None),
        ] {
            assert_eq!(path_at(&bridge, offset).as_deref(), expected, "offset {offset}");
        }
    }

    #[test]
    fn an_attribute_without_a_name_keeps_its_number() {
        let vlan = bytes(InfoKind::Vlan, InfoData::Vlan(vec![InfoVlan::Id(5000)]));
        assert_eq!(path_at(&vlan, 60).as_deref(), Some("IFLA_LINKINFO/IFLA_INFO_DATA/attribute 1"));
    }

    #[test]
    fn damaged_messages_have_no_path() {
        let mut message = bytes(InfoKind::Bridge, InfoData::Bridge(vec![]));
        for length in 0..message.len() {
            // Only that it returns: a prefix may well hold a whole attribute.
            let _ = path_at(&message[..length], 44);
        }
        message[40] = 3;
        assert_eq!(path_at(&message, 44), None);
        message[4] = 20;
        assert_eq!(path_at(&message, 32), None);
    }
}
