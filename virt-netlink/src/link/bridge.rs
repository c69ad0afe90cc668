//! Bridges.

use std::time::Duration;

use netlink_packet_route::link::{BridgeStpState, InfoBridge, InfoData, InfoKind, LinkMessage};
use rustix::io::Errno;

use super::{Common, HardwareAddress, new_link};
use crate::{InterfaceName, Result, Socket};

/// The unit of the bridge's times on the wire: `USER_HZ`, one hundredth of a second on every architecture.
const TICKS_PER_SECOND: u32 = 100;

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
    /// The spanning tree protocol.
    pub stp: Option<bool>,
    /// How long a port listens, then learns, before it forwards; in hundredths of a second.
    ///
    /// With the spanning tree protocol the kernel silently keeps it within [`Bridge::FORWARD_DELAY_WITH_STP`].
    pub forward_delay: Option<Duration>,
    /// How long an address is remembered after its last frame; in hundredths of a second.
    pub ageing_time: Option<Duration>,
}

impl<'a> Bridge<'a> {
    /// Shortest and longest forward delay of a bridge with the spanning tree protocol
    /// (`BR_MIN_FORWARD_DELAY`, `BR_MAX_FORWARD_DELAY` in `net/bridge/br_private.h`).
    pub const FORWARD_DELAY_WITH_STP: (Duration, Duration) =
        (Duration::from_secs(2), Duration::from_secs(30));

    /// A bridge with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: &'a InterfaceName) -> Self {
        Self {
            name,
            mac: None,
            mtu: None,
            group: None,
            up: false,
            stp: None,
            forward_delay: None,
            ageing_time: None,
        }
    }

    fn message(&self) -> LinkMessage {
        let mut settings = Vec::new();
        settings.extend(self.forward_delay.map(|delay| InfoBridge::ForwardDelay(to_ticks(delay))));
        settings.extend(self.ageing_time.map(|time| InfoBridge::AgeingTime(to_ticks(time))));
        settings.extend(self.stp.map(|on| {
            InfoBridge::StpState(if on { BridgeStpState::KernelStp } else { BridgeStpState::Disabled })
        }));
        let common = Common { mac: self.mac, mtu: self.mtu, group: self.group, up: self.up };
        new_link(self.name, InfoKind::Bridge, InfoData::Bridge(settings), common)
    }
}

/// Creates a bridge by one `RTM_NEWLINK`.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, `CAP_NET_ADMIN` is missing, the kernel has no
/// bridges, or a value is out of range.
pub fn create(socket: &mut Socket, bridge: &Bridge<'_>) -> Result<()> {
    super::create(socket, bridge.message(), format_args!("create bridge '{}'", bridge.name))
        .map_err(|error| error.explain(|errno| explain(errno, bridge)))
}

fn explain(errno: Errno, bridge: &Bridge<'_>) -> Option<String> {
    match errno {
        Errno::OPNOTSUPP => Some("this kernel has no bridges (module 'bridge')".to_owned()),
        Errno::ADDRNOTAVAIL | Errno::INVAL => {
            let mac = bridge.mac.filter(|mac| mac[0] & 1 != 0 || *mac == [0; 6])?;
            Some(format!(
                "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x} is a multicast or empty address",
                mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]
            ))
        }
        _ => None,
    }
}

/// Rounds to the nearest tick, so that a time that was read can be written back.
fn to_ticks(time: Duration) -> u32 {
    let ticks = (time.as_millis() * u128::from(TICKS_PER_SECOND) + 500) / 1000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

pub(super) fn from_ticks(ticks: u32) -> Duration {
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
            stp: Some(true),
            forward_delay: Some(Duration::from_secs(4)),
            ageing_time: Some(Duration::from_millis(1230)),
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
