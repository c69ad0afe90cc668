//! Bridges and their ports.

use std::time::Duration;

use virt_netlink::link::{self as request, Change, Details};
use virt_types::MacAddr;

use crate::link::{get, get_kind, verify_creation};
use crate::readback::{Readback, check_unicast};
use crate::{Error, InterfaceName, Link, Result, Socket};

/// The kernel keeps times in its own ticks, so that they come back up to a hundredth of a second off.
const TIME_TOLERANCE: Duration = Duration::from_millis(10);

/// A bridge to create; what is `None` gets the kernel's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: InterfaceName,
    /// Its hardware address. A bridge that is given one keeps it, whatever its ports are.
    pub mac: Option<MacAddr>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
    /// The spanning tree protocol.
    pub stp: Option<bool>,
    /// How long a port listens, then learns, before it forwards. With the spanning tree protocol the kernel keeps
    /// it within 2 and 30 seconds.
    pub forward_delay: Option<Duration>,
    /// How long an address is remembered after its last frame.
    pub ageing_time: Option<Duration>,
}

impl Bridge {
    /// A bridge with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: InterfaceName) -> Self {
        Self { name, mac: None, mtu: None, up: false, stp: None, forward_delay: None, ageing_time: None }
    }

    fn check(&self, link: &Link) -> Result<()> {
        let readback = Readback::of("bridge", &self.name);
        readback.common(link, self.mac, self.mtu, self.up, None)?;
        let Details::Bridge(state) = &link.details else {
            return Err(Error::WrongKind {
                name: link.name.clone(),
                wanted: "bridge",
                found: format!("{:?}", link.details),
            });
        };
        let on = |on: &bool| if *on { "on" } else { "off" }.to_owned();
        readback.same("the spanning tree protocol", self.stp, &state.stp, on)?;
        let forward_delay = self.forward_delay.map(|delay| effective_forward_delay(delay, state.stp));
        for (property, wanted, found) in [
            ("the forward delay", forward_delay, state.forward_delay),
            ("the ageing time", self.ageing_time, state.ageing_time),
        ] {
            let differs = wanted.filter(|wanted| wanted.abs_diff(found) > TIME_TOLERANCE);
            readback.same(property, differs, &found, |time| format!("{time:?}"))?;
        }
        Ok(())
    }
}

/// What the kernel makes of a forward delay, without a word.
fn effective_forward_delay(delay: Duration, stp: bool) -> Duration {
    let (min, max) = request::bridge::Bridge::FORWARD_DELAY_WITH_STP;
    if stp { delay.clamp(min, max) } else { delay }
}

/// Creates a bridge by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`] when the kernel refuses; [`Error::NotApplied`] when the bridge came out differently, after it
/// was deleted.
pub fn create(socket: &mut Socket, bridge: &Bridge) -> Result<Link> {
    check_unicast(bridge.mac)?;
    request::bridge::create(
        socket,
        &request::bridge::Bridge {
            mac: bridge.mac.map(|mac| mac.0),
            mtu: bridge.mtu,
            up: bridge.up,
            stp: bridge.stp,
            forward_delay: bridge.forward_delay,
            ageing_time: bridge.ageing_time,
            ..request::bridge::Bridge::new(&bridge.name)
        },
    )?;
    verify_creation(socket, &bridge.name, |link| bridge.check(link))
}

/// Deletes a bridge by `RTM_DELLINK`; its ports stay, without a bridge.
///
/// # Errors
///
/// [`Error::WrongKind`] when the device is no bridge, [`Error::Netlink`] when there is none or the kernel refuses.
pub fn delete(socket: &mut Socket, name: &InterfaceName) -> Result<()> {
    let bridge = get_kind(socket, name, "bridge")?;
    Ok(request::delete(socket, bridge.index.into())?)
}

/// Makes a device a port of a bridge, out of any other that it was a port of.
///
/// # Errors
///
/// [`Error::WrongKind`] when `bridge` is none, [`Error::Netlink`] when one of them does not exist or the kernel
/// refuses, as it does for a bridge, loopback and some kinds of wireless device.
pub fn add_port(socket: &mut Socket, bridge: &InterfaceName, port: &InterfaceName) -> Result<()> {
    let bridge = get_kind(socket, bridge, "bridge")?;
    let port = get(socket, port)?;
    request::change(socket, port.index.into(), &Change { master: Some(bridge.index), ..Change::default() })?;
    Ok(())
}

/// Takes a port out of its bridge.
///
/// # Errors
///
/// [`Error::NotPort`] when the device is no port of this bridge, [`Error::WrongKind`] when `bridge` is none.
pub fn remove_port(socket: &mut Socket, bridge: &InterfaceName, port: &InterfaceName) -> Result<()> {
    let master = get_kind(socket, bridge, "bridge")?;
    let link = get(socket, port)?;
    if link.master != Some(master.index) {
        return Err(Error::NotPort { port: port.clone(), bridge: bridge.clone() });
    }
    request::change(socket, link.index.into(), &Change { master: Some(0), ..Change::default() })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_netlink::link::BridgeState;

    use super::*;

    #[test]
    fn the_kernels_clamp_is_expected() {
        let seconds = Duration::from_secs;
        for (delay, stp, expected) in
            [(0, true, 2), (0, false, 0), (15, true, 15), (60, true, 30), (60, false, 60)]
        {
            assert_eq!(effective_forward_delay(seconds(delay), stp), seconds(expected));
        }
    }

    #[test]
    fn a_bridge_that_came_out_differently_is_found() {
        let mut link = Link::default();
        let asked = Bridge {
            stp: Some(true),
            forward_delay: Some(Duration::ZERO),
            ageing_time: Some(Duration::from_secs(300)),
            ..Bridge::new("br0".parse().unwrap())
        };
        assert!(matches!(asked.check(&link), Err(Error::WrongKind { .. })));

        let mut state = BridgeState::default();
        for (stp, delay, ageing, expected) in [
            (true, 2000, 300_000, None),
            (true, 2010, 299_990, None),
            (false, 0, 300_000, Some("the spanning tree protocol off instead of on")),
            (true, 2020, 300_000, Some("the forward delay 2.02s instead of 2s")),
            (true, 2000, 0, Some("the ageing time 0ns instead of 300s")),
        ] {
            state.stp = stp;
            state.forward_delay = Duration::from_millis(delay);
            state.ageing_time = Duration::from_millis(ageing);
            link.details = Details::Bridge(state);
            let said = asked.check(&link).err().map(|error| error.to_string());
            assert_eq!(said, expected.map(|difference| format!("bridge 'br0' came out with {difference}")));
        }
    }
}
