use virt_conf::ParseFlags;

use super::*;
use crate::caps::Capabilities;
use crate::config::Config;
use crate::host::Host;

fn capabilities() -> Capabilities {
    Capabilities { caps: Cap::TABLE.iter().map(|(cap, _)| *cap).collect(), ..Capabilities::default() }
}

fn domain(virt_type: &str, interface: &str) -> Domain {
    let xml = format!(
        "<domain type='{virt_type}' id='3'><name>web</name><memory>1</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
           <devices><controller type='pci' index='0' model='pci-root'><alias name='pci.0'/></controller>{interface}</devices>
         </domain>"
    );
    Domain::parse(&xml, ParseFlags::empty()).unwrap()
}

/// An interface of this type with these contents at a fixed place.
fn interface(attributes: &str, content: &str) -> String {
    format!(
        "<interface {attributes}><mac address='52:54:00:00:00:01'/>{content}<alias name='net0'/><address type='pci' slot='3'/></interface>"
    )
}

fn plan(domain: &Domain, host: &Host) -> Result<(String, Vec<String>)> {
    let (caps, config) = (capabilities(), Config::system());
    let mut cx = PlanContext::new(domain, &caps, &config, host);
    let device = domain.devices.interfaces[0].plan(&mut cx)?;
    cx.device(device);
    let needs = cx.plan.needs.iter().map(ToString::to_string).collect();
    Ok((cx.plan.argv().join(" "), needs))
}

const CARD: &str = r#""netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01","bus":"pci.0","addr":"0x3"}"#;

#[test]
fn each_connection_has_its_back_end() {
    for (attributes, content, netdev) in [
        ("type='user'", "", r#"{"type":"user","id":"hostnet0"}"#),
        (
            "type='user'",
            "<ip address='10.7.0.0' prefix='24'/><ip address='fd07::' prefix='64'/>",
            r#"{"type":"user","net":"10.7.0.0/24","ipv6-prefix":"fd07::","ipv6-prefixlen":64,"id":"hostnet0"}"#,
        ),
        (
            "type='user'",
            "<backend type='passt'/>",
            r#"{"type":"stream","addr":{"type":"unix","path":"/run/libvirt/qemu/passt/3-web-net0.socket"},"server":false,"reconnect":5,"id":"hostnet0"}"#,
        ),
        (
            "type='ethernet'",
            "<tune><sndbuf>1600</sndbuf></tune>",
            r#"{"type":"tap","fd":"3","sndbuf":1600,"id":"hostnet0"}"#,
        ),
        ("type='bridge'", "<source bridge='br0'/>", r#"{"type":"tap","fd":"3","id":"hostnet0"}"#),
        ("type='direct'", "<source dev='eth0'/>", r#"{"type":"tap","fd":"3","id":"hostnet0"}"#),
        ("type='server'", "<source port='5001'/>", r#"{"type":"socket","listen":":5001","id":"hostnet0"}"#),
        (
            "type='client'",
            "<source address='127.0.0.1' port='5001'/>",
            r#"{"type":"socket","connect":"127.0.0.1:5001","id":"hostnet0"}"#,
        ),
        (
            "type='mcast'",
            "<source address='230.0.0.1' port='5001'/>",
            r#"{"type":"socket","mcast":"230.0.0.1:5001","id":"hostnet0"}"#,
        ),
        (
            "type='udp'",
            "<source address='127.0.0.1' port='1'><local address='127.0.0.1' port='2'/></source>",
            r#"{"type":"socket","udp":"127.0.0.1:1","localaddr":"127.0.0.1:2","id":"hostnet0"}"#,
        ),
    ] {
        let domain = domain("qemu", &interface(attributes, &format!("{content}<model type='e1000'/>")));
        let (argv, _) = plan(&domain, &Host::default()).unwrap();
        assert_eq!(
            argv,
            format!(r#"-netdev {netdev} -device {{"driver":"e1000",{CARD}"#),
            "{attributes} {content}"
        );
    }
}

#[test]
fn a_switch_in_another_process_is_reached_over_a_socket() {
    let content = "<source type='unix' path='/s,1' mode='server'/><model type='virtio'/><driver queues='4'/>";
    let domain = domain("kvm", &interface("type='vhostuser'", content));
    let (argv, needs) = plan(&domain, &Host::default()).unwrap();
    assert_eq!(
        argv,
        format!(
            r#"-chardev socket,id=charnet0,path=/s,,1,server=on -netdev {{"type":"vhost-user","chardev":"charnet0","queues":4,"id":"hostnet0"}} -device {{"driver":"virtio-net-pci","mq":true,"vectors":10,{CARD}"#
        )
    );
    assert_eq!(needs, [""; 0]);
}

#[test]
fn a_vdpa_device_is_handed_over_open() {
    let content = "<source dev='/dev/vhost-vdpa-0'/><model type='virtio'/>";
    let domain = domain("kvm", &interface("type='vdpa'", content));
    let (argv, needs) = plan(&domain, &Host::default()).unwrap();
    assert_eq!(
        argv,
        format!(
            r#"-add-fd set=0,fd=3,opaque=net0-vdpa -netdev {{"type":"vhost-vdpa","vhostdev":"/dev/fdset/0","id":"hostnet0"}} -device {{"driver":"virtio-net-pci",{CARD}"#
        )
    );
    assert_eq!(needs, ["descriptor 3: /dev/vhost-vdpa-0"]);
}

#[test]
fn the_kernel_moves_packets_where_it_can() {
    let with_vhost = Host { vhost_net: true, ..Host::default() };
    let none = Host::default();
    let tap = r#"{"type":"tap","fd":"3","id":"hostnet0"}"#;
    let vhost = r#"{"type":"tap","fd":"3","vhost":true,"vhostfd":"4","id":"hostnet0"}"#;
    let queues = r#"{"type":"tap","fds":"3:4","vhost":true,"vhostfds":"5:6","id":"hostnet0"}"#;
    for (virt_type, content, host, expected) in [
        ("kvm", "<model type='virtio'/>", &with_vhost, Ok(vhost)),
        ("kvm", "<model type='virtio'/>", &none, Ok(tap)),
        ("qemu", "<model type='virtio'/>", &with_vhost, Ok(tap)),
        ("kvm", "<model type='e1000'/>", &with_vhost, Ok(tap)),
        ("kvm", "<model type='virtio'/><driver name='qemu'/>", &with_vhost, Ok(tap)),
        ("kvm", "<model type='virtio'/><driver queues='2'/>", &with_vhost, Ok(queues)),
        (
            "kvm",
            "<model type='virtio'/><driver name='vhost'/>",
            &none,
            Err("vhost-net was requested for an interface, but is unavailable"),
        ),
    ] {
        let domain = domain(virt_type, &interface("type='ethernet'", content));
        let found = plan(&domain, host);
        match expected {
            Ok(netdev) => {
                let (argv, _) = found.unwrap();
                assert!(argv.starts_with(&format!("-netdev {netdev} ")), "{content}: {argv}");
            }
            Err(detail) => assert_eq!(found.unwrap_err().detail(), detail),
        }
    }
}

#[test]
fn every_option_of_a_virtio_card_is_a_property() {
    let content = "<model type='virtio-non-transitional'/><driver name='qemu' txmode='timer' ioeventfd='off' event_idx='on' queues='3' rx_queue_size='512' tx_queue_size='256' rss='on' packed='on'>\
        <host csum='off' mrg_rxbuf='on'/><guest ufo='off'/></driver><mtu size='1400'/><teaming type='persistent'/><rom bar='off'/><boot order='2'/>";
    let domain = domain("kvm", &interface("type='ethernet'", content));
    let (argv, needs) = plan(&domain, &Host::default()).unwrap();
    let card = r#""netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01","bootindex":2,"bus":"pci.0","addr":"0x3","rombar":0}"#;
    assert!(
        argv.ends_with(&format!(
            r#"-device {{"driver":"virtio-net-pci-non-transitional","packed":true,"tx":"timer","ioeventfd":false,"event_idx":true,"csum":false,"mrg_rxbuf":true,"guest_ufo":false,"mq":true,"vectors":8,"rx_queue_size":512,"tx_queue_size":256,"rss":true,"host_mtu":1400,"failover":true,{card}"#
        )),
        "{argv}"
    );
    assert_eq!(needs.len(), 3);
    assert_eq!(needs[2], "descriptor 5: queue 2 of the tap device of net0");
}

#[test]
fn what_qemu_can_not_do_is_refused() {
    let (caps, config, host) = (capabilities(), Config::system(), Host::default());
    for (attributes, content, expected) in [
        ("type='user'", "<ip address='10.0.0.0' prefix='30'/>", "invalid prefix, must be in range of 4-27"),
        (
            "type='user'",
            "<ip address='fd07::' prefix='80'/>",
            "unsupported IPv6 address prefix='80' - must be 64",
        ),
        (
            "type='user'",
            "<route address='10.0.0.0' prefix='8' gateway='10.0.0.1'/>",
            "Invalid attempt to set network interface guest-side IP route, not supported by QEMU",
        ),
        (
            "type='ethernet'",
            "<ip address='10.0.0.1'/>",
            "Invalid attempt to set network interface guest-side IP route and/or address info, not supported by QEMU",
        ),
        ("type='user'", "<mtu size='1400'/>", "setting MTU on interface type user is not supported yet"),
        (
            "type='ethernet'",
            "<coalesce><rx><frames max='1'/></rx></coalesce>",
            "coalesce settings on interface type ethernet are not supported",
        ),
        (
            "type='ethernet'",
            "<model type='virtio'/><driver rx_queue_size='500'/>",
            "rx_queue_size has to be a power of two",
        ),
        (
            "type='ethernet'",
            "<model type='e1000'/><teaming type='persistent'/>",
            "virtio-net teaming persistent interface must be <model type='virtio'/>, not 'e1000'",
        ),
    ] {
        let domain = domain("kvm", &interface(attributes, content));
        let cx = QemuContext {
            domain: &domain,
            caps: &caps,
            config: &config,
            host: &host,
            flags: ParseFlags::empty(),
        };
        let error = domain.devices.interfaces[0].check(&cx).unwrap_err();
        assert_eq!(error.detail(), expected, "{content}");
    }
}

#[test]
fn what_shows_only_at_the_start_is_refused_then() {
    for (attributes, content, expected) in [
        (
            "type='user'",
            "<model type='virtio'/><driver queues='2'/>",
            "interface 52:54:00:00:00:01 - multiqueue is not supported for network interfaces of type user",
        ),
        (
            "type='ethernet'",
            "<vlan><tag id='7'/></vlan>",
            "interface 52:54:00:00:00:01 - vlan tag not supported for this connection type",
        ),
        (
            "type='bridge'",
            "<source bridge='b'/><script path='/up'/>",
            "scripts are not supported on interfaces of type bridge",
        ),
        ("type='ethernet'", "<target managed='no'/>", "target dev must be supplied when managed='no'"),
        ("type='null'", "", "network device type 'null' is not supported by this hypervisor"),
    ] {
        let domain = domain("kvm", &interface(attributes, content));
        assert_eq!(plan(&domain, &Host::default()).unwrap_err().detail(), expected, "{content}");
    }
}

#[test]
fn an_address_is_made_up_once() {
    let (caps, config, host) = (capabilities(), Config::system(), Host::default());
    let domain = domain("kvm", "");
    let cx = QemuContext {
        domain: &domain,
        caps: &caps,
        config: &config,
        host: &host,
        flags: ParseFlags::INACTIVE,
    };
    let mut card = Interface::default();
    card.complete(&cx).unwrap();
    let mac = card.mac.unwrap();
    assert_eq!(mac.0[..3], MacAddr::QEMU_PREFIX);
    card.complete(&cx).unwrap();
    assert_eq!(card.mac, Some(mac));
    assert_eq!(card.model, Some(KnownModel::Rtl8139.into()));
}

#[test]
fn a_shown_guest_keeps_its_cards_and_what_was_handed_over() {
    let mut domain = domain(
        "kvm",
        "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><driver name='vfio'/><source><address type='pci' bus='3' slot='7'/></source><model type='rtl8139'/></interface>
         <interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/><driver queues='2'/><boot order='1'/></interface>",
    );
    detach_from_host(&mut domain);
    let cards = &domain.devices.interfaces;
    assert!(cards.iter().all(|card| card.source == InterfaceSource::Ethernet && card.driver.queues == 0));
    assert_eq!(cards[1].mac_text(), "52:54:00:00:00:02");
    assert_eq!((cards[1].info.boot_order, cards[1].info.effective_boot_order), (Some(1), None));
    assert!(matches!(
        &domain.devices.hostdevs[..],
        [Hostdev { managed: true, source: HostdevSource::Pci(_), .. }]
    ));
}
