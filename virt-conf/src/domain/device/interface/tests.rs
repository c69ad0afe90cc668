use super::super::testing::check;
use super::*;

const MAC: &str = "<mac address='52:54:00:00:00:01'/>";

fn interface(attributes: &str, content: &str) -> String {
    format!("<interface {attributes}>{MAC}{content}</interface>")
}

fn written(kind: &str, lines: &[&str]) -> String {
    let mut text = format!("<interface {kind}>\n  {MAC}\n");
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text + "</interface>"
}

#[test]
fn each_connection_has_its_source() {
    for (kind, source) in [
        ("type='network'", "<source network='default' portgroup='web'/>"),
        ("type='bridge'", "<source bridge='br0'/>"),
        ("type='direct'", "<source dev='eth0' mode='bridge'/>"),
        ("type='internal'", "<source name='int0'/>"),
        ("type='vdpa'", "<source dev='/dev/vhost-vdpa-0'/>"),
        ("type='server'", "<source port='5558'/>"),
        ("type='client'", "<source address='192.0.2.1' port='5558'/>"),
        ("type='mcast'", "<source address='230.0.0.1' port='5558'/>"),
        (
            "type='vds'",
            "<source switchid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f' portid='-3' portgroupid='pg' connectionid='7'/>",
        ),
    ] {
        check::<Interface>(&interface(kind, source), &written(kind, &[source]));
    }
    for kind in ["type='user'", "type='ethernet'", "type='null'"] {
        check::<Interface>(&interface(kind, ""), &written(kind, &[]));
    }
    check::<Interface>(
        &interface("type='udp'", "<source address='a' port='1'><local address='b' port='2'/></source>"),
        &written(
            "type='udp'",
            &["<source address='a' port='1'>", "  <local address='b' port='2'/>", "</source>"],
        ),
    );
    check::<Interface>(
        &interface(
            "type='hostdev' managed='yes'",
            "<driver name='vfio'/><source><address type='pci' bus='3' slot='7'/></source><vlan><tag id='42'/></vlan>",
        ),
        &written(
            "type='hostdev' managed='yes'",
            &[
                "<driver name='vfio'/>",
                "<source>",
                "  <address type='pci' domain='0x0000' bus='0x03' slot='0x07' function='0x0'/>",
                "</source>",
                "<vlan>",
                "  <tag id='42'/>",
                "</vlan>",
            ],
        ),
    );
}

#[test]
fn everything_comes_out_in_order() {
    let content = "<target dev='mynet' managed='no'/><backend tap='/dev//net/tun' vhost='/dev/vhost-net'/>\
        <mtu size='9000'/><boot order='2'/><link state='down'/><teaming type='persistent'/><tune><sndbuf>1600</sndbuf></tune>\
        <driver rss='on' name='vhost' packed='on' queues='5'><guest ecn='off'/><host mrg_rxbuf='on' csum='off'/></driver>\
        <model type='VirtIO'/><filterref filter='f'><parameter name='B' value='2'/><parameter name='A' value='1'/><parameter name='B' value='3'/><parameter name='no way' value='1'/></filterref>\
        <script path='/up'/><coalesce><rx><frames max='7'/></rx></coalesce><alias name='ua-net'/>\
        <source><ip address='10.0.0.1' prefix='24'/></source><rom bar='on'/><acpi index='3'/>";
    check::<Interface>(
        &interface("type='ethernet' trustGuestRxFilters='yes'", content),
        &written(
            "type='ethernet' trustGuestRxFilters='yes'",
            &[
                "<source>",
                "  <ip address='10.0.0.1' family='ipv4' prefix='24'/>",
                "</source>",
                "<script path='/up'/>",
                "<target dev='mynet' managed='no'/>",
                "<model type='virtio'/>",
                "<driver name='vhost' queues='5' rss='on' packed='on'>",
                "  <host csum='off' mrg_rxbuf='on'/>",
                "  <guest ecn='off'/>",
                "</driver>",
                "<backend tap='/dev/net/tun' vhost='/dev/vhost-net'/>",
                "<filterref filter='f'>",
                "  <parameter name='A' value='1'/>",
                "  <parameter name='B' value='2'/>",
                "  <parameter name='B' value='3'/>",
                "</filterref>",
                "<tune>",
                "  <sndbuf>1600</sndbuf>",
                "</tune>",
                "<teaming type='persistent'/>",
                "<link state='down'/>",
                "<mtu size='9000'/>",
                "<coalesce>",
                "  <rx>",
                "    <frames max='7'/>",
                "  </rx>",
                "</coalesce>",
                "<boot order='2'/>",
                "<alias name='ua-net'/>",
                "<rom bar='on'/>",
                "<acpi index='3'/>",
            ],
        ),
    );
}

#[test]
fn passt_takes_ports_and_a_link() {
    check::<Interface>(
        &interface(
            "type='user'",
            "<source dev='eth0'/><backend type='passt' logFile='/l'/><portForward proto='tcp' address='127.0.0.1'><range start='2022' to='22'/><range start='2030' exclude='yes'/></portForward>",
        ),
        &written(
            "type='user'",
            &[
                "<source dev='eth0'/>",
                "<portForward proto='tcp' address='127.0.0.1'>",
                "  <range start='2022' to='22'/>",
                "  <range start='2030' exclude='yes'/>",
                "</portForward>",
                "<backend type='passt' logFile='/l'/>",
            ],
        ),
    );
}

#[test]
fn contradictions_are_refused() {
    for (kind, content, expected) in [
        (
            "type='netwrk'",
            "",
            "XML error: Invalid value for attribute 'type' in element 'interface': 'netwrk'.",
        ),
        ("type='network'", "", "XML error: interface type='network' requires a 'source' element"),
        (
            "type='bridge'",
            "<source network='x'/>",
            "XML error: Missing required attribute 'bridge' in element 'source'",
        ),
        (
            "type='user'",
            "<virtualport type='openvswitch'/>",
            "unsupported configuration: <virtualport> element unsupported for <interface type='user'>",
        ),
        ("type='user'", "<model type='a b'/>", "invalid argument: Model name contains invalid characters"),
        (
            "type='user'",
            "<link state='sideways'/>",
            "unsupported configuration: unknown interface link state 'sideways'",
        ),
        ("type='user'", "<mtu size='big'/>", "XML error: malformed mtu size"),
        (
            "type='user'",
            "<port isolated='yes'/>",
            "unsupported configuration: interface 52:54:00:00:00:01 - <port isolated='yes'/> is not supported for network interfaces with type='user'",
        ),
        (
            "type='user'",
            "<teaming type='transient'/>",
            "unsupported configuration: teaming persistent attribute must be set if teaming type is 'transient'",
        ),
        (
            "type='vhostuser'",
            "<source type='unix' path='/s' mode='client'/><model type='e1000'/>",
            "internal error: Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>. vhostuser requires the virtio-net* frontend",
        ),
        (
            "type='vhostuser'",
            "<source type='tcp'/>",
            "unsupported configuration: Type='tcp' unsupported for <interface type='vhostuser'>",
        ),
        (
            "type='user'",
            "<portForward proto='tcp'/>",
            "unsupported configuration: The <portForward> element can only be used with <interface type='user'> and its 'passt' backend",
        ),
        (
            "type='user'",
            "<source><ip address='10.0.0.1'/></source>",
            "unsupported configuration: Invalid attempt to set network interface host-side IP route and/or address info on interface of type 'user'. This is only supported on interfaces of type 'ethernet'",
        ),
        (
            "type='bridge'",
            "<source bridge='b'/><target dev='t' managed='no'/>",
            "unsupported configuration: unmanaged target dev is not supported on interfaces of type 'bridge'",
        ),
        (
            "type='hostdev'",
            "<source><address type='isa'/></source>",
            "unsupported configuration: unknown host device source address type 'isa'",
        ),
    ] {
        check::<Interface>(&interface(kind, content), expected);
    }
    check::<Interface>(
        "<interface><mac address='01:00:00:00:00:01'/></interface>",
        "XML error: expected unicast mac address, found multicast '01:00:00:00:00:01'",
    );
}

#[test]
fn names_that_the_engine_made_up_are_left_out_of_a_configuration() {
    check::<Interface>(
        &interface("type='bridge'", "<source bridge='b'/><target dev='vnet7'/>"),
        &written("type='bridge'", &["<source bridge='b'/>"]),
    );
}
