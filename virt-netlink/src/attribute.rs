//! Names of the attributes in a message, to say which one the kernel points at.
//!
//! Numbers and names are those of `linux/if_link.h`, `linux/if_addr.h`, `linux/rtnetlink.h` and `linux/neighbour.h`.

use netlink_packet_core::{NLA_HEADER_SIZE, NLA_TYPE_MASK, NlaBuffer};

/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// What each family of messages has before the attributes, and how the outermost attributes are called.
const FAMILIES: &[(std::ops::RangeInclusive<u16>, usize, Level)] = &[
    // RTM_NEWLINK to RTM_SETLINK, struct ifinfomsg
    (16..=19, 16, Level::Link),
    // RTM_NEWADDR to RTM_GETADDR, struct ifaddrmsg
    (20..=22, 8, Level::Address),
    // RTM_NEWROUTE to RTM_GETROUTE, struct rtmsg
    (24..=26, 12, Level::Route),
    // RTM_NEWNEIGH to RTM_GETNEIGH, struct ndmsg
    (28..=30, 12, Level::Neighbour),
    // RTM_NEWQDISC to RTM_GETTFILTER, struct tcmsg
    (36..=46, 20, Level::Traffic),
];

const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_DATA: u16 = 5;

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
    (IFLA_INFO_SLAVE_DATA, "IFLA_INFO_SLAVE_DATA"),
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
    (25, "IFLA_BR_MCAST_QUERIER"),
    (39, "IFLA_BR_VLAN_DEFAULT_PVID"),
];

const MACVLAN: &[(u16, &str)] = &[
    (1, "IFLA_MACVLAN_MODE"),
    (2, "IFLA_MACVLAN_FLAGS"),
    (3, "IFLA_MACVLAN_MACADDR_MODE"),
    (4, "IFLA_MACVLAN_MACADDR"),
];

const BRIDGE_PORT: &[(u16, &str)] = &[
    (1, "IFLA_BRPORT_STATE"),
    (2, "IFLA_BRPORT_PRIORITY"),
    (3, "IFLA_BRPORT_COST"),
    (4, "IFLA_BRPORT_MODE"),
    (5, "IFLA_BRPORT_GUARD"),
    (6, "IFLA_BRPORT_PROTECT"),
    (8, "IFLA_BRPORT_LEARNING"),
    (9, "IFLA_BRPORT_UNICAST_FLOOD"),
    (27, "IFLA_BRPORT_MCAST_FLOOD"),
    (30, "IFLA_BRPORT_BCAST_FLOOD"),
    (32, "IFLA_BRPORT_NEIGH_SUPPRESS"),
    (33, "IFLA_BRPORT_ISOLATED"),
    (39, "IFLA_BRPORT_LOCKED"),
];

const VLAN: &[(u16, &str)] = &[(1, "IFLA_VLAN_ID"), (2, "IFLA_VLAN_FLAGS"), (5, "IFLA_VLAN_PROTOCOL")];

const VXLAN: &[(u16, &str)] = &[
    (1, "IFLA_VXLAN_ID"),
    (2, "IFLA_VXLAN_GROUP"),
    (3, "IFLA_VXLAN_LINK"),
    (4, "IFLA_VXLAN_LOCAL"),
    (5, "IFLA_VXLAN_TTL"),
    (7, "IFLA_VXLAN_LEARNING"),
    (15, "IFLA_VXLAN_PORT"),
    (16, "IFLA_VXLAN_GROUP6"),
    (17, "IFLA_VXLAN_LOCAL6"),
];

const VETH: &[(u16, &str)] = &[(1, "VETH_INFO_PEER")];

const ADDRESS: &[(u16, &str)] = &[
    (1, "IFA_ADDRESS"),
    (2, "IFA_LOCAL"),
    (3, "IFA_LABEL"),
    (4, "IFA_BROADCAST"),
    (6, "IFA_CACHEINFO"),
    (8, "IFA_FLAGS"),
];

const ROUTE: &[(u16, &str)] = &[
    (1, "RTA_DST"),
    (4, "RTA_OIF"),
    (5, "RTA_GATEWAY"),
    (6, "RTA_PRIORITY"),
    (7, "RTA_PREFSRC"),
    (15, "RTA_TABLE"),
];

const NEIGHBOUR: &[(u16, &str)] = &[(1, "NDA_DST"), (2, "NDA_LLADDR"), (5, "NDA_VLAN")];

const TRAFFIC: &[(u16, &str)] = &[(1, "TCA_KIND"), (2, "TCA_OPTIONS"), (11, "TCA_CHAIN")];

/// Where in a message an attribute stands, which decides what its number means.
#[derive(Clone, Copy)]
enum Level {
    Link,
    Info,
    Data,
    PortData,
    Address,
    Route,
    Neighbour,
    Traffic,
}

/// The path of the attribute that begins at `offset` of a message, outermost first.
pub(crate) fn path_at(message: &[u8], offset: usize) -> Option<String> {
    let message_type = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    let (_, fixed, outermost) = FAMILIES.iter().find(|(types, ..)| types.contains(&message_type))?;
    let mut path = String::new();
    let (mut begin, mut end) = (HEADER + fixed, message.len());
    let mut level = *outermost;
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
            (Level::Info, IFLA_INFO_SLAVE_DATA) => Level::PortData,
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
            b"vlan" => VLAN,
            b"vxlan" => VXLAN,
            b"veth" => VETH,
            _ => &[],
        },
        Level::PortData => BRIDGE_PORT,
        Level::Address => ADDRESS,
        Level::Route => ROUTE,
        Level::Neighbour => NEIGHBOUR,
        Level::Traffic => TRAFFIC,
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
        let vlan =
            bytes(InfoKind::Vlan, InfoData::Vlan(vec![InfoVlan::Id(5000), InfoVlan::EgressQos(vec![])]));
        assert_eq!(path_at(&vlan, 60).as_deref(), Some("IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VLAN_ID"));
        assert_eq!(path_at(&vlan, 68).as_deref(), Some("IFLA_LINKINFO/IFLA_INFO_DATA/attribute 3"));
    }

    #[test]
    fn every_family_has_names() {
        // One attribute behind each fixed part, of number 1.
        for (message_type, fixed, expected) in [
            (16, 16, "IFLA_ADDRESS"),
            (22, 8, "IFA_ADDRESS"),
            (24, 12, "RTA_DST"),
            (28, 12, "NDA_DST"),
            (44, 20, "TCA_KIND"),
        ] {
            let mut message = vec![0; 16 + fixed];
            message[4..6].copy_from_slice(&u16::to_ne_bytes(message_type));
            message.extend([8_u16.to_ne_bytes(), 1_u16.to_ne_bytes(), [0; 2], [0; 2]].concat());
            assert_eq!(path_at(&message, 16 + fixed).as_deref(), Some(expected));
        }
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
        message[4] = 60;
        assert_eq!(path_at(&message, 32), None);
    }
}
