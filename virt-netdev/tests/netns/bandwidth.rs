//! Bandwidth, beside what `tc` makes of the same figures.

use virt_netdev::bandwidth::{self, Bandwidth, FIRST_FLOOR, Floors, REST_CLASS, Rate, View};
use virt_netdev::{InterfaceName, dellink};

use crate::{INTERRUPTED, bridge, name, namespace, say};

/// What `tc` tells of a device, without its name, counters and numbers that differ from run to run.
fn state(device: &InterfaceName) -> String {
    let mut all = String::new();
    for what in ["qdisc", "class", "filter"] {
        all += &say("tc", &[what, "show", "dev", device.as_str()]);
    }
    all += &say("tc", &["filter", "show", "dev", device.as_str(), "parent", "ffff:"]);
    let mut lasting = String::new();
    for line in all.replace(device.as_str(), "DEV").lines() {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                // Counters, and the number of a police action.
                "direct_packets_stat" | "ref" | "bind" => drop(words.next()),
                word if word.starts_with("0x") && lasting.ends_with("police ") => {}
                word => {
                    lasting.push_str(word);
                    lasting.push(' ');
                }
            }
        }
        lasting.push('\n');
    }
    lasting
}

/// Runs `tc` with words in which DEV is the device; false, with a word, where this kernel lacks a part.
fn tc(device: &InterfaceName, commands: &[&str]) -> bool {
    for command in commands {
        let words: Vec<_> =
            command.split(' ').map(|word| if word == "DEV" { device.as_str() } else { word }).collect();
        let said = say("tc", &words);
        if !said.replace(INTERRUPTED, "").trim().is_empty() {
            eprintln!("skipped: tc {command}: {said}");
            return false;
        }
    }
    true
}

#[test]
fn a_device_is_shaped_as_tc_shapes_it() {
    let Some(mut socket) = namespace() else { return };
    let (ours, theirs) = (bridge(&mut socket, "ndq-a0"), bridge(&mut socket, "ndq-a1"));
    let rate = Rate { average: 1000, peak: Some(5000), burst: Some(512), floor: None };
    let inbound = Bandwidth { inbound: Some(rate), outbound: None };
    if tc(
        &theirs,
        &[
            "qdisc add dev DEV root handle 1: htb default 1",
            "class add dev DEV parent 1: classid 1:1 htb rate 1000kbps ceil 5000kbps burst 512kb quantum 85",
            "qdisc add dev DEV parent 1:1 handle 2: sfq perturb 10",
            "filter add dev DEV parent 1:0 protocol all prio 1 handle 1 fw flowid 1",
        ],
    ) {
        bandwidth::set(&mut socket, &ours, &inbound, Floors::No, View::Opposite).unwrap();
        assert_eq!(state(&ours), state(&theirs));
        let again = Bandwidth { inbound: Some(Rate { average: 10, ..Rate::default() }), outbound: None };
        bandwidth::set(&mut socket, &ours, &again, Floors::No, View::Opposite).unwrap();
        assert!(state(&ours).contains("rate 80Kbit ceil 80Kbit"), "{}", state(&ours));
    }
    bandwidth::clear(&mut socket, &ours).unwrap();
    bandwidth::clear(&mut socket, &theirs).unwrap();
    bandwidth::clear(&mut socket, &theirs).unwrap();
    assert!(!state(&ours).contains("htb"), "{}", state(&ours));

    let outbound = Bandwidth {
        inbound: None,
        outbound: Some(Rate { average: 128, burst: Some(256), ..Rate::default() }),
    };
    if tc(
        &theirs,
        &[
            "qdisc add dev DEV ingress",
            "filter add dev DEV parent ffff: protocol all u32 match u32 0 0 police rate 128kbps burst 256kb mtu 64kb drop \
             flowid :1",
        ],
    ) {
        bandwidth::set(&mut socket, &ours, &outbound, Floors::No, View::Opposite).unwrap();
        assert_eq!(state(&ours), state(&theirs));
    } else {
        let refused = bandwidth::set(&mut socket, &ours, &outbound, Floors::No, View::Opposite);
        if let Err(error) = refused {
            assert!(error.to_string().contains("traffic filter 'u32' at ffff: of link 'ndq-a0'"), "{error}");
            assert!(!state(&ours).contains("ingress"), "undone: {}", state(&ours));
        }
    }
    dellink::many(&mut socket, &[ours, theirs]).unwrap();
}

#[test]
fn a_network_s_guests_have_their_floors() {
    let Some(mut socket) = namespace() else { return };
    let (ours, theirs) = (bridge(&mut socket, "ndq-b0"), bridge(&mut socket, "ndq-b1"));
    let network = Rate { average: 1000, peak: Some(5000), burst: Some(5120), floor: None };
    let all = Bandwidth { inbound: Some(network), outbound: None };
    let guest = Rate { average: 200, floor: Some(100), ..Rate::default() };
    let mac = "52:54:00:12:34:56".parse().unwrap();
    let shaped = [
        "qdisc add dev DEV root handle 1: htb default 2",
        "class add dev DEV parent 1: classid 1:1 htb rate 1000kbps ceil 5000kbps quantum 85",
        "class add dev DEV parent 1:1 classid 1:2 htb rate 1000kbps ceil 5000kbps burst 5120kb quantum 85",
        "qdisc add dev DEV parent 1:2 handle 2: sfq perturb 10",
        "filter add dev DEV parent 1:0 protocol all prio 1 handle 1 fw flowid 1",
    ];
    let floor = [
        "class add dev DEV parent 1:1 classid 1:3 htb rate 100kbps ceil 5000kbps quantum 17",
        "qdisc add dev DEV parent 1:3 handle 3: sfq perturb 10",
        "filter add dev DEV protocol ip prio 2 handle 800::803 u32 match u16 0x0800 0xffff at -2 match u32 0x00123456 \
         0xffffffff at -12 match u16 0x5254 0xffff at -14 flowid 1:3",
        "class change dev DEV classid 1:2 htb rate 4900kbps ceil 5000kbps quantum 85",
    ];
    if tc(&theirs, &shaped) {
        bandwidth::set(&mut socket, &ours, &all, Floors::Yes, View::Opposite).unwrap();
        let without = state(&ours);
        assert_eq!(without, state(&theirs));
        if tc(&theirs, &floor) {
            bandwidth::add_floor(&mut socket, &ours, &network, mac, &guest, FIRST_FLOOR).unwrap();
            bandwidth::set_rate(&mut socket, &ours, REST_CLASS, &network, 4900).unwrap();
            assert_eq!(state(&ours), state(&theirs));
            let taken = bandwidth::add_floor(&mut socket, &ours, &network, mac, &guest, FIRST_FLOOR);
            assert!(taken.is_err());
            bandwidth::add_floor(&mut socket, &ours, &network, mac, &guest, FIRST_FLOOR).unwrap();
            let other = "52:54:00:12:34:57".parse().unwrap();
            bandwidth::set_floor_mac(&mut socket, &ours, other, FIRST_FLOOR).unwrap();
            assert!(state(&ours).contains("match 00123457/ffffffff at -12"), "{}", state(&ours));
            bandwidth::remove_floor(&mut socket, &ours, FIRST_FLOOR).unwrap();
            bandwidth::remove_floor(&mut socket, &ours, FIRST_FLOOR).unwrap();
            assert!(!state(&ours).contains("1:3"), "{}", state(&ours));
        }
    }
    // A bridge without bandwidth gives no floors, and keeps nothing of the attempt.
    let bare = bridge(&mut socket, "ndq-b2");
    let before = state(&bare);
    assert!(bandwidth::add_floor(&mut socket, &bare, &network, mac, &guest, 7).is_err());
    assert_eq!(state(&bare), before);
    assert!(bandwidth::set(&mut socket, &name("ndq-none"), &all, Floors::No, View::Same).is_err());
    dellink::many(&mut socket, &[ours, theirs, bare]).unwrap();
}

#[test]
fn frames_need_not_wait() {
    let Some(mut socket) = namespace() else { return };
    let device = bridge(&mut socket, "ndq-c0");
    bandwidth::set_no_queue(&mut socket, &device).unwrap();
    assert!(say("tc", &["qdisc", "show", "dev", "ndq-c0"]).contains("noqueue"));
    // Where this kernel has token buckets at all, the classes are read back.
    let rate = Rate { average: 6_000_000, ..Rate::default() };
    let all = Bandwidth { inbound: None, outbound: Some(rate) };
    match bandwidth::set(&mut socket, &device, &all, Floors::No, View::Same) {
        Ok(()) => assert!(state(&device).contains("rate 48Gbit ceil 48Gbit"), "{}", state(&device)),
        Err(error) => {
            eprintln!("skipped: {error}");
            assert!(!state(&device).contains("htb"), "undone: {}", state(&device));
        }
    }
    dellink::one(&mut socket, &device).unwrap();
}
