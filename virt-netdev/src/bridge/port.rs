//! The settings and VLANs of a bridge's ports.

pub use virt_netlink::link::port::{Settings, State};
use virt_netlink::link::vlan_filter;
pub use virt_netlink::link::vlan_filter::{PortVlan, Side};

use crate::link::get;
use crate::readback::Readback;
use crate::{Error, InterfaceName, Result, Socket};

/// Changes the settings of a port by one message, reads them back and compares.
///
/// # Errors
///
/// [`Error::NoPort`] when the device is no port of a bridge, [`Error::Netlink`], [`Error::NotApplied`]. The settings
/// are then what they were before.
pub fn change(socket: &mut Socket, port: &InterfaceName, settings: &Settings) -> Result<Settings> {
    let link = get(socket, port)?;
    let Some(before) = link.port else { return Err(Error::NoPort(port.clone())) };
    let outcome = virt_netlink::link::port::change(socket, (link.index, port).into(), settings)
        .map_err(Error::from)
        .and_then(|()| read(socket, port))
        .and_then(|found| check(port, settings, &found).map(|()| found));
    outcome.map_err(|error| {
        let undo = virt_netlink::link::port::change(socket, (link.index, port).into(), &before);
        error.after_undo(undo.map_err(Error::from))
    })
}

/// The settings of a port.
///
/// # Errors
///
/// [`Error::NoPort`] when the device is no port of a bridge, [`Error::Netlink`] when there is none.
pub fn read(socket: &mut Socket, port: &InterfaceName) -> Result<Settings> {
    get(socket, port)?.port.ok_or_else(|| Error::NoPort(port.clone()))
}

fn check(port: &InterfaceName, asked: &Settings, found: &Settings) -> Result<()> {
    let readback = Readback::of("port", port);
    for (property, asked, found) in [
        ("isolation", asked.isolated, found.isolated),
        ("learning", asked.learning, found.learning),
        ("unicast flooding", asked.unicast_flood, found.unicast_flood),
        ("multicast flooding", asked.multicast_flood, found.multicast_flood),
        ("broadcast flooding", asked.broadcast_flood, found.broadcast_flood),
        ("hairpin mode", asked.hairpin, found.hairpin),
        ("the BPDU guard", asked.guard, found.guard),
        ("the root block", asked.root_block, found.root_block),
        ("the lock", asked.locked, found.locked),
        ("neighbour suppression", asked.neighbour_suppression, found.neighbour_suppression),
    ] {
        readback.told(property, asked, found, |on| if *on { "on" } else { "off" }.to_owned())?;
    }
    readback.told("the path cost", asked.path_cost, found.path_cost, ToString::to_string)?;
    readback.told("the priority", asked.priority, found.priority, ToString::to_string)
}

/// Puts a port into VLANs and reads them back. What it has already stays.
///
/// # Errors
///
/// [`Error::Netlink`] when the device is no port of a bridge or its bridge has no VLANs, [`Error::NotApplied`].
pub fn add_vlans(socket: &mut Socket, port: &InterfaceName, vlans: &[PortVlan], side: Side) -> Result<()> {
    let index = get(socket, port)?.index;
    let operation = || format!("add the VLANs {} to bridge port '{port}'", words(vlans));
    vlan_filter::add(socket, index, vlans, side).map_err(|error| error.with_operation(operation()))?;
    let found = vlans_of(socket, index)?;
    match vlans.iter().find(|vlan| !found.contains(vlan)) {
        None => Ok(()),
        Some(missing) => Err(Error::NotApplied {
            device: format!("port '{port}'"),
            property: "the VLANs",
            wanted: words(std::slice::from_ref(missing)),
            found: words(&found),
        }),
    }
}

/// Takes a port out of VLANs and reads them back.
///
/// # Errors
///
/// As [`add_vlans`].
pub fn remove_vlans(socket: &mut Socket, port: &InterfaceName, ids: &[u16], side: Side) -> Result<()> {
    let index = get(socket, port)?.index;
    let operation = || format!("remove the VLANs {ids:?} of bridge port '{port}'");
    vlan_filter::remove(socket, index, ids, side).map_err(|error| error.with_operation(operation()))?;
    let found = vlans_of(socket, index)?;
    match found.iter().find(|vlan| ids.contains(&vlan.id)) {
        None => Ok(()),
        Some(kept) => Err(Error::NotApplied {
            device: format!("port '{port}'"),
            property: "the VLANs",
            wanted: format!("none of {ids:?}"),
            found: words(std::slice::from_ref(kept)),
        }),
    }
}

/// The VLANs of a port, in ascending order.
///
/// # Errors
///
/// [`Error::Netlink`].
pub fn vlans(socket: &mut Socket, port: &InterfaceName) -> Result<Vec<PortVlan>> {
    let index = get(socket, port)?.index;
    vlans_of(socket, index)
}

fn vlans_of(socket: &mut Socket, index: u32) -> Result<Vec<PortVlan>> {
    let all = vlan_filter::list(socket)?;
    Ok(all.into_iter().filter(|(port, _)| *port == index).flat_map(|(_, vlans)| vlans).collect())
}

fn words(vlans: &[PortVlan]) -> String {
    let one = |vlan: &PortVlan| {
        let mut words = vlan.id.to_string();
        if vlan.pvid {
            words.push_str(" PVID");
        }
        if vlan.untagged {
            words.push_str(" untagged");
        }
        words
    };
    if vlans.is_empty() { "none".to_owned() } else { vlans.iter().map(one).collect::<Vec<_>>().join(", ") }
}
