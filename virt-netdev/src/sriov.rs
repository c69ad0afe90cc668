//! Virtual functions of SR-IOV hardware, and the port profiles of 802.1Qbg and 802.1Qbh.
//!
//! [`sysfs`](crate::sysfs) tells which devices are functions of which.

use std::time::{Duration, Instant};

use virt_netlink::link::vf::{self as request};
pub use virt_netlink::link::vf::{
    LinkState, PortProfile, PortRequest, PortResponse, Settings, Station, Vlan,
};
use virt_netlink::{Group, Listener};

use crate::link::get;
use crate::namespace::in_namespace_of;
use crate::{Error, InterfaceName, Result, Socket};

/// The settings of all virtual functions of a physical one, with their numbers.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is no such device.
pub fn list(socket: &mut Socket, physical: &InterfaceName) -> Result<Vec<(u32, Settings)>> {
    Ok(request::list(socket, physical.into())?)
}

/// The settings of a virtual function, to [restore](set) when its guest is gone.
///
/// # Errors
///
/// [`Error::NoFunction`] when the device has none of that number, [`Error::Netlink`].
pub fn save(socket: &mut Socket, physical: &InterfaceName, function: u32) -> Result<Settings> {
    let all = list(socket, physical)?;
    let found = all.into_iter().find(|(number, _)| *number == function);
    found
        .map(|(_, settings)| settings)
        .ok_or_else(|| Error::NoFunction { physical: physical.clone(), function })
}

/// Changes the settings of a virtual function by one message, reads them back and compares.
///
/// # Errors
///
/// [`Error::NoFunction`], [`Error::Netlink`] for what the driver can not do, [`Error::NotApplied`]. The settings are then
/// what they were before.
pub fn set(socket: &mut Socket, physical: &InterfaceName, function: u32, settings: &Settings) -> Result<()> {
    let before = save(socket, physical, function)?;
    let outcome = request::set(socket, physical.into(), function, settings)
        .map_err(Error::from)
        .and_then(|()| save(socket, physical, function))
        .and_then(|found| check(physical, function, settings, &found));
    outcome.map_err(|error| {
        let undo = request::set(socket, physical.into(), function, &touched(settings, &before));
        error.after_undo(undo.map_err(Error::from))
    })
}

/// The old values of what was asked to change.
fn touched(asked: &Settings, before: &Settings) -> Settings {
    Settings {
        mac: asked.mac.and(before.mac),
        vlan: asked.vlan.and(before.vlan),
        spoof_check: asked.spoof_check.and(before.spoof_check),
        trust: asked.trust.and(before.trust),
        link_state: asked.link_state.and(before.link_state),
        rate: asked.rate.and(before.rate),
    }
}

fn check(physical: &InterfaceName, function: u32, asked: &Settings, found: &Settings) -> Result<()> {
    let differs = |property, wanted: Option<String>, found: String| match wanted {
        Some(wanted) if wanted != found => Err(Error::NotApplied {
            device: format!("virtual function {function} of '{physical}'"),
            property,
            wanted,
            found,
        }),
        _ => Ok(()),
    };
    fn words<T: std::fmt::Debug>(value: Option<T>) -> String {
        value.map_or_else(|| "not told".to_owned(), |value| format!("{value:?}"))
    }
    differs("the address", asked.mac.map(|mac| words(Some(mac))), words(found.mac))?;
    differs("the VLAN", asked.vlan.map(|vlan| words(Some(vlan))), words(found.vlan))?;
    differs("the spoof check", asked.spoof_check.map(|on| words(Some(on))), words(found.spoof_check))?;
    differs("the trust", asked.trust.map(|on| words(Some(on))), words(found.trust))?;
    differs("the link state", asked.link_state.map(|state| words(Some(state))), words(found.link_state))?;
    differs("the rate", asked.rate.map(|rate| words(Some(rate))), words(found.rate))
}

/// Has a device's driver negotiate a port profile of 802.1Qbh with the switch, and waits until the switch has answered;
/// wakes up by the kernel's notifications, and looks once a second for drivers that send none.
///
/// # Errors
///
/// [`Error::Netlink`] when the driver knows no port profiles; [`Error::PortProfile`] when the switch refuses or does not
/// answer in time.
pub fn set_port_profile(
    socket: &mut Socket,
    device: &InterfaceName,
    profile: &PortProfile<'_>,
    timeout: Duration,
) -> Result<()> {
    get(socket, device)?;
    let mut listener = in_namespace_of(socket, || Ok(Listener::open(&[Group::Links])?))?;
    request::set_port(socket, device.into(), profile)?;
    if profile.request == PortRequest::Disassociate {
        return Ok(());
    }
    let deadline = Instant::now() + timeout;
    let failed = |reason: String| Error::PortProfile {
        device: device.clone(),
        profile: profile.profile.to_owned(),
        reason,
    };
    loop {
        match request::port_response(socket, device.into(), profile.function)? {
            Some(PortResponse::Success) => return Ok(()),
            Some(PortResponse::Refused(reason)) => {
                return Err(failed(format!("the switch refused it, for the reason {reason:#x}")));
            }
            Some(PortResponse::InProgress) | None => {}
        }
        if Instant::now() >= deadline {
            return Err(failed(format!("the switch has not answered in {timeout:?}")));
        }
        listener.wait(deadline.min(Instant::now() + Duration::from_secs(1)))?;
    }
}

/// Has the daemon `lldpad`, of this process number, negotiate a station of 802.1Qbg on a device.
///
/// # Errors
///
/// [`Error::Netlink`] when there is no such device or daemon, or it refuses.
pub fn set_station(
    socket: &mut Socket,
    lldpad: u32,
    device: &InterfaceName,
    station: &Station,
) -> Result<()> {
    let index = get(socket, device)?.index;
    in_namespace_of(socket, || Ok(request::ask_lldpad(lldpad, (index, device).into(), station)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_compared_and_put_back() {
        let name = "eth0".parse().unwrap();
        let found = Settings {
            mac: Some([2, 0, 0, 0, 0, 1]),
            vlan: Some(Vlan { id: 5, priority: 0 }),
            spoof_check: Some(true),
            ..Settings::default()
        };
        assert!(check(&name, 1, &Settings::default(), &found).is_ok());
        assert!(
            check(&name, 1, &Settings { spoof_check: Some(true), ..Settings::default() }, &found).is_ok()
        );
        for (asked, said) in [
            (
                Settings { spoof_check: Some(false), ..Settings::default() },
                "the spoof check true instead of false",
            ),
            (Settings { trust: Some(true), ..Settings::default() }, "the trust not told instead of true"),
        ] {
            let error = check(&name, 1, &asked, &found).unwrap_err().to_string();
            assert_eq!(error, format!("virtual function 1 of 'eth0' came out with {said}"));
        }
        let asked = Settings { spoof_check: Some(false), trust: Some(true), ..Settings::default() };
        let expected = Settings { spoof_check: Some(true), ..Settings::default() };
        assert_eq!(touched(&asked, &found), expected);
    }
}
