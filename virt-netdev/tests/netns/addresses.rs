//! Addresses and routes.

use std::net::IpAddr;
use std::time::Duration;

use rustix::io::Errno;
use virt_netdev::address::{self, Dad, NewIp};
use virt_netdev::route::{self, InUse, Network, NewRoute};
use virt_netdev::{Error, bridge, dellink, link};

use crate::{assert_has, bridge, name, namespace, say, veth};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn network(text: &str) -> Network {
    let (address, prefix) = text.split_once('/').expect("a prefix");
    Network { address: ip(address), prefix_length: prefix.parse().expect("a number") }
}

#[test]
fn addresses_come_and_go() {
    let Some(mut socket) = namespace() else { return };
    let device = bridge(&mut socket, "nda-br");
    for new in [
        NewIp::new(ip("192.0.2.1"), 24),
        NewIp::new(ip("198.51.100.1"), 31),
        NewIp { peer: Some(ip("203.0.113.2")), ..NewIp::new(ip("203.0.113.1"), 32) },
        NewIp { no_dad: true, ..NewIp::new(ip("2001:db8:1::1"), 64) },
    ] {
        address::add(&mut socket, &device, &new).unwrap();
        let again = address::add(&mut socket, &device, &new).unwrap_err();
        assert_eq!(again.errno(), Some(Errno::EXIST));
        assert!(again.to_string().starts_with(&format!("cannot add address {}/", new.address)), "{again}");
    }
    let seen = say("ip", &["address", "show", "dev", "nda-br"]);
    assert_has(
        &seen,
        &[
            "192.0.2.1/24 brd 192.0.2.255",
            "198.51.100.1/31 scope",
            "203.0.113.1 peer 203.0.113.2/32",
            "2001:db8:1::1/64",
        ],
    );
    let listed = address::list(&mut socket, &device).unwrap();
    assert!(listed.iter().any(|found| found.peer == Some(ip("203.0.113.2"))), "{listed:?}");
    let all = address::list_all(&mut socket).unwrap();
    assert!(listed.iter().all(|found| all.contains(found)));
    assert!(all.iter().any(|found| found.address == ip("127.0.0.1")));

    address::remove(&mut socket, &device, &NewIp::new(ip("192.0.2.1"), 24)).unwrap();
    let gone = address::remove(&mut socket, &device, &NewIp::new(ip("192.0.2.1"), 24)).unwrap_err();
    assert_eq!(gone.errno(), Some(Errno::ADDRNOTAVAIL), "{gone}");
    let absent = address::list(&mut socket, &name("nda-nowhere")).unwrap_err();
    assert_eq!(absent.errno(), Some(Errno::NODEV));
    bridge::delete(&mut socket, &device).unwrap();
}

#[test]
fn the_detection_of_duplicates_is_waited_for() {
    let Some(mut socket) = namespace() else { return };
    let (one, other) = veth(&mut socket, "nda-d0", "nda-d1");
    let address = ip("2001:db8:2::1");
    address::add(&mut socket, &one, &NewIp::new(address, 64)).unwrap();
    address::wait_dad(&mut socket, &one, &[address, ip("192.0.2.99")], Duration::from_secs(30)).unwrap();
    let found = address::list(&mut socket, &one).unwrap();
    assert!(found.iter().any(|found| found.address == address && found.dad == Dad::Done), "{found:?}");

    // The other end of the cable takes the same address.
    address::add(&mut socket, &other, &NewIp::new(address, 64)).unwrap();
    let duplicate = address::wait_dad(&mut socket, &other, &[address], Duration::from_secs(30)).unwrap_err();
    assert!(matches!(duplicate, Error::DuplicateAddress { .. }), "{duplicate}");

    // Nobody to ask: it stays open.
    let alone = bridge(&mut socket, "nda-alone");
    let address = ip("2001:db8:3::1");
    address::add(&mut socket, &alone, &NewIp::new(address, 64)).unwrap();
    let open = address::wait_dad(&mut socket, &alone, &[address], Duration::from_millis(50)).unwrap_err();
    assert!(matches!(open, Error::DadTimeout { .. }), "{open}");
    dellink::many(&mut socket, &[one, alone]).unwrap();
}

#[test]
fn routes_lead_through_devices() {
    let Some(mut socket) = namespace() else { return };
    let device = bridge(&mut socket, "nda-rt");
    address::add(&mut socket, &device, &NewIp::new(ip("192.168.77.1"), 24)).unwrap();
    address::add(&mut socket, &device, &NewIp { no_dad: true, ..NewIp::new(ip("2001:db8:77::1"), 64) })
        .unwrap();

    let far = NewRoute {
        gateway: Some(ip("192.168.77.2")),
        metric: Some(10),
        ..NewRoute::new(network("172.29.0.0/16"))
    };
    route::add(&mut socket, &device, &far).unwrap();
    assert_has(
        &say("ip", &["route", "show", "172.29.0.0/16"]),
        &["via 192.168.77.2 dev nda-rt", "metric 10"],
    );
    let found = route::lookup(&mut socket, ip("172.29.3.4")).unwrap();
    assert_eq!((found.gateway, found.source), (far.gateway, Some(ip("192.168.77.1"))));
    let again = route::add(&mut socket, &device, &far).unwrap_err();
    assert!(again.to_string().contains("(EEXIST)"), "{again}");
    let nowhere = NewRoute { gateway: Some(ip("10.99.99.99")), ..NewRoute::new(network("172.30.0.0/16")) };
    let unreachable = route::add(&mut socket, &device, &nowhere).unwrap_err();
    assert_eq!(unreachable.errno(), Some(Errno::NETUNREACH), "{unreachable}");

    let far6 = NewRoute { gateway: Some(ip("2001:db8:77::2")), ..NewRoute::new(network("2001:db8:88::/48")) };
    route::add(&mut socket, &device, &far6).unwrap();
    assert_has(&say("ip", &["-6", "route", "show"]), &["2001:db8:88::/48 via 2001:db8:77::2 dev nda-rt"]);

    let used = route::networks_in_use(&mut socket).unwrap();
    for expected in ["192.168.77.0/24", "172.29.0.0/16", "2001:db8:77::/64", "2001:db8:88::/48"] {
        let expected = InUse { network: network(expected), device: Some("nda-rt".to_owned()) };
        assert!(used.contains(&expected), "{expected:?} in {used:?}");
    }
    assert!(used.iter().all(|used| used.network.prefix_length > 0 && !used.network.address.is_loopback()));

    // Off, it has no routes, but still its network.
    link::set_up(&mut socket, &device, false).unwrap();
    let used = route::networks_in_use(&mut socket).unwrap();
    assert!(used.iter().any(|used| used.network == network("192.168.77.0/24")), "{used:?}");
    link::set_up(&mut socket, &device, true).unwrap();
    route::add(&mut socket, &device, &far).unwrap();
    route::remove(&mut socket, &device, &far).unwrap();
    let gone = route::remove(&mut socket, &device, &far).unwrap_err();
    assert!(gone.to_string().contains("(ESRCH)"), "{gone}");
    bridge::delete(&mut socket, &device).unwrap();
}
