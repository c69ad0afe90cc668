//! Bridges on kernels that know no bridge messages: the requests that `brctl` makes (`linux/if_bridge.h`).
//!
//! Address, MTU and state are set by netlink then, as for any device. Settings that these requests do not know are
//! refused: they came later than the messages.

use std::ffi::c_ulong;
use std::time::Duration;

use rustix::io::Errno;
use virt_netlink::link::{self as request, Change};

use super::{Bridge, Settings};
use crate::ioctl::Control;
use crate::link::{get, get_kind, undo_creation, verify_creation};
use crate::namespace::in_namespace_of;
use crate::readback::check_unicast;
use crate::{Error, InterfaceName, Link, Result, Socket};

const SET_FORWARD_DELAY: c_ulong = 8;
const SET_HELLO_TIME: c_ulong = 9;
const SET_MAX_AGE: c_ulong = 10;
const SET_AGEING_TIME: c_ulong = 11;
const SET_STP_STATE: c_ulong = 14;
const SET_PRIORITY: c_ulong = 15;

/// The values with the names of the requests that set them, in an order that the kernel accepts.
fn requests(settings: &Settings) -> Vec<(&'static str, c_ulong, c_ulong)> {
    let ticks = |time: Duration| c_ulong::try_from(time.as_millis() / 10).unwrap_or(c_ulong::MAX);
    [
        ("forward delay", SET_FORWARD_DELAY, settings.forward_delay.map(ticks)),
        ("hello time", SET_HELLO_TIME, settings.hello_time.map(ticks)),
        ("maximum age", SET_MAX_AGE, settings.max_age.map(ticks)),
        ("ageing time", SET_AGEING_TIME, settings.ageing_time.map(ticks)),
        ("spanning tree protocol", SET_STP_STATE, settings.stp.map(c_ulong::from)),
        ("priority", SET_PRIORITY, settings.priority.map(c_ulong::from)),
    ]
    .into_iter()
    .filter_map(|(name, command, value)| Some((name, command, value?)))
    .collect()
}

/// What can not be set by these requests.
fn unknown(settings: &Settings) -> Option<&'static str> {
    [
        ("the group forward mask", settings.group_fwd_mask.is_some()),
        ("VLAN filtering", settings.vlan_filtering.is_some()),
        ("the default VLAN", settings.default_pvid.is_some()),
        ("multicast snooping", settings.multicast_snooping.is_some()),
        ("the multicast querier", settings.multicast_querier.is_some()),
    ]
    .into_iter()
    .find_map(|(name, set)| set.then_some(name))
}

/// Creates a bridge by ioctls, reads it back and compares.
///
/// # Errors
///
/// [`Error::Ioctl`] when the kernel refuses, [`Error::NeedsNetlink`] for a setting that only netlink has; the bridge is
/// gone then.
pub fn create(socket: &mut Socket, bridge: &Bridge) -> Result<Link> {
    check_unicast(bridge.mac)?;
    if let Some(setting) = unknown(&bridge.settings) {
        return Err(Error::NeedsNetlink { bridge: bridge.name.clone(), setting });
    }
    let name = &bridge.name;
    let failed = |step: &'static str| {
        move |errno: Errno| Error::Ioctl { step, name: name.to_string(), source: errno.into() }
    };
    in_namespace_of(socket, || {
        let control = Control::open().map_err(failed("open a socket for bridge"))?;
        control.add_bridge(name).map_err(failed("create bridge"))
    })?;
    let set = in_namespace_of(socket, || {
        let control = Control::open().map_err(failed("open a socket for bridge"))?;
        for (setting, command, value) in requests(&bridge.settings) {
            control.set_bridge(name, command, value).map_err(|errno| Error::Ioctl {
                step: "set up bridge",
                name: format!("{name}: {setting}"),
                source: errno.into(),
            })?;
        }
        Ok(())
    });
    let change = Change {
        up: bridge.up.then_some(true),
        mtu: bridge.mtu,
        mac: bridge.mac.map(|mac| mac.0),
        ..Change::default()
    };
    let set = set.and_then(|()| Ok(request::change(socket, name.into(), &change)?));
    if let Err(error) = set {
        let undo = match undo_creation(socket, name) {
            Err(undo) if undo.errno() == Some(Errno::OPNOTSUPP) => delete(socket, name),
            undo => undo,
        };
        return Err(error.after_undo(undo));
    }
    verify_creation(socket, name, None, |link| bridge.check(link))
}

/// As [`create`], after netlink refused with `refusal`, which is the error if ioctls do no better.
pub(super) fn create_after(socket: &mut Socket, bridge: &Bridge, refusal: Error) -> Result<Link> {
    create(socket, bridge).map_err(|error| match error {
        Error::NeedsNetlink { .. } => refusal,
        // Neither way is there.
        error if matches!(error.errno(), Some(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOPKG)) => refusal,
        error => error,
    })
}

/// Deletes a bridge by ioctl, after switching it off.
///
/// # Errors
///
/// [`Error::WrongKind`] when the device is no bridge, [`Error::Ioctl`] when the kernel refuses.
pub fn delete(socket: &mut Socket, name: &InterfaceName) -> Result<()> {
    let bridge = get_kind(socket, name, "bridge")?;
    request::change(socket, (bridge.index, name).into(), &Change { up: Some(false), ..Change::default() })?;
    let deleted = in_namespace_of(socket, || {
        let failed = |errno: Errno| Error::Ioctl {
            step: "delete bridge",
            name: name.to_string(),
            source: errno.into(),
        };
        Control::open().and_then(|control| control.delete_bridge(name)).map_err(failed)
    });
    deleted.map_err(|error| {
        let undo = if bridge.up {
            get(socket, name).and_then(|_| crate::link::set_up(socket, name, true))
        } else {
            Ok(())
        };
        error.after_undo(undo)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_known_to_one_of_the_two() {
        let settings = Settings {
            stp: Some(true),
            forward_delay: Some(Duration::from_secs(2)),
            ageing_time: Some(Duration::from_millis(12_345)),
            ..Settings::default()
        };
        assert_eq!(
            requests(&settings),
            [
                ("forward delay", SET_FORWARD_DELAY, 200),
                ("ageing time", SET_AGEING_TIME, 1234),
                ("spanning tree protocol", SET_STP_STATE, 1)
            ]
        );
        assert_eq!(unknown(&settings), None);
        let settings = Settings { vlan_filtering: Some(false), ..Settings::default() };
        assert_eq!((requests(&settings).len(), unknown(&settings)), (0, Some("VLAN filtering")));
    }
}
