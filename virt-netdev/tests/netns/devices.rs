//! Devices come out as asked and go.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use virt_netdev::bridge::{self, Bridge, Settings};
use virt_netdev::macvlan::{self, Kind, Macvlan, Mode};
use virt_netdev::tap::{self, OpenTap, Tap};
use virt_netdev::{Details, Error, InterfaceName, Link, Socket, dellink, link};
use virt_types::MacAddr;

use crate::{lasting, name, namespace, namespace_with_taps, witness};

#[test]
fn a_bridge_comes_out_as_asked_and_goes() {
    let Some(mut socket) = namespace() else { return };
    let asked = Bridge {
        mac: Some("52:54:00:aa:bb:01".parse().unwrap()),
        mtu: Some(1450),
        up: true,
        settings: Settings {
            stp: Some(false),
            forward_delay: Some(Duration::ZERO),
            ageing_time: Some(Duration::from_secs(120)),
            ..Settings::default()
        },
        ..Bridge::new(name("nd-br0"))
    };
    let created = bridge::create(&mut socket, &asked).unwrap();
    assert_eq!(created.name, "nd-br0");
    let seen = witness("nd-br0");
    for part in [
        "52:54:00:aa:bb:01",
        "mtu 1450",
        "UP",
        "bridge forward_delay 0 ",
        "ageing_time 12000 ",
        "stp_state 0 ",
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }

    let again = bridge::create(&mut socket, &asked).unwrap_err();
    assert_eq!(again.errno(), Some(Errno::EXIST));
    let kept = link::get(&mut socket, &asked.name).unwrap();
    assert_eq!(lasting(&kept), lasting(&created), "the one that exists is left alone");

    bridge::delete(&mut socket, &asked.name).unwrap();
    assert!(witness("nd-br0").contains("does not exist"));
    assert_eq!(bridge::delete(&mut socket, &asked.name).unwrap_err().errno(), Some(Errno::NODEV));
}

#[test]
fn the_spanning_tree_protocol_raises_a_short_delay() {
    let Some(mut socket) = namespace() else { return };
    for (asked, expected) in [(0, 2), (60, 30)] {
        let stp = Bridge {
            settings: Settings {
                stp: Some(true),
                forward_delay: Some(Duration::from_secs(asked)),
                ..Settings::default()
            },
            up: true,
            ..Bridge::new(name("nd-stp"))
        };
        let Details::Bridge(state) = bridge::create(&mut socket, &stp).unwrap().details else {
            panic!("no bridge")
        };
        assert_eq!(state.stp, Some(true));
        assert_eq!(state.forward_delay, Some(Duration::from_secs(expected)));
        bridge::delete(&mut socket, &stp.name).unwrap();
    }
}

#[test]
fn taps_come_out_as_asked_all_or_none() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let bridge = Bridge::new(name("nd-all"));
    let index = bridge::create(&mut socket, &bridge).unwrap().index;
    let tap = |number: u8| Tap {
        mac: Some(tap::host_side_mac(MacAddr([0x52, 0x54, 0, 0, 0, number]))),
        mtu: Some(1400),
        master: Some(bridge.name.clone()),
        up: true,
        ..Tap::new(name(&format!("nd-all{number}")).into())
    };
    let mut wanted: Vec<_> = (0..20).map(tap).collect();
    let opened = tap::open_many(&mut socket, &wanted).unwrap();
    assert_eq!(opened.len(), 20);
    for (tap, OpenTap { link, queues }) in wanted.iter().zip(&opened) {
        assert_eq!((link.name.as_str(), link.master, queues.len()), (tap.name.as_str(), Some(index), 1));
    }
    drop(opened);
    // No frame is that short.
    wanted[13].mtu = Some(1);
    let refused = tap::open_many(&mut socket, &wanted).unwrap_err();
    assert_eq!(refused.errno(), Some(Errno::INVAL), "{refused}");
    let left = link::list(&mut socket).unwrap();
    assert!(
        !left.iter().any(|link| link.master == Some(index) || link.name.starts_with("nd-all1")),
        "{left:?}"
    );
    bridge::delete(&mut socket, &bridge.name).unwrap();
}

#[test]
fn a_bridge_that_does_not_come_out_as_asked_is_deleted() {
    let Some(mut socket) = namespace() else { return };
    // Longer than the wire can tell.
    let settings = Settings { ageing_time: Some(Duration::MAX), ..Settings::default() };
    let asked = Bridge { settings, ..Bridge::new(name("nd-undo")) };
    let error = bridge::create(&mut socket, &asked).unwrap_err();
    assert!(matches!(error, Error::NotApplied { property: "the ageing time", .. }), "{error}");
    assert!(witness("nd-undo").contains("does not exist"));
}

#[test]
fn an_address_of_a_group_is_refused_before_anything_happens() {
    let Some(mut socket) = namespace() else { return };
    let mac = Some("01:00:5e:00:00:01".parse().unwrap());
    let refused = bridge::create(&mut socket, &Bridge { mac, ..Bridge::new(name("nd-mcast")) }).unwrap_err();
    assert!(matches!(refused, Error::NotUnicast(_)));
    assert_eq!(link::find(&mut socket, &name("nd-mcast")).unwrap(), None);
}

fn open_tap(socket: &mut Socket, tap: &str, bridge: &InterfaceName) -> OpenTap {
    let asked =
        Tap { master: Some(bridge.clone()), up: true, ..Tap::new(tap.parse().expect("a valid template")) };
    tap::open(socket, &asked).unwrap()
}

#[test]
fn frames_pass_between_the_taps_of_a_bridge() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let bridge_name = name("nd-traffic");
    let bridge = Bridge {
        up: true,
        settings: Settings { stp: Some(false), forward_delay: Some(Duration::ZERO), ..Settings::default() },
        ..Bridge::new(bridge_name.clone())
    };
    let bridge_index = bridge::create(&mut socket, &bridge).unwrap().index;
    let first = open_tap(&mut socket, "nd-t%d", &bridge_name);
    let second = open_tap(&mut socket, "nd-t%d", &bridge_name);
    assert_ne!(first.link.name, second.link.name);
    assert_eq!((first.link.master, first.link.up), (Some(bridge_index), true));

    // To everybody, of the type for experiments, 46 bytes of payload.
    let mut frame = vec![0xff; 6];
    frame.extend([0x52, 0x54, 0, 0, 0, 1, 0x88, 0xb5]);
    frame.extend([0x5a; 46]);
    assert_eq!(rustix::io::write(&first.queues[0], &frame).unwrap(), frame.len());
    assert_eq!(receive_like(&second, &frame), Some(frame.clone()));

    let port = name(&second.link.name);
    bridge::remove_port(&mut socket, &bridge_name, &port).unwrap();
    assert_eq!(link::get(&mut socket, &port).unwrap().master, None);
    let again = bridge::remove_port(&mut socket, &bridge_name, &port).unwrap_err();
    assert_eq!(again.to_string(), format!("'{port}' is no port of bridge 'nd-traffic'"));
    bridge::add_port(&mut socket, &bridge_name, &port).unwrap();
    assert_eq!(link::get(&mut socket, &port).unwrap().master, Some(bridge_index));

    // The tap goes with its descriptor, the ports stay when the bridge goes.
    drop(first);
    assert!(witness("nd-t0").contains("does not exist") || witness("nd-t1").contains("does not exist"));
    bridge::delete(&mut socket, &bridge_name).unwrap();
    assert_eq!(link::get(&mut socket, &port).unwrap().master, None);
}

/// The first frame of the same type; the host's own (IPv6 neighbour discovery) pass by.
fn receive_like(tap: &OpenTap, frame: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = [0; 2048];
    for _ in 0..64 {
        let mut wait = [PollFd::new(&tap.queues[0], PollFlags::IN)];
        if poll(&mut wait, Some(&Timespec { tv_sec: 5, tv_nsec: 0 })).unwrap() == 0 {
            return None;
        }
        let length = rustix::io::read(&tap.queues[0], &mut buffer).unwrap();
        if buffer[12..14] == frame[12..14] {
            return Some(buffer[..length].to_vec());
        }
    }
    None
}

#[test]
fn a_tap_has_its_queues_and_settings() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let asked = Tap {
        queues: 4,
        vnet_hdr: true,
        mac: Some(tap::host_side_mac("52:54:00:01:02:03".parse().unwrap())),
        mtu: Some(1400),
        ..Tap::new("nd-multi".parse().unwrap())
    };
    let opened = tap::open(&mut socket, &asked).unwrap();
    assert_eq!(opened.queues.len(), 4);
    let seen = witness("nd-multi");
    for part in
        ["fe:54:00:01:02:03", "mtu 1400", "tun type tap pi off vnet_hdr on", "multi_queue", "numqueues 4"]
    {
        assert!(seen.contains(part), "{part} in {seen}");
    }

    let taken = tap::open(&mut socket, &asked).unwrap_err();
    assert_eq!(taken.errno(), Some(Errno::BUSY), "{taken}");
    assert_eq!(virt_types::Error::from(taken).hint(), Some("a device with that name exists already"));
    drop(opened);
    assert!(witness("nd-multi").contains("does not exist"));

    for queues in [0, tap::MAX_QUEUES + 1] {
        let refused = tap::open(&mut socket, &Tap { queues, ..asked.clone() }).unwrap_err();
        assert!(matches!(refused, Error::Queues(number) if number == queues));
    }
}

#[test]
fn a_tap_that_can_not_be_finished_is_gone() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let start = Tap::new("nd-half".parse().unwrap());
    let absent =
        tap::open(&mut socket, &Tap { master: Some(name("nd-nowhere")), ..start.clone() }).unwrap_err();
    assert_eq!(absent.errno(), Some(Errno::NODEV));
    let no_bridge = tap::open(&mut socket, &Tap { master: Some(name("lo")), ..start.clone() }).unwrap_err();
    assert_eq!(no_bridge.to_string(), "'lo' is no bridge, but hardware or loopback");
    let too_large = tap::open(&mut socket, &Tap { mtu: Some(1_000_000), ..start }).unwrap_err();
    assert!(too_large.to_string().contains("mtu greater than device maximum"), "{too_large}");
    assert!(witness("nd-half").contains("does not exist"));
}

#[test]
fn a_device_of_another_kind_is_not_deleted_as_a_bridge() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let opened = tap::open(&mut socket, &Tap::new("nd-nobridge".parse().unwrap())).unwrap();
    let name = name("nd-nobridge");
    let refused = bridge::delete(&mut socket, &name).unwrap_err();
    assert_eq!(refused.to_string(), "'nd-nobridge' is no bridge, but of kind tun");
    assert_eq!(lasting(&link::get(&mut socket, &name).unwrap()), lasting(&opened.link));

    link::set_up(&mut socket, &name, true).unwrap();
    assert!(link::get(&mut socket, &name).unwrap().up);
    dellink::one(&mut socket, &name).unwrap();
    assert_eq!(link::find(&mut socket, &name).unwrap(), None);
}

#[test]
fn macvlans_are_read_back() {
    let Some(mut socket) = namespace() else { return };
    let parent = name("nd-parent");
    let mac = "52:54:00:dd:00:01".parse().unwrap();
    let parents_mac = "52:54:00:dd:00:02".parse().unwrap();
    let below = Bridge { up: true, mac: Some(parents_mac), ..Bridge::new(parent.clone()) };
    let index = bridge::create(&mut socket, &below).unwrap().index;
    for (kind, mode, mac) in [
        (Kind::Macvlan, Mode::Bridge, mac),
        (Kind::Macvtap, Mode::Vepa, mac),
        (Kind::Macvtap, Mode::Passthru, parents_mac),
    ] {
        let asked =
            Macvlan { mac: Some(mac), up: true, ..Macvlan::new(name("nd-mv"), kind, parent.clone(), mode) };
        let created = macvlan::create(&mut socket, &asked).unwrap();
        assert_eq!((created.parent, created.details), (Some(index), Details::Macvlan(mode)));
        let seen = witness("nd-mv");
        assert!(seen.contains(&format!("{} mode {mode}", kind.as_str())), "{seen}");
        assert!(seen.contains(&mac.to_string()), "{seen}");
        dellink::one(&mut socket, &asked.name).unwrap();
    }
    let passthru = Macvlan {
        mac: Some(mac),
        ..Macvlan::new(name("nd-mv"), Kind::Macvtap, parent.clone(), Mode::Passthru)
    };
    assert!(matches!(macvlan::create(&mut socket, &passthru), Err(Error::PassthruAddress { .. })));
    let orphan = Macvlan::new(name("nd-mv"), Kind::Macvtap, name("nd-nowhere"), Mode::Bridge);
    assert_eq!(
        macvlan::create(&mut socket, &orphan).unwrap_err().to_string(),
        "cannot look up link 'nd-nowhere': there is no such interface (ENODEV)"
    );
    bridge::delete(&mut socket, &parent).unwrap();
}

#[test]
fn many_are_deleted_at_once_or_none() {
    let Some(mut socket) = namespace() else { return };
    let names: Vec<_> = (0..12).map(|number| name(&format!("nd-many{number}"))).collect();
    let created: Vec<Link> =
        names.iter().map(|name| bridge::create(&mut socket, &Bridge::new(name.clone())).unwrap()).collect();

    for (intruder, expected) in [
        ("nd-nowhere", "cannot look up link 'nd-nowhere': there is no such interface (ENODEV)"),
        (
            "lo",
            "'lo' can not be deleted: it is hardware, loopback or another device that no request has made",
        ),
    ] {
        let with_intruder: Vec<_> = names.iter().cloned().chain([name(intruder)]).collect();
        assert_eq!(dellink::many(&mut socket, &with_intruder).unwrap_err().to_string(), expected);
    }
    for link in &created {
        let kept = link::get(&mut socket, &name(&link.name)).unwrap();
        assert_eq!(lasting(&kept), lasting(link), "untouched, its group too");
    }

    dellink::many(&mut socket, &names).unwrap();
    for name in &names {
        assert_eq!(link::find(&mut socket, name).unwrap(), None);
    }
    dellink::many(&mut socket, &[]).unwrap();
}
