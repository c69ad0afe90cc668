//! Bridges.

use std::fmt;
use std::time::Duration;

use netlink_packet_route::link::{BridgeStpState, InfoBridge, InfoData, InfoKind, LinkInfo, LinkMessage};
use rustix::io::Errno;

use super::{Common, HardwareAddress, Link, LinkRef, new_link};
use crate::{InterfaceName, Result, Socket};

/// The unit of the bridge's times on the wire: `USER_HZ`, one hundredth of a second on every architecture.
const TICKS_PER_SECOND: u32 = 100;

/// The settings of a bridge: what to set, where `None` leaves it alone, or what the kernel tells.
///
/// Times are in hundredths of a second on the wire and are rounded to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The spanning tree protocol; read, it is on also when a user process runs it.
    pub stp: Option<bool>,
    /// How long a port listens, then learns, before it forwards.
    ///
    /// With the spanning tree protocol the kernel keeps it within [`Settings::FORWARD_DELAY_WITH_STP`]: silently at
    /// the moment when the protocol is switched on, by a refusal later.
    pub forward_delay: Option<Duration>,
    /// How often the protocol's root speaks, 1 to 10 seconds.
    pub hello_time: Option<Duration>,
    /// How old the root's words may be, 6 to 40 seconds.
    pub max_age: Option<Duration>,
    /// The bridge's claim to be the root: the smallest wins.
    pub priority: Option<u16>,
    /// How long an address is remembered after its last frame.
    pub ageing_time: Option<Duration>,
    /// Which link-local group addresses (`01:80:c2:00:00:0X`, bit X) are forwarded in spite of the standard. Bits
    /// 0 to 2 are never accepted.
    pub group_fwd_mask: Option<u16>,
    /// Ports have VLANs, see [`vlan`](super::vlan_filter); needs a kernel built with `CONFIG_BRIDGE_VLAN_FILTERING`.
    pub vlan_filtering: Option<bool>,
    /// The VLAN of untagged frames at new ports, 0 for none; needs the same.
    pub default_pvid: Option<u16>,
    /// Multicast frames go to the ports that asked for them; needs `CONFIG_BRIDGE_IGMP_SNOOPING`.
    pub multicast_snooping: Option<bool>,
    /// The bridge itself asks who wants multicast frames; needs the same.
    pub multicast_querier: Option<bool>,
}

impl Settings {
    /// Shortest and longest forward delay of a bridge with the spanning tree protocol
    /// (`BR_MIN_FORWARD_DELAY`, `BR_MAX_FORWARD_DELAY` in `net/bridge/br_private.h`).
    pub const FORWARD_DELAY_WITH_STP: (Duration, Duration) =
        (Duration::from_secs(2), Duration::from_secs(30));

    /// True if there is nothing to set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn attributes(&self) -> Vec<InfoBridge> {
        let mut list = Vec::new();
        list.extend(self.forward_delay.map(|delay| InfoBridge::ForwardDelay(to_ticks(delay))));
        list.extend(self.hello_time.map(|time| InfoBridge::HelloTime(to_ticks(time))));
        list.extend(self.max_age.map(|time| InfoBridge::MaxAge(to_ticks(time))));
        list.extend(self.ageing_time.map(|time| InfoBridge::AgeingTime(to_ticks(time))));
        list.extend(self.stp.map(|on| {
            InfoBridge::StpState(if on { BridgeStpState::KernelStp } else { BridgeStpState::Disabled })
        }));
        list.extend(self.priority.map(InfoBridge::Priority));
        // A new default VLAN does not come to ports while the filtering is on; the kernel takes them in this order.
        list.extend(self.default_pvid.map(InfoBridge::VlanDefaultPvid));
        list.extend(self.vlan_filtering.map(InfoBridge::VlanFiltering));
        list.extend(self.group_fwd_mask.map(InfoBridge::GroupFwdMask));
        list.extend(self.multicast_snooping.map(InfoBridge::MulticastSnooping));
        list.extend(self.multicast_querier.map(InfoBridge::MulticastQuerier));
        list
    }

    /// What the kernel tells.
    pub(super) fn read(attributes: &[InfoBridge]) -> Self {
        let mut read = Self::default();
        for attribute in attributes {
            match attribute {
                InfoBridge::StpState(stp) => read.stp = Some(*stp != BridgeStpState::Disabled),
                InfoBridge::ForwardDelay(ticks) => read.forward_delay = Some(from_ticks(*ticks)),
                InfoBridge::HelloTime(ticks) => read.hello_time = Some(from_ticks(*ticks)),
                InfoBridge::MaxAge(ticks) => read.max_age = Some(from_ticks(*ticks)),
                InfoBridge::AgeingTime(ticks) => read.ageing_time = Some(from_ticks(*ticks)),
                InfoBridge::Priority(priority) => read.priority = Some(*priority),
                InfoBridge::GroupFwdMask(mask) => read.group_fwd_mask = Some(*mask),
                InfoBridge::VlanFiltering(on) => read.vlan_filtering = Some(*on),
                InfoBridge::VlanDefaultPvid(vlan) => read.default_pvid = Some(*vlan),
                InfoBridge::MulticastSnooping(on) => read.multicast_snooping = Some(*on),
                InfoBridge::MulticastQuerier(on) => read.multicast_querier = Some(*on),
                _ => {}
            }
        }
        read
    }

    /// Which value the kernel can have meant by a bare error number, in the order in which it looks at them.
    fn explain(&self, errno: Errno) -> Option<String> {
        let outside = |time: Option<Duration>, min: u64, max: u64| {
            time.filter(|time| !(Duration::from_secs(min)..=Duration::from_secs(max)).contains(time))
        };
        match errno {
            Errno::RANGE => {
                if let Some(time) = outside(self.hello_time, 1, 10) {
                    return Some(format!("the hello time {time:?} is not within 1 s and 10 s"));
                }
                if let Some(time) = outside(self.max_age, 6, 40) {
                    return Some(format!("the maximum age {time:?} is not within 6 s and 40 s"));
                }
                let time = self.forward_delay?;
                Some(format!(
                    "the forward delay {time:?} is not within 2 s and 30 s, as the spanning tree protocol wants it"
                ))
            }
            Errno::INVAL => {
                if let Some(mask) = self.group_fwd_mask.filter(|mask| mask & 7 != 0) {
                    return Some(format!(
                        "the group forward mask {mask:#06x} has one of the bits 0 to 2, which are never forwarded"
                    ));
                }
                let vlan = self.default_pvid.filter(|vlan| *vlan >= 4095)?;
                Some(format!("the default VLAN {vlan} is not within 0 and 4094"))
            }
            Errno::OPNOTSUPP if self.vlan_filtering.is_some() || self.default_pvid.is_some() => {
                Some("this kernel's bridges have no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)".to_owned())
            }
            Errno::OPNOTSUPP if self.multicast_snooping.is_some() || self.multicast_querier.is_some() => {
                Some(
                    "this kernel's bridges have no multicast snooping (CONFIG_BRIDGE_IGMP_SNOOPING)"
                        .to_owned(),
                )
            }
            _ => None,
        }
    }
}

/// A bridge to create; what is `None` gets the kernel's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge<'a> {
    /// Its name.
    pub name: &'a InterfaceName,
    /// Its hardware address. A bridge that is given one keeps it; without, it follows the lowest address of its
    /// ports, which changes under the guests' feet as ports come and go.
    pub mac: Option<HardwareAddress>,
    /// Bytes of payload in a frame. A bridge that is given it keeps it; without, it follows its ports.
    pub mtu: Option<u32>,
    /// Group to put it in, see [`delete_group`](super::delete_group).
    pub group: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
    /// What only bridges have.
    pub settings: Settings,
}

impl<'a> Bridge<'a> {
    /// A bridge with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: &'a InterfaceName) -> Self {
        Self { name, mac: None, mtu: None, group: None, up: false, settings: Settings::default() }
    }

    fn message(&self) -> LinkMessage {
        let common =
            Common { mac: self.mac, mtu: self.mtu, group: self.group, up: self.up, ..Common::default() };
        new_link(self.name, InfoKind::Bridge, Some(InfoData::Bridge(self.settings.attributes())), common)
    }
}

/// Creates a bridge by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, `CAP_NET_ADMIN` is missing, the kernel has no
/// bridges, or a value is out of range.
pub fn create(socket: &mut Socket, bridge: &Bridge<'_>) -> Result<Option<Link>> {
    super::create(socket, bridge.message(), format_args!("create bridge '{}'", bridge.name))
        .map_err(|error| error.explain(|errno| explain(errno, bridge)))
}

/// Creates several bridges by as few system calls as their messages fit in. Each has its own outcome, in the order
/// given.
///
/// # Errors
///
/// When the socket breaks; what was created then is unknown.
pub fn create_many(socket: &mut Socket, bridges: &[Bridge<'_>]) -> Result<Vec<Result<Option<Link>>>> {
    let requests = bridges
        .iter()
        .map(|bridge| super::creation(bridge.message(), format!("create bridge '{}'", bridge.name)));
    let outcomes = socket.batch_told(requests.collect())?;
    Ok(outcomes
        .into_iter()
        .zip(bridges)
        .map(|(outcome, bridge)| {
            outcome
                .map(|message| message.and_then(super::told))
                .map_err(|error| error.explain(|errno| explain(errno, bridge)))
        })
        .collect())
}

/// Changes the settings of a bridge by one message.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused). The kernel makes the changes one by one and stops at the first that
/// fails, so that some may have been made.
pub fn change(socket: &mut Socket, bridge: LinkRef<'_>, settings: &Settings) -> Result<()> {
    let mut message = bridge.message();
    message.attributes.push(netlink_packet_route::link::LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Bridge),
        LinkInfo::Data(InfoData::Bridge(settings.attributes())),
    ]));
    super::modify(socket, message, format_args!("change the settings of bridge {bridge:#}"))
        .map_err(|error| error.explain(|errno| settings.explain(errno)))
}

fn explain(errno: Errno, bridge: &Bridge<'_>) -> Option<String> {
    if let Errno::ADDRNOTAVAIL | Errno::INVAL = errno
        && let Some(mac) = bridge.mac.filter(|mac| mac[0] & 1 != 0 || *mac == [0; 6])
    {
        return Some(format!("{} is a multicast or empty address", Mac(mac)));
    }
    bridge.settings.explain(errno).or_else(|| {
        (errno == Errno::OPNOTSUPP).then(|| "this kernel has no bridges (module 'bridge')".to_owned())
    })
}

/// A hardware address as people write it.
pub(crate) struct Mac(pub(crate) HardwareAddress);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Rounds to the nearest tick, so that a time that was read can be written back.
fn to_ticks(time: Duration) -> u32 {
    let ticks = (time.as_millis() * u128::from(TICKS_PER_SECOND) + 500) / 1000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

fn from_ticks(ticks: u32) -> Duration {
    Duration::from_millis(u64::from(ticks) * 1000 / u64::from(TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    #[test]
    fn one_message_holds_everything() {
        let name = "br0".parse().unwrap();
        let bridge = Bridge {
            mac: Some([0x52, 0x54, 0, 1, 2, 3]),
            settings: Settings {
                stp: Some(true),
                forward_delay: Some(Duration::from_secs(4)),
                ageing_time: Some(Duration::from_millis(1230)),
                ..Settings::default()
            },
            up: true,
            ..Bridge::new(&name)
        };
        let message = bridge.message();
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        #[rustfmt::skip]
        let expected: &[u8] = &[
            // struct ifinfomsg: family, type, index, flags and change mask with IFF_UP
            0, 0, 0, 0,  0, 0, 0, 0,  1, 0, 0, 0,  1, 0, 0, 0,
            8, 0, 3, 0, b'b', b'r', b'0', 0,                    // IFLA_IFNAME
            10, 0, 1, 0, 0x52, 0x54, 0, 1, 2, 3, 0, 0,          // IFLA_ADDRESS
            44, 0, 18, 0,                                       // IFLA_LINKINFO
            11, 0, 1, 0, b'b', b'r', b'i', b'd', b'g', b'e', 0, 0, // IFLA_INFO_KIND
            28, 0, 2, 0,                                        // IFLA_INFO_DATA
            8, 0, 1, 0, 0x90, 1, 0, 0,                          // IFLA_BR_FORWARD_DELAY 400
            8, 0, 4, 0, 123, 0, 0, 0,                           // IFLA_BR_AGEING_TIME 123
            8, 0, 5, 0, 1, 0, 0, 0,                             // IFLA_BR_STP_STATE
        ];
        if cfg!(target_endian = "little") {
            assert_eq!(bytes, expected);
        }
    }

    #[test]
    fn what_is_set_is_what_is_read() {
        let settings = Settings {
            stp: Some(true),
            forward_delay: Some(Duration::from_secs(15)),
            hello_time: Some(Duration::from_secs(2)),
            max_age: Some(Duration::from_secs(20)),
            priority: Some(0x8000),
            ageing_time: Some(Duration::from_secs(300)),
            group_fwd_mask: Some(0x4000),
            vlan_filtering: Some(true),
            default_pvid: Some(1),
            multicast_snooping: Some(false),
            multicast_querier: Some(true),
        };
        assert_eq!(Settings::read(&settings.attributes()), settings);
        assert_eq!(settings.attributes().len(), 11);
        assert!(Settings::default().attributes().is_empty() && Settings::default().is_empty());
    }

    #[test]
    fn a_bare_number_names_the_value() {
        let second = Duration::from_secs(1);
        let name = "br0".parse().unwrap();
        for (errno, settings, expected) in [
            (
                Errno::RANGE,
                Settings { hello_time: Some(11 * second), ..Settings::default() },
                Some("the hello time 11s is not within 1 s and 10 s"),
            ),
            (
                Errno::RANGE,
                Settings { hello_time: Some(second), max_age: Some(5 * second), ..Settings::default() },
                Some("the maximum age 5s is not within 6 s and 40 s"),
            ),
            (
                Errno::RANGE,
                Settings { forward_delay: Some(second), ..Settings::default() },
                Some(
                    "the forward delay 1s is not within 2 s and 30 s, as the spanning tree protocol wants it",
                ),
            ),
            (Errno::RANGE, Settings::default(), None),
            (
                Errno::INVAL,
                Settings { group_fwd_mask: Some(1), ..Settings::default() },
                Some("the group forward mask 0x0001 has one of the bits 0 to 2, which are never forwarded"),
            ),
            (
                Errno::INVAL,
                Settings { default_pvid: Some(4095), ..Settings::default() },
                Some("the default VLAN 4095 is not within 0 and 4094"),
            ),
            (
                Errno::OPNOTSUPP,
                Settings { vlan_filtering: Some(true), ..Settings::default() },
                Some("this kernel's bridges have no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"),
            ),
            (
                Errno::OPNOTSUPP,
                Settings { multicast_snooping: Some(true), ..Settings::default() },
                Some("this kernel's bridges have no multicast snooping (CONFIG_BRIDGE_IGMP_SNOOPING)"),
            ),
            (Errno::OPNOTSUPP, Settings::default(), Some("this kernel has no bridges (module 'bridge')")),
            (Errno::EXIST, Settings::default(), None),
        ] {
            let bridge = Bridge { settings, ..Bridge::new(&name) };
            assert_eq!(explain(errno, &bridge).as_deref(), expected);
        }
    }

    #[test]
    fn times_survive_the_wire() {
        for (milliseconds, ticks) in [(0, 0), (4, 0), (5, 1), (10, 1), (15_000, 1500), (u64::MAX, u32::MAX)] {
            assert_eq!(to_ticks(Duration::from_millis(milliseconds)), ticks);
        }
        for ticks in [0, 1, 199, 3000, u32::MAX] {
            assert_eq!(to_ticks(from_ticks(ticks)), ticks);
        }
    }

    #[test]
    fn a_multicast_address_is_named() {
        let name = "br0".parse().unwrap();
        let bridge = Bridge { mac: Some([1, 0, 0, 0, 0, 0xab]), ..Bridge::new(&name) };
        assert_eq!(
            explain(Errno::ADDRNOTAVAIL, &bridge).as_deref(),
            Some("01:00:00:00:00:ab is a multicast or empty address")
        );
        assert_eq!(explain(Errno::ADDRNOTAVAIL, &Bridge::new(&name)), None);
    }
}
