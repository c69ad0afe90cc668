//! The other kinds of devices.

use std::os::fd::AsFd;

use rustix::io::Errno;
use virt_netdev::link::{self, Namespace};
use virt_netdev::macvtap::{self, Kind, Macvlan, Mode};
use virt_netdev::tap::{self, Offloads, Tap};
use virt_netdev::veth::{self, Properties, Veth};
use virt_netdev::vlan::{self, Vlan};
use virt_netdev::vxlan::{self, Vxlan};
use virt_netdev::{Error, InterfaceName, Link, Socket, bridge, dellink, dummy, ifb, macvlan};

use crate::{
    another_namespace, assert_has, bridge, lasting, name, namespace, namespace_with_taps, say, witness,
};

fn properties(mac: &str) -> Properties {
    Properties { mac: Some(mac.parse().unwrap()), mtu: Some(1400), up: true, ..Properties::default() }
}

/// True, with a word, where this kernel lacks a kind.
fn lacks(error: &Error) -> bool {
    let lacks = error.errno() == Some(Errno::OPNOTSUPP);
    if lacks {
        eprintln!("skipped: {error}");
    }
    lacks
}

#[test]
fn a_pair_of_veths_joins_a_bridge_and_another_namespace() {
    let Some(mut socket) = namespace() else { return };
    let below = bridge(&mut socket, "ndk-br");
    let (file, mut other) = another_namespace();

    let pair = Veth {
        properties: Properties { master: Some(below.clone()), ..properties("52:54:00:ee:00:01") },
        peer_mac: Some("52:54:00:ee:00:02".parse().unwrap()),
        peer_mtu: Some(1300),
        peer_namespace: Some(Namespace::File(file.as_fd())),
        ..Veth::new(name("ndk-ve0"), name("ndk-ve1"))
    };
    veth::create(&mut socket, &pair).unwrap();
    assert_has(&witness("ndk-ve0"), &["master ndk-br", "mtu 1400", "52:54:00:ee:00:01", "veth"]);
    assert_eq!(link::find(&mut socket, &pair.peer).unwrap(), None);
    let mut there = link::socket_in(&file).unwrap();
    let peer = link::get(&mut there, &pair.peer).unwrap();
    assert_eq!((peer.mtu, peer.mac), (1300, Some([0x52, 0x54, 0, 0xee, 0, 2])));
    let again = veth::create(&mut socket, &pair).unwrap_err();
    assert_eq!(again.errno(), Some(Errno::EXIST), "{again}");
    let wrong = Veth {
        peer_namespace: Some(Namespace::Process(u32::MAX >> 1)),
        name: name("ndk-ve9"),
        ..pair.clone()
    };
    let refused = veth::create(&mut socket, &wrong).unwrap_err();
    assert!(refused.to_string().starts_with("cannot create veth 'ndk-ve9'"), "{refused}");

    dellink::one(&mut socket, &pair.name).unwrap();
    assert_eq!(link::find(&mut there, &pair.peer).unwrap(), None, "the other end goes too");
    bridge::delete(&mut socket, &below).unwrap();
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[test]
fn vlans_vxlans_dummies_and_ifbs_come_out_as_asked() {
    let Some(mut socket) = namespace() else { return };
    let parent = bridge(&mut socket, "ndk-par");
    let vlan = Vlan {
        properties: properties("52:54:00:ee:00:03"),
        ..Vlan::new(name("ndk-vlan"), parent.clone(), 77)
    };
    match vlan::create(&mut socket, &vlan) {
        Ok(_) => {
            assert_has(
                &witness("ndk-vlan"),
                &["vlan protocol 802.1Q id 77", "mtu 1400", "52:54:00:ee:00:03"],
            );
            let twice = Vlan { name: name("ndk-vlan2"), ..vlan.clone() };
            let refused = vlan::create(&mut socket, &twice).unwrap_err();
            assert!(refused.errno().is_some(), "{refused}");
            let service = Vlan { service_tag: true, ..Vlan::new(name("ndk-vlan3"), parent.clone(), 5) };
            vlan::create(&mut socket, &service).unwrap();
            assert_has(&witness("ndk-vlan3"), &["vlan protocol 802.1ad id 5"]);
            let wrong = Vlan { id: 4096, ..twice };
            assert!(vlan::create(&mut socket, &wrong).unwrap_err().errno().is_some());
        }
        Err(error) => assert!(lacks(&error), "{error}"),
    }
    let vxlan = Vxlan {
        local: Some([192, 0, 2, 1].into()),
        remote: Some([192, 0, 2, 2].into()),
        learning: false,
        properties: properties("52:54:00:ee:00:04"),
        ..Vxlan::new(name("ndk-vxlan"), 4242)
    };
    match vxlan::create(&mut socket, &vxlan) {
        Ok(_) => {
            let seen = witness("ndk-vxlan");
            assert_has(
                &seen,
                &["vxlan id 4242", "remote 192.0.2.2", "local 192.0.2.1", "dstport 4789", "nolearning"],
            );
            let wrong = Vxlan { id: 1 << 24, name: name("ndk-vxlan2"), ..vxlan };
            assert!(vxlan::create(&mut socket, &wrong).unwrap_err().errno().is_some());
        }
        Err(error) => assert!(lacks(&error), "{error}"),
    }
    for (kind, create) in [
        ("dummy", dummy::create as fn(&mut Socket, &InterfaceName, &Properties) -> virt_netdev::Result<Link>),
        ("ifb", ifb::create),
    ] {
        let device = name(&format!("ndk-{kind}"));
        match create(&mut socket, &device, &properties("52:54:00:ee:00:05")) {
            Ok(created) => {
                assert_eq!(created.kind.as_deref(), Some(kind));
                assert_has(&witness(device.as_str()), &[kind, "mtu 1400", "52:54:00:ee:00:05", "UP"]);
                dellink::one(&mut socket, &device).unwrap();
            }
            Err(error) => assert!(lacks(&error), "{error}"),
        }
    }
    bridge::delete(&mut socket, &parent).unwrap();
}

#[test]
fn a_macvtap_s_queues_are_open() {
    let Some(mut socket) = namespace() else { return };
    let parent = bridge(&mut socket, "ndk-mvpar");
    let asked = Macvlan {
        mac: Some("52:54:00:ee:00:06".parse().unwrap()),
        up: true,
        ..Macvlan::new(name("ndk-mvt"), Kind::Macvtap, parent.clone(), Mode::Bridge)
    };
    let opened = match macvtap::create(&mut socket, &asked, 3, true) {
        Ok(opened) => opened,
        Err(Error::File { path, source }) => {
            assert!(witness("ndk-mvt").contains("does not exist"), "undone");
            eprintln!("skipped: this user may not open {}: {source}", path.display());
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(opened.queues.len(), 3);
    assert_has(&witness("ndk-mvt"), &["macvtap mode bridge", "52:54:00:ee:00:06"]);
    drop(opened);
    let again = macvtap::open_queues(&mut socket, &asked.name, 1, false).unwrap();
    assert_eq!(again.queues.len(), 1);
    drop(again);
    assert!(matches!(macvtap::create(&mut socket, &asked, 0, true), Err(Error::Queues(0))));
    assert!(matches!(
        macvtap::open_queues(&mut socket, &parent, 1, false),
        Err(Error::WrongKind { wanted: "macvtap", .. })
    ));
    dellink::one(&mut socket, &asked.name).unwrap();
    bridge::delete(&mut socket, &parent).unwrap();
}

#[test]
fn a_macvlan_accepts_its_sources() {
    let Some(mut socket) = namespace() else { return };
    let parent = bridge(&mut socket, "ndk-srcpar");
    let (one, two) = ("02:00:00:00:00:01".parse().unwrap(), "02:00:00:00:00:02".parse().unwrap());
    for (kind, device) in [(Kind::Macvlan, "ndk-src0"), (Kind::Macvtap, "ndk-src1")] {
        let asked = Macvlan {
            sources: vec![one, two],
            ..Macvlan::new(name(device), kind, parent.clone(), Mode::Source)
        };
        macvlan::create(&mut socket, &asked).unwrap();
        assert_has(
            &witness(device),
            &["mode source", "remotes (2)", "02:00:00:00:00:01", "02:00:00:00:00:02"],
        );
        macvlan::set_sources(&mut socket, &asked.name, &[two]).unwrap();
        assert_has(&witness(device), &["remotes (1)", "02:00:00:00:00:02"]);
        dellink::one(&mut socket, &asked.name).unwrap();
    }
    let other = Macvlan::new(name("ndk-src2"), Kind::Macvlan, parent.clone(), Mode::Bridge);
    macvlan::create(&mut socket, &other).unwrap();
    assert!(macvlan::set_sources(&mut socket, &other.name, &[one]).is_err());
    assert!(matches!(macvlan::set_sources(&mut socket, &parent, &[one]), Err(Error::WrongKind { .. })));
    dellink::one(&mut socket, &other.name).unwrap();
    bridge::delete(&mut socket, &parent).unwrap();
}

#[test]
fn a_persistent_tap_is_attached_to() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let asked = Tap {
        queues: 2,
        vnet_hdr: true,
        vnet_hdr_size: Some(12),
        offloads: Some(Offloads::CHECKSUM | Offloads::TSO4 | Offloads::TSO6),
        owner: Some(0),
        group: Some(0),
        persistent: true,
        ..Tap::new("ndk-pers".parse().unwrap())
    };
    let opened = tap::open(&mut socket, &asked).unwrap();
    assert_has(&witness("ndk-pers"), &["persist on", "user root", "group root", "vnet_hdr on"]);
    drop(opened);
    let device = name("ndk-pers");
    let again = tap::attach(&mut socket, &device, 2, true).unwrap();
    assert_eq!(again.queues.len(), 2);
    let wrong = tap::attach(&mut socket, &device, 1, true).unwrap_err();
    assert_eq!(wrong.errno(), Some(Errno::INVAL), "{wrong}");
    drop(again);
    dellink::one(&mut socket, &device).unwrap();
    let absent = tap::attach(&mut socket, &device, 1, true).unwrap_err();
    assert_eq!(absent.errno(), Some(Errno::NODEV));
    assert!(say("ip", &["tuntap", "show"]).lines().all(|line| !line.starts_with("ndk-pers")));
}

#[test]
fn a_tap_is_made_in_the_socket_s_namespace() {
    let Some(socket) = namespace_with_taps() else { return };
    let (file, mut other) = another_namespace();
    let mut there = link::socket_in(&file).unwrap();
    let opened = tap::open(&mut there, &Tap::new("ndk-far".parse().unwrap())).unwrap();
    let found = link::get(&mut there, &name("ndk-far")).unwrap();
    assert_eq!(lasting(&found), lasting(&opened.link));
    let mut here = socket;
    assert_eq!(link::find(&mut here, &name("ndk-far")).unwrap(), None);
    drop(opened);
    drop(other.stdin.take());
    other.wait().unwrap();
}
