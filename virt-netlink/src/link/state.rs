//! What the kernel tells about a link.

use std::net::IpAddr;

use netlink_packet_core::{DecodeError, Parseable};
use netlink_packet_route::link::{
    InfoData, InfoMacVlan, InfoMacVtap, InfoPortData, InfoVlan, InfoVxlan, LinkAttribute, LinkFlags,
    LinkInfo, LinkMessage, State, VlanProtocol,
};

use super::macvlan::Mode;
use super::{HardwareAddress, bridge, port};

/// A link as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The number of the link in its namespace, never 0.
    pub index: u32,
    /// The name. Not an [`InterfaceName`](crate::InterfaceName): a kernel may have names that we would not give.
    pub name: String,
    /// The kind of a link made by request (`bridge`, `macvtap`, `tun`, …); hardware and `lo` have none.
    pub kind: Option<String>,
    /// The hardware address, of links that have one of six bytes.
    pub mac: Option<HardwareAddress>,
    /// Bytes of payload in a frame.
    pub mtu: u32,
    /// Switched on (`IFF_UP`).
    pub up: bool,
    /// Has a carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// The index of the bridge (or bond, …) whose port the link is.
    pub master: Option<u32>,
    /// The index of the link below, of a macvlan for example.
    pub parent: Option<u32>,
    /// The group; links start in group 0.
    pub group: u32,
    /// What the link is by its hardware: `ARPHRD_ETHER` (1), `ARPHRD_LOOPBACK` (772), … of `linux/if_arp.h`.
    pub hardware_type: u16,
    /// What it can do at present.
    pub oper_state: OperState,
    /// Hears every frame that passes, because it was told so (`IFF_PROMISC`).
    pub promiscuous: bool,
    /// How many users want it to hear every frame, bridges among them.
    pub promiscuity: u32,
    /// Hears every multicast frame, because it was told so (`IFF_ALLMULTI`).
    pub all_multicast: bool,
    /// Does without ARP (`IFF_NOARP`).
    pub no_arp: bool,
    /// Frames that wait to be sent.
    pub tx_queue_length: u32,
    /// The text for people.
    pub alias: Option<String>,
    /// The smallest and largest MTU; 0 for none.
    pub mtu_range: (u32, u32),
    /// Queues for sending and receiving.
    pub queues: (u32, u32),
    /// How many virtual functions it has.
    pub virtual_functions: u32,
    /// The bus and the name of the hardware behind it: `("pci", "0000:00:03.0")`.
    pub device: Option<(String, String)>,
    /// Set when [`parent`](Self::parent) (or the peer, for a veth) is an index of another namespace, which has this
    /// number here.
    pub parent_namespace: Option<i32>,
    /// Whose frames a macvlan or macvtap in the mode [`Mode::Source`] accepts.
    pub sources: Vec<HardwareAddress>,
    /// The settings of a bridge's port.
    pub port: Option<port::Settings>,
    /// What only links of its kind have.
    pub details: Details,
}

/// What only links of one kind have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// A kind without details, or one that we do not read.
    #[default]
    None,
    /// A bridge.
    Bridge(bridge::Settings),
    /// A macvlan or macvtap, of this mode.
    Macvlan(Mode),
    /// A VLAN link.
    Vlan(VlanState),
    /// A VXLAN.
    Vxlan(VxlanState),
}

/// A VLAN link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VlanState {
    /// The number in the tag.
    pub id: u16,
    /// The tags are those of 802.1ad.
    pub service_tag: bool,
}

/// A VXLAN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VxlanState {
    /// The number of the network.
    pub id: u32,
    /// The address that frames leave from.
    pub local: Option<IpAddr>,
    /// Where frames go whose destination is not known.
    pub remote: Option<IpAddr>,
    /// The UDP port.
    pub port: u16,
    /// Learns which address is behind which host.
    pub learning: bool,
}

/// What a link can do at present (RFC 2863).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperState {
    /// Its driver does not tell.
    #[default]
    Unknown,
    /// A part is missing.
    NotPresent,
    /// Nothing.
    Down,
    /// Nothing, since the link below is down.
    LowerLayerDown,
    /// It is being tested.
    Testing,
    /// It waits for something outside, such as an authentication.
    Dormant,
    /// Everything.
    Up,
}

impl OperState {
    /// The word that `/sys/class/net/*/operstate` has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotPresent => "notpresent",
            Self::Down => "down",
            Self::LowerLayerDown => "lowerlayerdown",
            Self::Testing => "testing",
            Self::Dormant => "dormant",
            Self::Up => "up",
        }
    }
}

impl From<State> for OperState {
    fn from(state: State) -> Self {
        match state {
            State::NotPresent => Self::NotPresent,
            State::Down => Self::Down,
            State::LowerLayerDown => Self::LowerLayerDown,
            State::Testing => Self::Testing,
            State::Dormant => Self::Dormant,
            State::Up => Self::Up,
            _ => Self::Unknown,
        }
    }
}

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            index: message.header.index,
            up: flags.contains(LinkFlags::Up),
            carrier: flags.contains(LinkFlags::LowerUp),
            promiscuous: flags.contains(LinkFlags::Promisc),
            all_multicast: flags.contains(LinkFlags::Allmulti),
            no_arp: flags.contains(LinkFlags::Noarp),
            hardware_type: message.header.link_layer_type.into(),
            ..Self::default()
        };
        let (mut bus, mut device) = (None, None);
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok(),
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                LinkAttribute::Controller(index) => link.master = (index != 0).then_some(index),
                LinkAttribute::Link(index) => link.parent = (index != 0).then_some(index),
                LinkAttribute::Group(group) => link.group = group,
                LinkAttribute::LinkInfo(info) => link.read_info(&info),
                LinkAttribute::OperState(state) => link.oper_state = state.into(),
                LinkAttribute::Promiscuity(count) => link.promiscuity = count,
                LinkAttribute::TxQueueLen(length) => link.tx_queue_length = length,
                LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
                LinkAttribute::MinMtu(min) => link.mtu_range.0 = min,
                LinkAttribute::MaxMtu(max) => link.mtu_range.1 = max,
                LinkAttribute::NumTxQueues(count) => link.queues.0 = count,
                LinkAttribute::NumRxQueues(count) => link.queues.1 = count,
                LinkAttribute::NumVf(count) => link.virtual_functions = count,
                LinkAttribute::ParentDevBusName(name) => bus = Some(name),
                LinkAttribute::ParentDevName(name) => device = Some(name),
                LinkAttribute::LinkNetNsId(id) => link.parent_namespace = Some(id),
                _ => {}
            }
        }
        link.device = bus.zip(device);
        link
    }
}

impl Link {
    /// Reads the payload of an `RTM_NEWLINK` or `RTM_DELLINK` message: `struct ifinfomsg` and the attributes.
    ///
    /// # Errors
    ///
    /// What the decoder found.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        LinkMessage::parse(payload).map(Self::from)
    }

    fn read_info(&mut self, info: &[LinkInfo]) {
        for part in info {
            match part {
                LinkInfo::Kind(kind) => self.kind = Some(kind.to_string()),
                LinkInfo::Data(InfoData::Bridge(settings)) => {
                    self.details = Details::Bridge(bridge::Settings::read(settings))
                }
                LinkInfo::Data(InfoData::MacVlan(settings)) => {
                    let mode = settings.iter().find_map(|setting| match setting {
                        InfoMacVlan::Mode(mode) => Mode::from_kernel(*mode),
                        _ => None,
                    });
                    self.details = mode.map_or(Details::None, Details::Macvlan);
                    self.sources = settings.iter().flat_map(sources_of_macvlan).collect();
                }
                LinkInfo::Data(InfoData::MacVtap(settings)) => {
                    let mode = settings.iter().find_map(|setting| match setting {
                        InfoMacVtap::Mode(mode) => Mode::from_kernel(*mode),
                        _ => None,
                    });
                    self.details = mode.map_or(Details::None, Details::Macvlan);
                    self.sources = settings.iter().flat_map(sources_of_macvtap).collect();
                }
                LinkInfo::Data(InfoData::Vlan(settings)) => self.details = Details::Vlan(vlan(settings)),
                LinkInfo::Data(InfoData::Vxlan(settings)) => self.details = Details::Vxlan(vxlan(settings)),
                LinkInfo::PortData(InfoPortData::BridgePort(settings)) => {
                    self.port = Some(port::Settings::read(settings))
                }
                _ => {}
            }
        }
    }
}

fn sources_of_macvlan(setting: &InfoMacVlan) -> Vec<HardwareAddress> {
    match setting {
        InfoMacVlan::MacAddr(mac) => vec![*mac],
        InfoMacVlan::MacAddrData(list) => list.iter().flat_map(sources_of_macvlan).collect(),
        _ => Vec::new(),
    }
}

fn sources_of_macvtap(setting: &InfoMacVtap) -> Vec<HardwareAddress> {
    match setting {
        InfoMacVtap::MacAddr(mac) => vec![*mac],
        InfoMacVtap::MacAddrData(list) => list.iter().flat_map(sources_of_macvtap).collect(),
        _ => Vec::new(),
    }
}

fn vlan(settings: &[InfoVlan]) -> VlanState {
    let mut state = VlanState::default();
    for setting in settings {
        match setting {
            InfoVlan::Id(id) => state.id = *id,
            InfoVlan::Protocol(protocol) => state.service_tag = *protocol == VlanProtocol::Ieee8021Ad,
            _ => {}
        }
    }
    state
}

fn vxlan(settings: &[InfoVxlan]) -> VxlanState {
    let mut state = VxlanState::default();
    for setting in settings {
        match setting {
            InfoVxlan::Id(id) => state.id = *id,
            InfoVxlan::Local(address) => state.local = Some((*address).into()),
            InfoVxlan::Local6(address) => state.local = Some((*address).into()),
            InfoVxlan::Group(address) => state.remote = Some((*address).into()),
            InfoVxlan::Group6(address) => state.remote = Some((*address).into()),
            InfoVxlan::Port(port) => state.port = *port,
            InfoVxlan::Learning(on) => state.learning = *on,
            _ => {}
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use netlink_packet_route::link::{BridgeStpState, InfoBridge, InfoKind, MacVlanMode};

    use super::*;

    fn link(attributes: Vec<LinkAttribute>) -> Link {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.flags = LinkFlags::Up;
        message.attributes = attributes;
        message.into()
    }

    #[test]
    fn damaged_payloads_are_refused() {
        assert!(Link::parse(&[0; 15]).is_err());
        assert_eq!(Link::parse(&[0; 16]).unwrap(), Link::default());
        // An attribute that is longer than the message.
        assert!(Link::parse(&[[0; 16].as_slice(), &[200, 0, 3, 0]].concat()).is_err());
    }

    #[test]
    fn reads_a_bridge() {
        let data = InfoData::Bridge(vec![
            InfoBridge::StpState(BridgeStpState::KernelStp),
            InfoBridge::ForwardDelay(250),
            InfoBridge::AgeingTime(30_000),
        ]);
        let read = link(vec![
            LinkAttribute::IfName("br0".to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
            LinkAttribute::Mtu(1500),
            LinkAttribute::Controller(0),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(data)]),
        ]);
        let settings = bridge::Settings {
            stp: Some(true),
            forward_delay: Some(Duration::from_millis(2500)),
            ageing_time: Some(Duration::from_secs(300)),
            ..bridge::Settings::default()
        };
        let expected = Link {
            index: 7,
            name: "br0".to_owned(),
            kind: Some("bridge".to_owned()),
            mac: Some([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            up: true,
            details: Details::Bridge(settings),
            ..Link::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_mode_that_we_do_not_know_is_no_detail() {
        let read = |mode| {
            let data = InfoData::MacVtap(vec![InfoMacVtap::Mode(mode)]);
            link(vec![LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::MacVtap), LinkInfo::Data(data)])])
                .details
        };
        assert_eq!(read(MacVlanMode::Vepa), Details::Macvlan(Mode::Vepa));
        assert_eq!(read(MacVlanMode::Other(64)), Details::None);
    }

    #[test]
    fn an_address_of_another_length_is_none() {
        assert_eq!(link(vec![LinkAttribute::Address(vec![1, 2, 3, 4])]).mac, None);
    }
}
