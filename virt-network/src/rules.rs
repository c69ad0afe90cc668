//! What of a network its firewall has to let through.

use std::net::IpAddr;

use virt_conf::network::{ForwardMode, Network, NetworkIp};
use virt_firewall::{Layer, Protocol, Rule, RuleSet, Subnet};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// What is never forwarded, so that its source must not be replaced: local multicast and broadcast.
const MULTICAST_V4: (IpAddr, u32) = (IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 0)), 24);
const BROADCAST_V4: (IpAddr, u32) = (IpAddr::V4(std::net::Ipv4Addr::BROADCAST), 32);
const MULTICAST_V6: (IpAddr, u32) = (IpAddr::V6(std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0)), 16);

/// Guests' ports below 1024 would be trusted elsewhere as those of a host's root.
const UNTRUSTED_PORTS: (u16, u16) = (1024, 65535);

/// The rules of a network with a bridge of its own; none for one that is open, or has no such bridge.
///
/// # Errors
/// For addresses without a network, and ports that are no range.
pub fn of(network: &Network) -> Result<RuleSet> {
    let mut rules = RuleSet::new(network.bridge.name.clone().unwrap_or_default());
    if !matches!(network.forward.mode, ForwardMode::None | ForwardMode::Nat | ForwardMode::Route) {
        return Ok(rules);
    }
    general_ipv4(network, &mut rules);
    general_ipv6(network, &mut rules);
    for ip in &network.ips {
        of_address(network, ip, &mut rules)?;
    }
    if network.ips.iter().any(|ip| ip.address.is_ipv4() && ip.has_dhcp()) {
        rules.push(Layer::Ipv4, Rule::FillChecksum { port: 68 });
    }
    Ok(rules)
}

fn general_ipv4(network: &Network, rules: &mut RuleSet) {
    let serving =
        network.ips.iter().find(|ip| ip.address.is_ipv4() && (ip.has_dhcp() || ip.tftp_root.is_some()));
    let tftp = serving.is_some_and(|ip| ip.tftp_root.is_some());
    // What guests ask of the host's DHCP, DNS and TFTP servers: by what protocols, to which port, and where to back.
    let both = [Protocol::Tcp, Protocol::Udp];
    let services: &[(&[Protocol], u16, u16)] =
        &[(&both, 67, 68), (&both, 53, 53), (&[Protocol::Udp], 69, 69)];
    for (protocols, to_host, to_guest) in &services[..if tftp { 3 } else { 2 }] {
        serve(rules, Layer::Ipv4, protocols, *to_host, *to_guest);
    }
    fence(rules, Layer::Ipv4);
}

fn general_ipv6(network: &Network, rules: &mut RuleSet) {
    let has_address = network.ips.iter().any(|ip| ip.address.is_ipv6());
    if has_address || network.ipv6 {
        fence(rules, Layer::Ipv6);
    }
    if has_address {
        serve(rules, Layer::Ipv6, &[Protocol::Tcp, Protocol::Udp], 53, 53);
        serve(rules, Layer::Ipv6, &[Protocol::Udp], 547, 546);
    }
}

fn serve(rules: &mut RuleSet, layer: Layer, protocols: &[Protocol], to_host: u16, to_guest: u16) {
    for protocol in protocols {
        rules.push(layer, Rule::Serve { protocol: *protocol, port: to_host });
    }
    for protocol in protocols {
        rules.push(layer, Rule::Answer { protocol: *protocol, port: to_guest });
    }
}

fn fence(rules: &mut RuleSet, layer: Layer) {
    rules.push(layer, Rule::RejectOut);
    rules.push(layer, Rule::RejectIn);
    rules.push(layer, Rule::AllowCross);
}

fn of_address(network: &Network, ip: &NetworkIp, rules: &mut RuleSet) -> Result<()> {
    let forward = &network.forward;
    let nat = forward.mode == ForwardMode::Nat && (ip.address.is_ipv4() || forward.nat.ipv6 == Some(true));
    if !(nat || matches!(forward.mode, ForwardMode::Nat | ForwardMode::Route)) {
        return Ok(());
    }
    let internal = |detail: String| Error::new(ErrorCode::InternalError, ErrorDomain::None, detail);
    let prefix = ip
        .prefix_bits()
        .ok_or_else(|| internal(format!("Invalid prefix or netmask for '{}'", rules.bridge())))?;
    let guests = Subnet::new(ip.address, prefix);
    let layer = guests.layer();
    let device = forward.dev().map(str::to_owned);
    rules.push(layer, Rule::AllowOut { source: guests, device: device.clone() });
    if !nat {
        rules.push(layer, Rule::AllowIn { destination: guests, device });
        return Ok(());
    }
    rules.push(layer, Rule::AllowRelatedIn { destination: guests, device: device.clone() });
    let ports = forward.nat.ports.unwrap_or(UNTRUSTED_PORTS);
    if ports.0 >= ports.1 {
        return Err(internal(format!("Invalid port range '{}-{}'.", ports.0, ports.1)));
    }
    let addresses = forward.nat.addresses.filter(|_| ip.address.is_ipv4());
    for protocol in [None, Some(Protocol::Udp), Some(Protocol::Tcp)] {
        let (source, device) = (guests, device.clone());
        rules.push(layer, Rule::Masquerade { source, device, protocol, addresses, ports });
    }
    let kept: &[_] = if ip.address.is_ipv4() { &[BROADCAST_V4, MULTICAST_V4] } else { &[MULTICAST_V6] };
    for (address, prefix) in kept {
        let destination = Subnet::new(*address, *prefix);
        rules.push(layer, Rule::Keep { source: guests, device: device.clone(), destination });
    }
    Ok(())
}
