//! The guest's interfaces and its name, and who can tell of them.

use std::collections::BTreeMap;

use virt_conf::domain::device::{InterfaceSource, InterfaceType};
use virt_domain::JobKind;
use virt_driver::{DhcpLease, DomainRef, GuestAddress, GuestInterface};
use virt_qmp::agent::command::{
    GuestGetHostName, GuestInterface as AgentInterface, GuestNetworkGetInterfaces,
};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::super::refusal::{argument_unsupported, known_bits, no_flags};
use super::super::{QemuConnection, sides};
use super::{AgentCall, ask, guest_info, nonsense};

/// `VIR_DOMAIN_GET_HOSTNAME_LEASE`
const LEASE: u32 = 1;
/// `VIR_DOMAIN_GET_HOSTNAME_AGENT`
const AGENT: u32 = 2;

/// `virDomainGetHostname`
pub(in crate::driver) async fn hostname(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<String> {
    if flags & (LEASE | AGENT) == LEASE | AGENT {
        let detail = "Flags 'VIR_DOMAIN_GET_HOSTNAME_LEASE' and 'VIR_DOMAIN_GET_HOSTNAME_AGENT' are mutually exclusive";
        return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail).verbatim());
    }
    known_bits(flags, LEASE | AGENT, "qemuDomainGetHostname")?;
    if flags & LEASE != 0 {
        let snapshot = connection.find(domain).await?.snapshot();
        if !snapshot.is_active() {
            return Err(sides::not_running());
        }
        if let Some(live) = &snapshot.live
            && let Some(name) = leased_name(connection, live).await
        {
            return Ok(name);
        }
        let detail = format!("no hostname found for domain {}", snapshot.name);
        return Err(Error::new(ErrorCode::NoHostname, ErrorDomain::Qemu, detail));
    }
    let call = AgentCall::new("virDomainGetHostname", JobKind::AgentQuery);
    Ok(ask(connection, domain, call, GuestGetHostName {}).await?.host_name)
}

/// `virDomainInterfaceAddresses`
pub(super) async fn addresses(
    connection: &QemuConnection,
    domain: &DomainRef,
    source: u32,
    flags: u32,
) -> Result<Vec<GuestInterface>> {
    no_flags(flags, "qemuDomainInterfaceAddresses")?;
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    let Some(live) = &snapshot.live else { return Err(sides::not_running()) };
    match source {
        0 => leased(connection, live).await,
        1 => {
            let call = AgentCall::new("virDomainInterfaceAddresses", JobKind::AgentQuery);
            told(ask(connection, domain, call, GuestNetworkGetInterfaces {}).await?)
        }
        2 => neighbours(live),
        other => Err(argument_unsupported(format!("Unknown IP address data source {other}"))),
    }
}

/// The interfaces on virtual networks, with the leases of each.
async fn leases(
    connection: &QemuConnection,
    live: &virt_conf::domain::Domain,
) -> Result<Vec<(String, Vec<DhcpLease>)>> {
    let mut found = Vec::new();
    for interface in &live.devices.interfaces {
        let InterfaceSource::Network { network, .. } = &interface.source else { continue };
        let (Some(mac), Some(name)) = (interface.mac, &interface.target) else { continue };
        if interface.actual_kind() == InterfaceType::Network {
            let leases = connection.backend.services().networks()?.leases(network, mac).await?;
            found.push((name.clone(), leases));
        }
    }
    Ok(found)
}

/// What virtual networks have given the guest's interfaces.
async fn leased(
    connection: &QemuConnection,
    live: &virt_conf::domain::Domain,
) -> Result<Vec<GuestInterface>> {
    let address = |lease: &DhcpLease| GuestAddress {
        family: lease.family,
        address: lease.address.clone(),
        prefix: lease.prefix,
    };
    let interface = |(name, leases): (String, Vec<DhcpLease>)| GuestInterface {
        name,
        mac: leases.first().and_then(|lease| lease.mac.clone()),
        addresses: leases.iter().map(address).collect(),
    };
    let known = leases(connection, live).await?.into_iter().filter(|(_, leases)| !leases.is_empty());
    Ok(known.map(interface).collect())
}

/// The first name that the guest gave itself to a virtual network.
async fn leased_name(connection: &QemuConnection, live: &virt_conf::domain::Domain) -> Option<String> {
    let known = leases(connection, live).await.ok()?;
    known.into_iter().flat_map(|(_, leases)| leases).find_map(|lease| lease.hostname)
}

/// What the host's neighbour tables know of the guest's hardware addresses.
fn neighbours(live: &virt_conf::domain::Domain) -> Result<Vec<GuestInterface>> {
    let table = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
    let mut found = Vec::new();
    for interface in &live.devices.interfaces {
        let (Some(mac), Some(name)) = (&interface.mac, &interface.target) else { continue };
        let mac = mac.to_string();
        let addresses: Vec<GuestAddress> = addresses_of(&table, &mac)
            .map(|address| GuestAddress { family: 0, address: address.to_owned(), prefix: 0 })
            .collect();
        if !addresses.is_empty() {
            found.push(GuestInterface { name: name.clone(), mac: Some(mac), addresses });
        }
    }
    Ok(found)
}

/// The IPv4 addresses of a hardware address in `/proc/net/arp` (proc(5)).
fn addresses_of<'a>(table: &'a str, mac: &'a str) -> impl Iterator<Item = &'a str> {
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_whitespace();
        let address = fields.next()?;
        // The flags say whether the entry is complete.
        let complete = fields.nth(1)? != "0x0";
        (complete && fields.next()?.eq_ignore_ascii_case(mac)).then_some(address)
    })
}

/// Puts together what the agent says; an alias such as `eth0:1` belongs to its interface.
pub(super) fn told(found: Vec<AgentInterface>) -> Result<Vec<GuestInterface>> {
    let mut order: Vec<GuestInterface> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for interface in found {
        let name = interface.name.split(':').next().unwrap_or_default().to_owned();
        let place = *places.entry(name.clone()).or_insert_with(|| {
            order.push(GuestInterface {
                name,
                mac: interface.hardware_address.clone(),
                addresses: Vec::new(),
            });
            order.len() - 1
        });
        for address in interface.ip_addresses.into_iter().flatten() {
            let family = match address.ip_address_type.as_str() {
                "ipv4" => 0,
                "ipv6" => 1,
                other => return Err(nonsense(format!("unknown ip address type '{other}'"))),
            };
            if let Some(known) = order.get_mut(place) {
                known.addresses.push(GuestAddress {
                    family,
                    address: address.ip_address,
                    prefix: address.prefix,
                });
            }
        }
    }
    Ok(order)
}

/// The fields of `virDomainGetGuestInfo`.
pub(super) fn parameters(interfaces: &[GuestInterface], params: &mut TypedParams) {
    params.push("if.count", guest_info::length(interfaces));
    for (number, interface) in interfaces.iter().enumerate() {
        params.push(format!("if.{number}.name"), interface.name.clone());
        if let Some(mac) = &interface.mac {
            params.push(format!("if.{number}.hwaddr"), mac.clone());
        }
        params.push(format!("if.{number}.addr.count"), guest_info::length(&interface.addresses));
        for (place, address) in interface.addresses.iter().enumerate() {
            let field = |name: &str| format!("if.{number}.addr.{place}.{name}");
            let family = if address.family == 0 { "ipv4" } else { "ipv6" };
            params.push(field("type"), family.to_owned());
            params.push(field("addr"), address.address.clone());
            params.push(field("prefix"), address.prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbour_table_is_searched_by_hardware_address() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.0.0.7         0x1         0x2         52:54:00:AA:bb:cc     *        virbr0\n\
                     10.0.0.8         0x1         0x0         52:54:00:aa:bb:cc     *        virbr0\n\
                     10.0.0.9         0x1         0x2         52:54:00:00:00:01     *        virbr0\n";
        assert_eq!(addresses_of(table, "52:54:00:aa:bb:cc").collect::<Vec<_>>(), ["10.0.0.7"]);
    }

    #[test]
    fn aliases_of_an_interface_are_one() {
        let json = r#"[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","ip-address-type":"ipv4","prefix":8}]},
            {"name":"eth0","hardware-address":"52:54:00:01:02:03"},
            {"name":"eth0:1","ip-addresses":[{"ip-address":"fe80::1","ip-address-type":"ipv6","prefix":64}]}]"#;
        let found = told(serde_json::from_str(json).unwrap()).unwrap();
        let shown: Vec<_> = found.iter().map(|i| (i.name.as_str(), i.addresses.len())).collect();
        assert_eq!(shown, [("lo", 1), ("eth0", 1)]);
        assert_eq!(found[1].addresses[0], GuestAddress { family: 1, address: "fe80::1".into(), prefix: 64 });
        let mut params = TypedParams::new();
        parameters(&found, &mut params);
        assert_eq!(params.get("if.1.addr.0.type"), Some(&"ipv6".to_owned().into()));
        let odd = r#"[{"name":"x","ip-addresses":[{"ip-address":"a","ip-address-type":"ipx","prefix":0}]}]"#;
        assert!(told(serde_json::from_str(odd).unwrap()).is_err());
    }
}
