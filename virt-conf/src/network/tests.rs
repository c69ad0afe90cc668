use virt_types::ErrorCode;

use super::*;

const XML: &str = "<network><name>n</name><forward mode='bridge'><interface dev='eth0'/><interface dev='eth1'/></forward>\
    <portgroup name='a' default='yes'/><portgroup name='b'/></network>";

const SERVED: &str = "<network><name>n</name><bridge name='b'/>\
    <dns><txt name='t' value='v'/><srv service='s' protocol='tcp'/><srv service='s' protocol='udp'/>\
    <host ip='10.0.0.7'><hostname>h</hostname></host><host ip='10.0.0.8'><hostname>h</hostname></host></dns>\
    <ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.50' end='10.0.0.60'/>\
    <host mac='52:54:00:00:00:01' name='a' ip='10.0.0.2'/></dhcp></ip>\
    <ip address='10.1.0.1' prefix='24'/><ip family='ipv6' address='2001:db8::1' prefix='64'/></network>";

#[test]
fn updates_are_refused_with_libvirts_words() {
    use UpdateCommand::{AddFirst, AddLast, Delete, Modify};
    let (pool, served) = (Network::parse(XML).unwrap(), Network::parse(SERVED).unwrap());
    let (denied, invalid) = (ErrorCode::OperationUnsupported, ErrorCode::OperationInvalid);
    for (network, command, section, parent, xml, code, words) in [
        (&pool, Modify, UpdateSection::Bridge, -1, "<bridge/>", denied, "can't update 'bridge' section"),
        (&pool, AddLast, UpdateSection::ForwardPf, -1, "<pf/>", denied, "can't update 'forward pf' section"),
        (
            &pool,
            Modify,
            UpdateSection::ForwardInterface,
            -1,
            "<interface dev='eth0'/>",
            denied,
            "cannot be modified",
        ),
        (
            &pool,
            AddLast,
            UpdateSection::ForwardInterface,
            -1,
            "<interface dev='eth0'/>",
            invalid,
            "there is an existing interface",
        ),
        (
            &pool,
            Delete,
            UpdateSection::ForwardInterface,
            -1,
            "<interface dev='eth7'/>",
            invalid,
            "couldn't find an interface",
        ),
        (
            &pool,
            AddLast,
            UpdateSection::ForwardInterface,
            -1,
            "<interface/>",
            ErrorCode::XmlError,
            "missing dev attribute",
        ),
        (
            &pool,
            AddLast,
            UpdateSection::Portgroup,
            -1,
            "<group name='c'/>",
            ErrorCode::XmlError,
            "unexpected element <group>, expecting <portgroup>",
        ),
        (
            &pool,
            AddLast,
            UpdateSection::Portgroup,
            -1,
            "<portgroup name='c' default='yes'/>",
            invalid,
            "Only one default",
        ),
        (
            &pool,
            Modify,
            UpdateSection::Portgroup,
            -1,
            "<portgroup name='c'/>",
            invalid,
            "couldn't find a portgroup",
        ),
        (
            &pool,
            AddFirst,
            UpdateSection::IpDhcpHost,
            -1,
            "<host/>",
            invalid,
            "no <ip> element found in network",
        ),
        (
            &pool,
            AddFirst,
            UpdateSection::IpDhcpHost,
            0,
            "<host/>",
            invalid,
            "no <ip> element found at index 0",
        ),
        (
            &served,
            AddFirst,
            UpdateSection::IpDhcpHost,
            1,
            "<host name='x' ip='10.1.0.2'/>",
            invalid,
            "only for a single IPv4 address",
        ),
        (
            &served,
            AddFirst,
            UpdateSection::IpDhcpHost,
            0,
            "<host name='x' ip='2001:db8::2'/>",
            invalid,
            "the address family of a host entry",
        ),
        (
            &served,
            AddFirst,
            UpdateSection::IpDhcpHost,
            -1,
            "<host mac='52:54:0:0:0:1' ip='10.0.0.9'/>",
            invalid,
            "<host mac='52:54:0:0:0:1' name='(null)' ip='10.0.0.9'/>",
        ),
        (
            &served,
            Modify,
            UpdateSection::IpDhcpHost,
            -1,
            "<host name='x' ip='10.0.0.9'/>",
            invalid,
            "couldn't locate an existing dhcp host",
        ),
        (
            &served,
            Modify,
            UpdateSection::IpDhcpRange,
            -1,
            "<range start='10.0.0.50' end='10.0.0.60'/>",
            denied,
            "dhcp ranges cannot be modified",
        ),
        (
            &served,
            AddLast,
            UpdateSection::IpDhcpRange,
            -1,
            "<range start='10.0.0.50' end='10.0.0.60'/>",
            invalid,
            "there is an existing dhcp range",
        ),
        (&served, Modify, UpdateSection::DnsTxt, -1, "<txt/>", denied, "DNS TXT records cannot be modified"),
        (
            &served,
            AddLast,
            UpdateSection::DnsTxt,
            -1,
            "<txt name='t' value='w'/>",
            invalid,
            "already a DNS TXT record with name 't'",
        ),
        (
            &served,
            Delete,
            UpdateSection::DnsSrv,
            -1,
            "<srv service='s'/>",
            invalid,
            "multiple DNS SRV records matching",
        ),
        (
            &served,
            Delete,
            UpdateSection::DnsHost,
            -1,
            "<host><hostname>h</hostname></host>",
            invalid,
            "multiple matching DNS HOST",
        ),
        (
            &served,
            Delete,
            UpdateSection::DnsHost,
            -1,
            "<host ip='10.0.0.9'/>",
            invalid,
            "couldn't locate a matching DNS HOST",
        ),
    ] {
        let error = network.updated(command, section, parent, xml).unwrap_err();
        assert_eq!(error.code(), code, "{xml}: {error}");
        assert!(error.to_string().contains(words), "{xml}: {error}");
    }
}

#[test]
fn an_update_leaves_a_network_that_reads_as_itself() {
    let mut network = Network::parse(XML).unwrap();
    network.forward.interfaces[1].connections = 2;
    let used = "<interface dev='eth1'/>";
    let error =
        network.updated(UpdateCommand::Delete, UpdateSection::ForwardInterface, -1, used).unwrap_err();
    assert!(error.to_string().ends_with("It is currently being used by 2 domains."), "{error}");
    let first = "<interface dev='eth2'/>";
    let updated =
        network.updated(UpdateCommand::AddFirst, UpdateSection::ForwardInterface, -1, first).unwrap();
    let pool: Vec<_> =
        updated.forward.interfaces.iter().map(|i| (i.netdev_name().unwrap(), i.connections)).collect();
    assert_eq!(pool, [("eth2", 0), ("eth0", 0), ("eth1", 2)]);
    assert!(updated.format(FormatFlags::empty()).contains("<interface dev='eth1' connections='2'/>"));
    // A second way out is one too many for a network that has one.
    let routed = "<network><name>n</name><forward dev='eth0'/><ip address='10.0.0.1'/></network>";
    let routed = Network::parse(routed).unwrap();
    assert!(routed.updated(UpdateCommand::AddLast, UpdateSection::ForwardInterface, -1, first).is_err());
}

#[test]
fn numbers_of_commands_and_sections_are_libvirts() {
    for number in 1..=12 {
        assert_eq!(UpdateSection::from_number(number).unwrap().number(), number);
    }
    for number in 1..=4 {
        assert_eq!(UpdateCommand::from_number(number).unwrap().number(), number);
    }
    assert!(UpdateSection::from_number(13).is_err() && UpdateSection::from_number(0).is_err());
    assert!(UpdateCommand::from_number(5).is_err());
}

#[test]
fn filling_asks_for_a_bridge_only_where_the_network_has_its_own() {
    struct Always;
    impl Policy for Always {
        fn bridge(&self, template: &str) -> Result<Option<String>> {
            Ok(Some(template.replace("%d", "7")))
        }
        fn mac(&self) -> Option<MacAddr> {
            Some(MacAddr::qemu([1, 2, 3]))
        }
    }
    for (xml, bridge, mac) in [
        ("<network><name>n</name></network>", Some("virbr7"), true),
        ("<network><name>n</name><bridge name='lan%d'/></network>", Some("lan7"), true),
        ("<network><name>n</name><bridge name='lan0'/></network>", Some("lan0"), true),
        ("<network><name>n</name><forward mode='bridge'/></network>", None, false),
    ] {
        let mut network = Network::parse(xml).unwrap();
        network.fill(&Always).unwrap();
        assert_eq!((network.bridge.name.as_deref(), network.mac.is_some()), (bridge, mac), "{xml}");
        let filled = network.clone();
        network.fill(&Always).unwrap();
        assert_eq!(network, filled, "{xml}");
    }
}

#[test]
fn contradictions_are_refused_at_their_place() {
    for (inner, code, words, path) in [
        ("<forward mode='nat'/>", ErrorCode::XmlError, "nat forwarding requested, but no IP", "/network"),
        (
            "<forward mode='nit'/>",
            ErrorCode::ConfigUnsupported,
            "unknown forwarding type 'nit'",
            "/network/forward",
        ),
        (
            "<forward mode='vepa'/><bridge name='b'/>",
            ErrorCode::XmlError,
            "bridge name not allowed in vepa mode",
            "/network",
        ),
        (
            "<forward mode='bridge'/><bridge name='b' stp='on'/>",
            ErrorCode::XmlError,
            "delay/stp/zone options only",
            "/network",
        ),
        (
            "<forward mode='bridge'/><mtu size='1500'/>",
            ErrorCode::XmlError,
            "mtu size only allowed",
            "/network",
        ),
        (
            "<forward mode='route'><nat/></forward>",
            ErrorCode::XmlError,
            "The <nat> element can only be used",
            "/network/forward/nat",
        ),
        (
            "<forward><nat><port start='9' end='8'/></nat></forward>",
            ErrorCode::XmlDetail,
            "'end' attribute in <port>",
            "/network/forward/nat/port",
        ),
        (
            "<ip address='10.0.0.1' family='ipv6'/>",
            ErrorCode::ConfigUnsupported,
            "Family 'ipv6' specified for non-IPv6",
            "/network/ip",
        ),
        (
            "<ip address='10.0.0.1' prefix='33'/>",
            ErrorCode::ConfigUnsupported,
            "Invalid IPv4 prefix '33'",
            "/network/ip",
        ),
        ("<ip address='ten'/>", ErrorCode::XmlError, "Invalid address 'ten' in network 'n'", "/network/ip"),
        (
            "<ip address='10.0.0.1'><dhcp><host name='-' ip='10.0.0.2'/></dhcp></ip>",
            ErrorCode::XmlError,
            "Cannot use host name '-'",
            "/network/ip/dhcp/host",
        ),
        (
            "<ip address='10.0.0.1'><dhcp><range start='x' end='10.0.0.2'/></dhcp></ip>",
            ErrorCode::SystemError,
            "Cannot parse socket address 'x'",
            "/network/ip/dhcp/range",
        ),
        (
            "<ip address='10.0.0.1'><dhcp><range start='10.0.0.9' end='10.0.0.2'/></dhcp></ip>",
            ErrorCode::InternalError,
            "is reversed",
            "/network/ip/dhcp/range",
        ),
        (
            "<dns><srv service='a.b' protocol='tcp'/></dns>",
            ErrorCode::XmlDetail,
            "invalid character in service",
            "/network/dns/srv",
        ),
        (
            "<dns><srv service='a' protocol='tcp' port='1'/></dns>",
            ErrorCode::XmlDetail,
            "not permitted without target",
            "/network/dns/srv",
        ),
        (
            "<dns enable='no'><forwarder addr='10.0.0.1'/></dns>",
            ErrorCode::XmlError,
            "Extra data in disabled network",
            "/network/dns",
        ),
        ("<bridge name='b' delay='soon'/>", ErrorCode::XmlError, "Invalid delay value", "/network/bridge"),
        (
            "<mac address='01:00:00:00:00:00'/>",
            ErrorCode::XmlError,
            "Invalid multicast bridge mac",
            "/network/mac",
        ),
    ] {
        let error = Network::parse(&format!("<network><name>n</name>{inner}</network>")).unwrap_err();
        assert_eq!(error.code(), code, "{inner}: {error}");
        assert!(error.to_string().contains(words), "{inner}: {error}");
        assert_eq!(error.place().unwrap().path, path, "{inner}");
    }
}
