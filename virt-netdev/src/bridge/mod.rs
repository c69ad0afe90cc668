//! Bridges and their ports.

pub mod by_ioctl;
pub mod port;

use std::time::Duration;

use rustix::io::Errno;
pub use virt_netlink::link::bridge::Settings;
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
    /// Bytes of payload in a frame. A bridge that is given it keeps it; without, it follows its ports.
    pub mtu: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
    /// What only bridges have.
    pub settings: Settings,
}

impl Bridge {
    /// A bridge with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: InterfaceName) -> Self {
        Self { name, mac: None, mtu: None, up: false, settings: Settings::default() }
    }

    fn request(&self) -> request::bridge::Bridge<'_> {
        request::bridge::Bridge {
            mac: self.mac.map(|mac| mac.0),
            mtu: self.mtu,
            up: self.up,
            settings: self.settings,
            ..request::bridge::Bridge::new(&self.name)
        }
    }

    fn check(&self, link: &Link) -> Result<()> {
        let readback = Readback::of("bridge", &self.name);
        readback.common(link, self.mac, self.mtu, self.up, None)?;
        check_settings(&readback, link, &self.settings)
    }
}

/// Compares what was asked for with what the kernel made of it.
fn check_settings(readback: &Readback<'_>, link: &Link, asked: &Settings) -> Result<()> {
    let Details::Bridge(found) = &link.details else {
        return Err(Error::WrongKind {
            name: link.name.clone(),
            wanted: "bridge",
            found: format!("{:?}", link.details),
        });
    };
    let on = |on: &bool| if *on { "on" } else { "off" }.to_owned();
    for (property, asked, found) in [
        ("the spanning tree protocol", asked.stp, found.stp),
        ("VLAN filtering", asked.vlan_filtering, found.vlan_filtering),
        ("multicast snooping", asked.multicast_snooping, found.multicast_snooping),
        ("the multicast querier", asked.multicast_querier, found.multicast_querier),
    ] {
        readback.told(property, asked, found, on)?;
    }
    let stp = found.stp == Some(true);
    let forward_delay = asked.forward_delay.map(|delay| effective_forward_delay(delay, stp));
    for (property, asked, found) in [
        ("the forward delay", forward_delay, found.forward_delay),
        ("the hello time", asked.hello_time, found.hello_time),
        ("the maximum age", asked.max_age, found.max_age),
        ("the ageing time", asked.ageing_time, found.ageing_time),
    ] {
        let near = |(asked, found): (Duration, Duration)| asked.abs_diff(found) <= TIME_TOLERANCE;
        if !asked.zip(found).is_some_and(near) {
            readback.told(property, asked, found, |time| format!("{time:?}"))?;
        }
    }
    for (property, asked, found) in [
        ("the priority", asked.priority, found.priority),
        ("the group forward mask", asked.group_fwd_mask, found.group_fwd_mask),
        ("the default VLAN", asked.default_pvid, found.default_pvid),
    ] {
        readback.told(property, asked, found, ToString::to_string)?;
    }
    Ok(())
}

/// What the kernel makes of a forward delay, without a word.
fn effective_forward_delay(delay: Duration, stp: bool) -> Duration {
    let (min, max) = Settings::FORWARD_DELAY_WITH_STP;
    if stp { delay.clamp(min, max) } else { delay }
}

/// Creates a bridge by one `RTM_NEWLINK`, reads it back and compares.
///
/// Where the kernel can not make bridges by that message (`EOPNOTSUPP`) it is made [by ioctls](by_ioctl).
///
/// # Errors
///
/// [`Error::Netlink`] when the kernel refuses; [`Error::NotApplied`] when the bridge came out differently, after it
/// was deleted.
pub fn create(socket: &mut Socket, bridge: &Bridge) -> Result<Link> {
    check_unicast(bridge.mac)?;
    let told = match request::bridge::create(socket, &bridge.request()) {
        Ok(told) => told,
        Err(error) if unsupported(&error) => return by_ioctl::create_after(socket, bridge, error.into()),
        Err(error) => return Err(error.into()),
    };
    verify_creation(socket, &bridge.name, told, |link| bridge.check(link))
}

/// Creates several bridges by few system calls, reads them back and compares: all, or none.
///
/// # Errors
///
/// As [`create`], for the first that failed; those that had been created are deleted.
pub fn create_many(socket: &mut Socket, bridges: &[Bridge]) -> Result<Vec<Link>> {
    for bridge in bridges {
        check_unicast(bridge.mac)?;
    }
    let requests: Vec<_> = bridges.iter().map(Bridge::request).collect();
    let outcomes = request::bridge::create_many(socket, &requests)?;
    let mut created = Vec::new();
    let mut failure = None;
    for (outcome, bridge) in outcomes.into_iter().zip(bridges) {
        match outcome {
            Ok(told) => created.push((bridge, told)),
            Err(error) => failure = failure.or_else(|| Some(Error::from(error))),
        }
    }
    let links = match failure {
        Some(error) => Err(error),
        None => created
            .iter_mut()
            .map(|(bridge, told)| {
                let link = told.take().map_or_else(|| get(socket, &bridge.name), Ok)?;
                bridge.check(&link)?;
                Ok(link)
            })
            .collect(),
    };
    links.map_err(|error: Error| {
        let names: Vec<_> = created.iter().map(|(bridge, _)| bridge.name.clone()).collect();
        error.after_undo(crate::dellink::many(socket, &names))
    })
}

fn unsupported(error: &virt_netlink::Error) -> bool {
    error.refusal().is_some_and(|refusal| refusal.errno() == Errno::OPNOTSUPP)
}

/// Changes the settings of a bridge by one message, reads it back and compares.
///
/// # Errors
///
/// [`Error::WrongKind`] when the device is no bridge, [`Error::Netlink`] when the kernel refuses,
/// [`Error::NotApplied`]. The settings are then what they were before.
pub fn change(socket: &mut Socket, name: &InterfaceName, settings: &Settings) -> Result<Link> {
    let before = get_kind(socket, name, "bridge")?;
    let outcome = request::bridge::change(socket, (before.index, name).into(), settings)
        .map_err(Error::from)
        .and_then(|()| get(socket, name))
        .and_then(|link| check_settings(&Readback::of("bridge", name), &link, settings).map(|()| link));
    outcome.map_err(|error| {
        let Details::Bridge(old) = before.details else { return error };
        // Only what was touched, lest something fails that had nothing to do with it.
        let old = Settings {
            stp: settings.stp.and(old.stp),
            forward_delay: settings.forward_delay.and(old.forward_delay),
            hello_time: settings.hello_time.and(old.hello_time),
            max_age: settings.max_age.and(old.max_age),
            priority: settings.priority.and(old.priority),
            ageing_time: settings.ageing_time.and(old.ageing_time),
            group_fwd_mask: settings.group_fwd_mask.and(old.group_fwd_mask),
            vlan_filtering: settings
                .vlan_filtering
                .filter(|on| Some(*on) != old.vlan_filtering)
                .and(old.vlan_filtering),
            default_pvid: settings
                .default_pvid
                .filter(|vlan| Some(*vlan) != old.default_pvid)
                .and(old.default_pvid),
            multicast_snooping: settings.multicast_snooping.and(old.multicast_snooping),
            multicast_querier: settings.multicast_querier.and(old.multicast_querier),
        };
        let undo = request::bridge::change(socket, (before.index, name).into(), &old).map_err(Error::from);
        // A kernel that lacks a setting lacks it for the undoing too, and nothing was changed then.
        if undo.as_ref().is_err_and(|undo| undo.errno() == Some(Errno::OPNOTSUPP)) {
            error
        } else {
            error.after_undo(undo)
        }
    })
}

/// Deletes a bridge by `RTM_DELLINK`; its ports stay, without a bridge.
///
/// Where the kernel can not delete bridges by that message (`EOPNOTSUPP`) it is deleted [by ioctls](by_ioctl).
///
/// # Errors
///
/// [`Error::WrongKind`] when the device is no bridge, [`Error::Netlink`] when there is none or the kernel refuses.
pub fn delete(socket: &mut Socket, name: &InterfaceName) -> Result<()> {
    let bridge = get_kind(socket, name, "bridge")?;
    match request::delete(socket, (bridge.index, name).into()) {
        Err(error) if unsupported(&error) => by_ioctl::delete(socket, name),
        outcome => Ok(outcome?),
    }
}

/// Makes a device a port of a bridge, out of any other that it was a port of, and reads it back.
///
/// # Errors
///
/// [`Error::WrongKind`] when `bridge` is none, [`Error::Netlink`] when one of them does not exist or the kernel
/// refuses, as it does for a bridge, loopback and some kinds of wireless device.
pub fn add_port(socket: &mut Socket, bridge: &InterfaceName, port: &InterfaceName) -> Result<()> {
    let bridge = get_kind(socket, bridge, "bridge")?;
    let link = get(socket, port)?;
    request::change(
        socket,
        (link.index, port).into(),
        &Change { master: Some(bridge.index), ..Change::default() },
    )?;
    let link = get(socket, port)?;
    Readback::of("port", port).common(&link, None, None, false, Some(bridge.index))
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
    request::change(socket, (link.index, port).into(), &Change { master: Some(0), ..Change::default() })?;
    Ok(())
}

/// The ports of a bridge.
///
/// # Errors
///
/// [`Error::WrongKind`] when the device is no bridge, [`Error::Netlink`].
pub fn ports(socket: &mut Socket, bridge: &InterfaceName) -> Result<Vec<Link>> {
    let bridge = get_kind(socket, bridge, "bridge")?.index;
    Ok(request::list(socket)?.into_iter().filter(|link| link.master == Some(bridge)).collect())
}

#[cfg(test)]
mod tests {
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
        let settings = Settings {
            stp: Some(true),
            forward_delay: Some(Duration::ZERO),
            ageing_time: Some(Duration::from_secs(300)),
            priority: Some(100),
            ..Settings::default()
        };
        let asked = Bridge { settings, ..Bridge::new("br0".parse().unwrap()) };
        assert!(matches!(asked.check(&link), Err(Error::WrongKind { .. })));

        for (stp, delay, ageing, priority, expected) in [
            (true, 2000, 300_000, 100, None),
            (true, 2010, 299_990, 100, None),
            (false, 0, 300_000, 100, Some("the spanning tree protocol off instead of on")),
            (true, 2020, 300_000, 100, Some("the forward delay 2.02s instead of 2s")),
            (true, 2000, 0, 100, Some("the ageing time 0ns instead of 300s")),
            (true, 2000, 300_000, 7, Some("the priority 7 instead of 100")),
        ] {
            link.details = Details::Bridge(Settings {
                stp: Some(stp),
                forward_delay: Some(Duration::from_millis(delay)),
                ageing_time: Some(Duration::from_millis(ageing)),
                priority: Some(priority),
                ..Settings::default()
            });
            let said = asked.check(&link).err().map(|error| error.to_string());
            assert_eq!(said, expected.map(|difference| format!("bridge 'br0' came out with {difference}")));
        }
        link.details = Details::Bridge(Settings::default());
        assert_eq!(
            asked.check(&link).unwrap_err().to_string(),
            "bridge 'br0' came out with the spanning tree protocol not told instead of on"
        );
    }
}
