//! What every device has.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use virt_netdev::link::{self, Namespace};
use virt_netdev::tap::{self, Tap};
use virt_netdev::{Error, bridge, dellink, ethtool, sriov};

use crate::{another_namespace, assert_has, bridge, name, namespace, namespace_with_taps, veth, witness};

#[test]
fn properties_are_set_and_read_back() {
    let Some(mut socket) = namespace() else { return };
    let (device, _) = veth(&mut socket, "ndl-a", "ndl-b");
    link::set_mtu(&mut socket, &device, 1400).unwrap();
    link::set_mac(&mut socket, &device, "52:54:00:00:00:07".parse().unwrap()).unwrap();
    link::set_tx_queue_length(&mut socket, &device, 77).unwrap();
    link::set_alias(&mut socket, &device, "the guest's").unwrap();
    link::set_promiscuous(&mut socket, &device, true).unwrap();
    link::set_all_multicast(&mut socket, &device, true).unwrap();
    link::set_arp(&mut socket, &device, false).unwrap();
    let seen = witness("ndl-a");
    assert_has(
        &seen,
        &["mtu 1400", "52:54:00:00:00:07", "qlen 77", "alias the guest's", "PROMISC", "ALLMULTI", "NOARP"],
    );
    let read = link::get(&mut socket, &device).unwrap();
    assert_eq!((read.promiscuity, read.hardware_type), (1, 1));
    assert_eq!(read.alias.as_deref(), Some("the guest's"));
    link::set_promiscuous(&mut socket, &device, false).unwrap();
    link::set_all_multicast(&mut socket, &device, false).unwrap();
    link::set_arp(&mut socket, &device, true).unwrap();
    link::set_alias(&mut socket, &device, "").unwrap();
    let seen = witness("ndl-a");
    for part in ["PROMISC", "ALLMULTI", "NOARP", "alias"] {
        assert!(!seen.contains(part), "{part} in {seen}");
    }

    let large = link::set_mtu(&mut socket, &device, 70_000).unwrap_err();
    assert!(large.to_string().contains("mtu greater than device maximum"), "{large}");
    assert_eq!(link::get(&mut socket, &device).unwrap().mtu, 1400);

    let group = "01:00:5e:00:00:77".parse().unwrap();
    link::set_multicast_group(&socket, &device, group, true).unwrap();
    assert!(link::multicast_groups(&socket, &device).unwrap().contains(&group));
    link::set_multicast_group(&socket, &device, group, false).unwrap();
    assert!(!link::multicast_groups(&socket, &device).unwrap().contains(&group));
    let refused = link::set_multicast_group(&socket, &name("ndl-none"), group, true).unwrap_err();
    assert_eq!(refused.errno(), Some(Errno::NODEV), "{refused}");

    link::rename(&mut socket, &device, &name("ndl-new")).unwrap();
    assert_has(&witness("ndl-new"), &["52:54:00:00:00:07", "UP"]);
    let taken = link::rename(&mut socket, &name("ndl-new"), &name("lo")).unwrap_err();
    assert_eq!(taken.errno(), Some(Errno::EXIST));
    dellink::one(&mut socket, &name("ndl-new")).unwrap();
}

#[test]
fn a_device_moves_to_another_namespace() {
    let Some(mut socket) = namespace() else { return };
    let (file, mut other) = another_namespace();
    let mut there = link::socket_in(&file).unwrap();

    let (first, second) = veth(&mut socket, "ndl-ns0", "ndl-ns1");
    link::set_namespace(&mut socket, &first, Namespace::Process(other.id())).unwrap();
    assert_eq!(link::find(&mut socket, &first).unwrap(), None);
    let moved = link::get(&mut there, &first).unwrap();
    assert!(!moved.up && moved.parent_namespace.is_some(), "{moved:?}");

    // What the kernel does by the thread's namespace happens in the socket's, too.
    let below = bridge(&mut there, "ndl-there");
    let group = "01:00:5e:00:00:78".parse().unwrap();
    link::set_multicast_group(&there, &below, group, true).unwrap();
    assert!(link::multicast_groups(&there, &below).unwrap().contains(&group));
    assert!(link::multicast_groups(&socket, &below).unwrap().is_empty());
    let by_ioctl = bridge::Bridge::new(name("ndl-ioctl"));
    bridge::by_ioctl::create(&mut there, &by_ioctl).unwrap();
    assert_eq!(link::find(&mut socket, &by_ioctl.name).unwrap(), None);
    bridge::by_ioctl::delete(&mut there, &by_ioctl.name).unwrap();

    let refused = link::set_namespace(&mut socket, &name("lo"), Namespace::File(file.as_fd())).unwrap_err();
    assert!(refused.errno().is_some(), "{refused}");
    dellink::one(&mut socket, &second).unwrap();
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[test]
fn statistics_count() {
    let Some(mut socket) = namespace_with_taps() else { return };
    let asked = Tap { up: true, ..Tap::new("ndl-stat".parse().unwrap()) };
    let opened = tap::open(&mut socket, &asked).unwrap();
    let device = name("ndl-stat");
    let before = link::statistics(&mut socket, &device).unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([0x52, 0x54, 0, 0, 0, 1, 0x88, 0xb5]);
    frame.extend([0x5a; 86]);
    for _ in 0..3 {
        rustix::io::write(&opened.queues[0], &frame).unwrap();
    }
    let after = link::statistics(&mut socket, &device).unwrap();
    assert_eq!((after.rx_packets - before.rx_packets, after.rx_bytes - before.rx_bytes), (3, 300));
    let absent = link::statistics(&mut socket, &name("ndl-none")).unwrap_err();
    assert_eq!(
        absent.to_string(),
        "cannot read the statistics of link 'ndl-none': there is no such interface (ENODEV)"
    );
    drop(opened);
}

#[test]
fn offloads_are_switched() {
    let Some(mut socket) = namespace() else { return };
    let (device, _) = veth(&mut socket, "ndl-f0", "ndl-f1");
    let before = ethtool::features(&mut socket, &device).unwrap();
    assert!(before.get("tx-generic-segmentation").is_some_and(|feature| feature.on), "{before:?}");
    assert!(ethtool::libvirt_names(&before).contains(&"gso"));
    let wanted = [("tx-generic-segmentation", false), ("rx-gro", true)];
    let after = ethtool::set_features(&mut socket, &device, &wanted).unwrap();
    assert!(!after["tx-generic-segmentation"].on && after["rx-gro"].on, "{after:?}");
    // Veths have no check sequence that they could hand on.
    let refused = ethtool::set_features(&mut socket, &device, &[("rx-gro", false), ("rx-fcs", true)]);
    assert!(matches!(refused, Err(Error::NotApplied { property: "an offload", .. })), "{refused:?}");
    assert!(ethtool::features(&mut socket, &device).unwrap()["rx-gro"].on, "undone");
    let unknown = ethtool::set_features(&mut socket, &device, &[("no-such-offload", true)]).unwrap_err();
    assert!(unknown.to_string().starts_with("cannot change the offloads of 'ndl-f0': "), "{unknown}");
    let absent = ethtool::features(&mut socket, &name("ndl-none")).unwrap_err();
    assert_eq!(absent.errno(), Some(Errno::NODEV));
    let mode = ethtool::link_mode(&mut socket, &device).unwrap();
    assert_eq!((mode.speed, mode.full_duplex), (Some(10_000), Some(true)));
    dellink::one(&mut socket, &device).unwrap();
}

#[test]
fn what_has_no_virtual_functions_says_so() {
    let Some(mut socket) = namespace() else { return };
    let (device, _) = veth(&mut socket, "ndl-vf0", "ndl-vf1");
    assert!(sriov::list(&mut socket, &device).unwrap().is_empty());
    let settings = sriov::Settings { trust: Some(true), ..sriov::Settings::default() };
    let refused = sriov::set(&mut socket, &device, 0, &settings).unwrap_err();
    assert_eq!(refused.to_string(), "'ndl-vf0' has no virtual function 0");
    let profile = sriov::PortProfile {
        function: None,
        profile: "web",
        instance: [1; 16],
        host: [2; 16],
        request: sriov::PortRequest::Associate,
    };
    let refused =
        sriov::set_port_profile(&mut socket, &device, &profile, Duration::from_secs(1)).unwrap_err();
    assert_eq!(refused.errno(), Some(Errno::OPNOTSUPP), "{refused}");
    let station = sriov::Station {
        manager: 1,
        type_id: 2,
        type_version: 3,
        instance: [4; 16],
        mac: [2, 0, 0, 0, 0, 5],
        vlan: 6,
        request: sriov::PortRequest::Associate,
    };
    // Nobody has a socket of this number.
    assert!(sriov::set_station(&mut socket, 0x7fff_0001, &device, &station).is_err());
    dellink::one(&mut socket, &device).unwrap();
}
