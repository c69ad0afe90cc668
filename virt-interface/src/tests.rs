//! Hosts made of a few files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use virt_driver::{InterfaceRef, Interfaces};
use virt_types::ErrorCode;

use crate::HostInterfaces;

/// A host that is gone with the test.
struct Host(PathBuf);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Host {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("virt-interface-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("sys/class/net")).unwrap();
        Self(dir)
    }

    /// An interface with these files beside the usual ones.
    fn link(&self, name: &str, state: &str, files: &[(&str, &str)]) {
        let device = self.0.join("sys/devices/virtual/net").join(name);
        let usual = [("operstate", state), ("mtu", "1500"), ("address", "52:54:00:00:00:01")];
        for (file, text) in usual.iter().chain(files) {
            let path = device.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        symlink(&device, self.0.join("sys/class/net").join(name)).unwrap();
    }

    fn interfaces(&self) -> HostInterfaces {
        HostInterfaces::below(&self.0)
    }

    fn described(&self, name: &str) -> String {
        self.interfaces().describe(name).unwrap().format()
    }
}

/// What a call answers that has nothing to wait for.
fn now<T>(call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match call.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn each_kind_is_written_as_libvirt_does() {
    let host = Host::new("kinds");
    host.link("eth0", "up", &[("speed", "1000")]);
    host.link("eth1", "down", &[("speed", "1000")]);
    host.link("tap0", "unknown", &[("speed", "10"), ("tun_flags", "0x1002")]);
    host.link("vnet3", "up", &[("speed", "10")]);
    let bridge = [("bridge/forward_delay", "1500"), ("bridge/stp_state", "1"), ("uevent", "DEVTYPE=bridge")];
    host.link("br0", "up", &bridge);
    fs::create_dir_all(host.0.join("sys/class/net/br0/brif")).unwrap();
    for port in ["vnet3", "eth0"] {
        fs::write(host.0.join("sys/class/net/br0/brif").join(port), "").unwrap();
    }
    host.link("eth0.5", "up", &[("speed", "-1"), ("uevent", "INTERFACE=eth0.5\nDEVTYPE=vlan")]);
    fs::create_dir_all(host.0.join("proc/net/vlan")).unwrap();
    let vlan = "eth0.5  VID: 5\t REORDER_HDR: 1\n total frames 0\nDevice: eth0\n";
    fs::write(host.0.join("proc/net/vlan/eth0.5"), vlan).unwrap();
    for (name, expected) in [
        (
            "eth0",
            "<interface type='ethernet' name='eth0'>
  <mtu size='1500'/>
  <link speed='1000' state='up'/>
  <mac address='52:54:00:00:00:01'/>
</interface>
",
        ),
        (
            "eth1",
            "<interface type='ethernet' name='eth1'>
  <mtu size='1500'/>
  <link state='down'/>
  <mac address='52:54:00:00:00:01'/>
</interface>
",
        ),
        (
            "br0",
            "<interface type='bridge' name='br0'>
  <mtu size='1500'/>
  <bridge stp='on' delay='1500'>
    <interface type='ethernet' name='eth0'>
      <link speed='1000' state='up'/>
      <mac address='52:54:00:00:00:01'/>
    </interface>
  </bridge>
</interface>
",
        ),
        (
            "eth0.5",
            "<interface type='vlan' name='eth0.5'>
  <mtu size='1500'/>
  <link state='up'/>
  <vlan tag='5'>
    <interface name='eth0'/>
  </vlan>
</interface>
",
        ),
    ] {
        assert_eq!(host.described(name), expected);
    }
}

#[test]
fn a_bond_tells_how_its_cards_are_watched() {
    let host = Host::new("bond");
    let files = |interval: &'static str, miimon: &'static str| {
        [
            ("uevent", "DEVTYPE=bond"),
            ("bonding/downdelay", "200"),
            ("bonding/updelay", "0"),
            ("bonding/miimon", miimon),
            ("bonding/arp_interval", interval),
            ("bonding/mode", "active-backup 1"),
            ("bonding/arp_validate", "backup 2"),
            ("bonding/use_carrier", "1"),
            ("bonding/arp_ip_target", "10.0.0.1"),
            ("slave_eth0", ""),
        ]
    };
    host.link("eth0", "down", &[]);
    host.link("bond0", "down", &files("0", "100"));
    host.link("bond1", "down", &files("500", "100"));
    host.link("bond2", "down", &files("0", "0"));
    let inner = |name| {
        let xml = host.described(name);
        xml.lines().skip(4).take(1).map(str::trim).map(str::to_owned).collect::<String>()
    };
    assert_eq!(inner("bond0"), "<miimon freq='100' downdelay='200' carrier='netif'/>");
    assert_eq!(inner("bond1"), "<arpmon interval='500' target='10.0.0.1' validate='backup'/>");
    assert_eq!(inner("bond2"), "<interface type='ethernet' name='eth0'>");
    assert!(host.described("bond0").contains("<bond mode='active-backup'>"));
}

#[test]
fn ports_and_taps_are_not_listed() {
    let host = Host::new("list");
    host.link("b", "up", &[]);
    host.link("a", "unknown", &[("address", "52:54:00:00:00:0a")]);
    host.link("port", "up", &[("brport/state", "3")]);
    host.link("tap0", "up", &[("tun_flags", "0x1002")]);
    fs::write(host.0.join("sys/class/net/bonding_masters"), "").unwrap();
    let interfaces = host.interfaces();
    let names = |flags| {
        let found: Vec<_> = now(interfaces.list(flags)).unwrap();
        found.into_iter().map(|reference| reference.name).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["a", "b"]);
    assert_eq!(names(1), ["a"]);
    assert_eq!(names(2), ["b"]);
    let by_mac = now(interfaces.lookup_by_mac("52:54:00:00:00:0a")).unwrap();
    assert_eq!(by_mac, InterfaceRef { name: "a".into(), mac: "52:54:00:00:00:0a".into() });
    assert!(now(interfaces.is_active(&now(interfaces.lookup_by_name("tap0")).unwrap())).unwrap());
}

#[test]
fn what_is_not_there_is_refused() {
    let host = Host::new("refused");
    host.link("a", "up", &[]);
    host.link("b", "up", &[]);
    host.link("v.1", "up", &[]);
    let interfaces = host.interfaces();
    for (name, code, words) in [
        ("nosuch", ErrorCode::NoInterface, "couldn't find interface named 'nosuch'"),
        ("../net/a", ErrorCode::NoInterface, "couldn't find interface named '../net/a'"),
        ("", ErrorCode::NoInterface, "couldn't find interface named ''"),
        ("v.1", ErrorCode::InternalError, "failed to find the VID for the VLAN device 'v.1'"),
    ] {
        let error = interfaces.describe(name).unwrap_err();
        assert_eq!((error.code(), error.detail()), (code, words));
    }
    for (mac, code) in [("x", ErrorCode::NoInterface), ("52:54:00:00:00:01", ErrorCode::MultipleInterfaces)] {
        assert_eq!(now(interfaces.lookup_by_mac(mac)).unwrap_err().code(), code, "{mac}");
    }
    let error = now(interfaces.list(4)).unwrap_err();
    assert_eq!(error.to_string(), "unsupported flags (0x4) in function udevConnectListAllInterfaces");
    assert_eq!(now(interfaces.define_xml("", 0)).unwrap_err().code(), ErrorCode::NoSupport);
}
