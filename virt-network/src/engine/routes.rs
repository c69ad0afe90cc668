//! Networks that the host is on already.

use std::net::{IpAddr, Ipv4Addr};

use virt_conf::network::Network;
use virt_types::{ErrorCode, ErrorDomain, Result};

/// A route of the host, from `/proc/net/route`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    device: String,
    destination: u32,
    mask: u32,
}

/// Refuses a network whose addresses are those of another one of the host, by libvirt's measure: the same network.
pub(super) fn refuse_collisions(network: &Network) -> Result<()> {
    let text = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    check(network, &parse(&text))
}

fn parse(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let mut fields = line.split_whitespace();
        let device = fields.next()?.to_owned();
        // The kernel shows bytes in the network's order as a number of the host's.
        let number =
            |text: &str| u32::from_str_radix(text, 16).ok().map(|n| u32::from_be_bytes(n.to_ne_bytes()));
        let destination = number(fields.next()?)?;
        let mask = number(fields.nth(5)?)?;
        Some(Route { device, destination: destination & mask, mask })
    };
    text.lines().skip(1).filter_map(route).collect()
}

fn check(network: &Network, routes: &[Route]) -> Result<()> {
    let same = |address: Ipv4Addr, bits: u32| {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
        routes.iter().find(move |route| route.mask == mask && route.destination == address.to_bits() & mask)
    };
    let refuse = |detail: String, address: Ipv4Addr, bits: u32, device: &str| {
        let hint = format!(
            "{address}/{bits} is reached by {device} already; choose other addresses for network '{}'",
            network.name
        );
        Err(virt_types::Error::new(ErrorCode::InternalError, ErrorDomain::None, detail).with_hint(hint))
    };
    for ip in &network.ips {
        if let (IpAddr::V4(address), Some(bits)) = (ip.address, ip.prefix_bits())
            && let Some(route) = same(address, bits)
        {
            let detail = format!("Network is already in use by interface {}", route.device);
            return refuse(detail, address, bits, &route.device);
        }
    }
    for wanted in &network.routes {
        let bits = wanted.prefix.or_else(|| match wanted.netmask {
            Some(IpAddr::V4(mask)) => Some(mask.to_bits().leading_ones()),
            _ => None,
        });
        if let (IpAddr::V4(address), Some(bits)) = (wanted.address, bits)
            && let Some(route) = same(address, bits)
        {
            let detail =
                format!("Route address '{address}' conflicts with IP address for '{}'", route.device);
            return refuse(detail, address, bits, &route.device);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_network_is_found_and_named() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            br1\t00010B0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let routes = parse(if cfg!(target_endian = "little") { table } else { return });
        assert_eq!(routes.len(), 2);
        for (content, expected) in [
            ("<ip address='10.11.1.1' prefix='24'/>", Some("Network is already in use by interface br1")),
            ("<ip address='10.11.1.1' prefix='25'/>", None),
            ("<ip address='10.11.2.1' prefix='24'/>", None),
            (
                "<ip address='10.9.0.1' prefix='24'/><route address='10.11.1.0' prefix='24' gateway='10.9.0.2'/>",
                Some("Route address '10.11.1.0' conflicts with IP address for 'br1'"),
            ),
        ] {
            let network = Network::parse(&format!("<network><name>n</name>{content}</network>")).unwrap();
            let outcome = check(&network, &routes);
            assert_eq!(outcome.as_ref().err().map(virt_types::Error::detail), expected, "{content}");
            if let Err(error) = outcome {
                assert!(
                    error
                        .hint()
                        .is_some_and(|hint| hint.contains("10.11.1.0/24") || hint.contains("10.11.1.1/24"))
                );
            }
        }
    }
}
