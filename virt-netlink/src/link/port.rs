//! Ports of bridges.

use netlink_packet_route::link::{
    BridgePortState, InfoBridgePort, InfoPortData, InfoPortKind, LinkAttribute, LinkInfo,
};
use rustix::io::Errno;

use super::LinkRef;
use crate::{Result, Socket};

/// The settings of a bridge's port: what to set, where `None` leaves it alone, or what the kernel tells.
///
/// The names are those of `bridge(8)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Reaches no other isolated port of the bridge.
    pub isolated: Option<bool>,
    /// Learns addresses from the frames that come in.
    pub learning: Option<bool>,
    /// Gets frames for addresses that are not known.
    pub unicast_flood: Option<bool>,
    /// Gets multicast frames that nobody asked for.
    pub multicast_flood: Option<bool>,
    /// Gets broadcast frames.
    pub broadcast_flood: Option<bool>,
    /// Frames may go back to where they came from.
    pub hairpin: Option<bool>,
    /// Messages of the spanning tree protocol that come in switch the port off (`IFLA_BRPORT_GUARD`).
    pub guard: Option<bool>,
    /// Never leads to the root (`IFLA_BRPORT_PROTECT`).
    pub root_block: Option<bool>,
    /// Frames only from addresses that were entered by hand.
    pub locked: Option<bool>,
    /// The bridge answers ARP and neighbour solicitations for it.
    pub neighbour_suppression: Option<bool>,
    /// What a way over the port costs, 1 to 65535.
    pub path_cost: Option<u32>,
    /// Preferred among ports of the same cost, 0 to 63, the smallest first.
    pub priority: Option<u16>,
    /// `forwarding` and so on; only read.
    pub state: Option<State>,
}

/// What the spanning tree protocol lets a port do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing, as it or its bridge is off or has no carrier.
    Disabled,
    /// Only the protocol's messages.
    Listening,
    /// Learns addresses, forwards nothing.
    Learning,
    /// Everything.
    Forwarding,
    /// Nothing, to break a loop.
    Blocking,
}

impl Settings {
    /// True if there is nothing to set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Self { state: None, ..*self } == Self::default()
    }

    fn attributes(&self) -> Vec<InfoBridgePort> {
        let mut list = Vec::new();
        list.extend(self.isolated.map(InfoBridgePort::Isolated));
        list.extend(self.learning.map(InfoBridgePort::Learning));
        list.extend(self.unicast_flood.map(InfoBridgePort::UnicastFlood));
        list.extend(self.multicast_flood.map(InfoBridgePort::MulticastFlood));
        list.extend(self.broadcast_flood.map(InfoBridgePort::BroadcastFlood));
        list.extend(self.hairpin.map(InfoBridgePort::HairpinMode));
        list.extend(self.guard.map(InfoBridgePort::Guard));
        list.extend(self.root_block.map(InfoBridgePort::Protect));
        list.extend(self.locked.map(InfoBridgePort::Locked));
        list.extend(self.neighbour_suppression.map(InfoBridgePort::NeighSupress));
        list.extend(self.path_cost.map(InfoBridgePort::Cost));
        list.extend(self.priority.map(InfoBridgePort::Priority));
        list
    }

    /// What the kernel tells.
    pub(super) fn read(attributes: &[InfoBridgePort]) -> Self {
        let mut read = Self::default();
        for attribute in attributes {
            match attribute {
                InfoBridgePort::Isolated(on) => read.isolated = Some(*on),
                InfoBridgePort::Learning(on) => read.learning = Some(*on),
                InfoBridgePort::UnicastFlood(on) => read.unicast_flood = Some(*on),
                InfoBridgePort::MulticastFlood(on) => read.multicast_flood = Some(*on),
                InfoBridgePort::BroadcastFlood(on) => read.broadcast_flood = Some(*on),
                InfoBridgePort::HairpinMode(on) => read.hairpin = Some(*on),
                InfoBridgePort::Guard(on) => read.guard = Some(*on),
                InfoBridgePort::Protect(on) => read.root_block = Some(*on),
                InfoBridgePort::Locked(on) => read.locked = Some(*on),
                InfoBridgePort::NeighSupress(on) => read.neighbour_suppression = Some(*on),
                InfoBridgePort::Cost(cost) => read.path_cost = Some(*cost),
                InfoBridgePort::Priority(priority) => read.priority = Some(*priority),
                InfoBridgePort::State(state) => {
                    read.state = match state {
                        BridgePortState::Disabled => Some(State::Disabled),
                        BridgePortState::Listening => Some(State::Listening),
                        BridgePortState::Learning => Some(State::Learning),
                        BridgePortState::Forwarding => Some(State::Forwarding),
                        BridgePortState::Blocking => Some(State::Blocking),
                        _ => None,
                    }
                }
                _ => {}
            }
        }
        read
    }

    fn explain(&self, errno: Errno) -> Option<String> {
        let given = |set, name| if set { Some(name) } else { None };
        match errno {
            Errno::OPNOTSUPP | Errno::INVAL | Errno::NODEV => Some("it is no port of a bridge".to_owned()),
            Errno::RANGE => {
                let value =
                    given(self.path_cost.is_some_and(|cost| !(1..=65535).contains(&cost)), "path cost")
                        .or_else(|| given(self.priority.is_some_and(|priority| priority > 63), "priority"))?;
                let range = if value == "priority" { "0 to 63" } else { "1 to 65535" };
                Some(format!("the port's {value} is not within {range}"))
            }
            _ => None,
        }
    }
}

/// Changes the settings of a port by one message.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), also for a link that is no port of a bridge. The kernel makes the
/// changes one by one and stops at the first that fails.
pub fn change(socket: &mut Socket, port: LinkRef<'_>, settings: &Settings) -> Result<()> {
    let mut message = port.message();
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(settings.attributes())),
    ]));
    super::modify(socket, message, format_args!("change the settings of bridge port {port:#}"))
        .map_err(|error| error.explain(|errno| settings.explain(errno)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_what_is_read() {
        let settings = Settings {
            isolated: Some(true),
            learning: Some(false),
            unicast_flood: Some(false),
            multicast_flood: Some(true),
            broadcast_flood: Some(true),
            hairpin: Some(true),
            guard: Some(false),
            root_block: Some(true),
            locked: Some(false),
            neighbour_suppression: Some(true),
            path_cost: Some(100),
            priority: Some(32),
            state: None,
        };
        let attributes = settings.attributes();
        assert_eq!(attributes.len(), 12);
        assert_eq!(Settings::read(&attributes), settings);
        let state = InfoBridgePort::State(BridgePortState::Forwarding);
        let read = Settings::read(&[state]);
        assert_eq!(read.state, Some(State::Forwarding));
        assert!(read.is_empty());
    }

    #[test]
    fn bare_numbers_are_worded() {
        for (errno, settings, expected) in [
            (Errno::NODEV, Settings::default(), Some("it is no port of a bridge")),
            (
                Errno::RANGE,
                Settings { path_cost: Some(0), ..Settings::default() },
                Some("the port's path cost is not within 1 to 65535"),
            ),
            (
                Errno::RANGE,
                Settings { priority: Some(64), ..Settings::default() },
                Some("the port's priority is not within 0 to 63"),
            ),
            (Errno::RANGE, Settings::default(), None),
            (Errno::PERM, Settings::default(), None),
        ] {
            assert_eq!(settings.explain(errno).as_deref(), expected);
        }
    }
}
