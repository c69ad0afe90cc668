//! The bridge of a network, with its addresses and routes.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use virt_conf::network::{ForwardMode, Network};
use virt_netdev::bridge::{self, Bridge, Settings};
use virt_netdev::{InterfaceName, Link, Socket, address, link, route};
use virt_types::{ErrorCode, Result};

use super::status::keeps_stations;
use crate::error::{device, internal, refuse};

pub(super) fn socket() -> Result<Socket> {
    Socket::open().map_err(|error| device("cannot talk to the kernel about network devices", error.into()))
}

fn name(network: &Network) -> Result<InterfaceName> {
    let name = network.bridge.name.as_deref();
    let name =
        name.ok_or_else(|| internal(format!("network '{}' has no bridge name defined", network.name)))?;
    name.parse().map_err(|error: virt_netdev::InvalidName| {
        internal(format!("network '{}' can not have a bridge named '{name}'", network.name)).caused_by(error)
    })
}

/// Whether a device with this name exists.
pub(super) fn exists(name: &str) -> bool {
    std::fs::symlink_metadata(PathBuf::from("/sys/class/net").join(name)).is_ok()
}

/// Refuses a bridge whose name a device has already.
pub(super) fn refuse_taken(network: &Network) -> Result<()> {
    let bridge = name(network)?;
    let socket = &mut socket()?;
    match link::find(socket, &bridge) {
        Ok(Some(link)) => {
            let detail = format!("Unable to create bridge {bridge}: File exists");
            Err(refuse(ErrorCode::SystemError, detail).with_hint(taken(socket, &link)))
        }
        Ok(None) => Ok(()),
        Err(error) => Err(device(format!("cannot read '{bridge}'"), error)),
    }
}

/// Makes the bridge, switched off. Nothing that exists is touched.
pub(super) fn create(network: &Network) -> Result<()> {
    let bridge = name(network)?;
    let socket = &mut socket()?;
    let settings = Settings {
        stp: Some(network.bridge.stp.unwrap_or(true)),
        forward_delay: Some(Duration::from_secs(network.bridge.delay)),
        vlan_filtering: keeps_stations(network).then_some(true),
        ..Settings::default()
    };
    let wanted = Bridge {
        mac: network.mac,
        mtu: (network.mtu > 0).then_some(network.mtu),
        settings,
        ..Bridge::new(bridge.clone())
    };
    bridge::create(socket, &wanted)
        .map_err(|error| device(format!("Unable to create bridge {bridge}"), error))?;
    set_sysctls(network, bridge.as_str())
}

/// Who has the name of the bridge already.
fn taken(socket: &mut Socket, link: &Link) -> String {
    let kind = link.kind.as_deref().unwrap_or("hardware");
    let mut hint = format!("'{}' is a device of the host ({kind}) that no network has made", link.name);
    let ports = link::list(socket).unwrap_or_default();
    let ports: Vec<_> =
        ports.iter().filter(|port| port.master == Some(link.index)).map(|port| port.name.as_str()).collect();
    if !ports.is_empty() {
        let _ = write!(hint, ", with the ports {}", ports.join(", "));
    }
    hint + "; give the network another bridge name, or delete the device"
}

/// IPv6 is there only where the network has such addresses; and whoever is a gateway listens to no other one.
fn set_sysctls(network: &Network, bridge: &str) -> Result<()> {
    let dir = PathBuf::from("/proc/sys/net/ipv6/conf").join(bridge);
    let with_ipv6 = network.ips.iter().any(|ip| ip.address.is_ipv6());
    // A kernel without IPv6 has no such files.
    if !dir.join("disable_ipv6").exists() {
        return Ok(());
    }
    for (file, value) in
        [("disable_ipv6", if with_ipv6 { "0" } else { "1" }), ("accept_ra", "0"), ("autoconf", "0")]
    {
        let path = dir.join(file);
        std::fs::write(&path, value).map_err(|error| {
            let detail = format!("cannot write to '{}' on bridge '{bridge}'", path.display());
            refuse(ErrorCode::SystemError, detail).caused_by(error)
        })?;
    }
    Ok(())
}

/// Gives the bridge its addresses, switches it on, and adds its routes. A route that can not be added is only told of, as
/// in libvirt.
pub(super) fn configure(network: &Network) -> Result<()> {
    let bridge = name(network)?;
    let socket = &mut socket()?;
    for ip in &network.ips {
        let prefix = ip
            .prefix_bits()
            .and_then(|bits| u8::try_from(bits).ok())
            .ok_or_else(|| internal(format!("bridge '{bridge}' has an invalid netmask or IP address")))?;
        address::add(socket, &bridge, &address::NewIp::new(ip.address, prefix)).map_err(|error| {
            device(format!("Failed to add IP address {}/{prefix} to {bridge}", ip.address), error)
        })?;
    }
    link::set_up(socket, &bridge, true)
        .map_err(|error| device(format!("Cannot set interface flags on '{bridge}'"), error))?;
    for wanted in &network.routes {
        let bits = wanted.prefix.unwrap_or_else(|| match (wanted.netmask, wanted.address) {
            (Some(IpAddr::V4(mask)), _) => mask.to_bits().leading_ones(),
            (_, address) if address.is_unspecified() => 0,
            (_, IpAddr::V4(_)) => 32,
            (_, IpAddr::V6(_)) => 64,
        });
        let destination =
            route::Network { address: wanted.address, prefix_length: u8::try_from(bits).unwrap_or(u8::MAX) };
        // libvirt gives every route a metric, and 1 where none is asked for.
        let metric = wanted.metric.or(Some(1));
        let wanted_route = route::NewRoute { destination, gateway: Some(wanted.gateway), metric };
        if let Err(error) = route::add(socket, &bridge, &wanted_route) {
            log::warn!("network '{}' starts without its route to {}: {error}", network.name, wanted.address);
        }
    }
    enable_forwarding(network)
}

/// The host passes packets on where a network leads out.
fn enable_forwarding(network: &Network) -> Result<()> {
    if network.forward.mode == ForwardMode::None {
        return Ok(());
    }
    let has = |ipv4: bool| network.ips.iter().any(|ip| ip.address.is_ipv4() == ipv4);
    for (wanted, path) in
        [(has(true), "/proc/sys/net/ipv4/ip_forward"), (has(false), "/proc/sys/net/ipv6/conf/all/forwarding")]
    {
        // Written only where it changes something, since that costs the kernel its cached routes.
        if wanted && std::fs::read_to_string(path).is_ok_and(|value| value.trim() != "1") {
            std::fs::write(path, "1\n").map_err(|error| {
                refuse(ErrorCode::SystemError, "failed to enable IP forwarding").caused_by(error)
            })?;
        }
    }
    Ok(())
}

/// Deletes the bridge, if it is the network's: it has the network's own address.
pub(super) fn delete(network: &Network) -> Result<()> {
    let bridge = name(network)?;
    let socket = &mut socket()?;
    let found =
        link::find(socket, &bridge).map_err(|error| device(format!("cannot read '{bridge}'"), error))?;
    let Some(link) = found else { return Ok(()) };
    let own = network.mac.is_none_or(|mac| link.mac == Some(mac.0));
    if link.kind.as_deref() != Some("bridge") || !own {
        log::warn!("'{bridge}' is not the bridge of network '{}' any more, and stays", network.name);
        return Ok(());
    }
    bridge::delete(socket, &bridge)
        .map_err(|error| device(format!("Unable to delete bridge {bridge}"), error))
}
