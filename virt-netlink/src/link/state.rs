//! What the kernel tells about a link.

use std::time::Duration;

use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoMacVlan, InfoMacVtap, LinkAttribute, LinkFlags, LinkInfo,
    LinkMessage,
};

use super::HardwareAddress;
use super::bridge::from_ticks;
use super::macvlan::Mode;

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
    Bridge(BridgeState),
    /// A macvlan or macvtap, of this mode.
    Macvlan(Mode),
}

/// The settings of a bridge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeState {
    /// The spanning tree protocol is on, in the kernel or in a user process.
    pub stp: bool,
    /// How long a port listens, then learns, before it forwards.
    pub forward_delay: Duration,
    /// How long an address is remembered after its last frame.
    pub ageing_time: Duration,
}

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            index: message.header.index,
            up: flags.contains(LinkFlags::Up),
            carrier: flags.contains(LinkFlags::LowerUp),
            ..Self::default()
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok(),
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                LinkAttribute::Controller(index) => link.master = (index != 0).then_some(index),
                LinkAttribute::Link(index) => link.parent = (index != 0).then_some(index),
                LinkAttribute::Group(group) => link.group = group,
                LinkAttribute::LinkInfo(info) => link.read_info(&info),
                _ => {}
            }
        }
        link
    }
}

impl Link {
    fn read_info(&mut self, info: &[LinkInfo]) {
        for part in info {
            match part {
                LinkInfo::Kind(kind) => self.kind = Some(kind.to_string()),
                LinkInfo::Data(InfoData::Bridge(settings)) => {
                    self.details = Details::Bridge(bridge(settings))
                }
                LinkInfo::Data(InfoData::MacVlan(settings)) => {
                    let mode = settings.iter().find_map(|setting| match setting {
                        InfoMacVlan::Mode(mode) => Mode::from_kernel(*mode),
                        _ => None,
                    });
                    self.details = mode.map_or(Details::None, Details::Macvlan);
                }
                LinkInfo::Data(InfoData::MacVtap(settings)) => {
                    let mode = settings.iter().find_map(|setting| match setting {
                        InfoMacVtap::Mode(mode) => Mode::from_kernel(*mode),
                        _ => None,
                    });
                    self.details = mode.map_or(Details::None, Details::Macvlan);
                }
                _ => {}
            }
        }
    }
}

fn bridge(settings: &[InfoBridge]) -> BridgeState {
    let mut state = BridgeState::default();
    for setting in settings {
        match setting {
            InfoBridge::StpState(stp) => state.stp = *stp != BridgeStpState::Disabled,
            InfoBridge::ForwardDelay(ticks) => state.forward_delay = from_ticks(*ticks),
            InfoBridge::AgeingTime(ticks) => state.ageing_time = from_ticks(*ticks),
            _ => {}
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{InfoKind, MacVlanMode};

    use super::*;

    fn link(attributes: Vec<LinkAttribute>) -> Link {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.flags = LinkFlags::Up;
        message.attributes = attributes;
        message.into()
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
        let settings = BridgeState {
            stp: true,
            forward_delay: Duration::from_millis(2500),
            ageing_time: Duration::from_secs(300),
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
