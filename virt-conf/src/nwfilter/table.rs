// tidy: table
//! The protocols of rules, and the attributes that each has, in the order in which they are written.

use virt_types::text_enum;

/// Names of some numbers.
pub type Names = &'static [(u32, &'static str)];

/// How an attribute is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// A number, decimal or hexadecimal, or a name.
    Number {
        /// What fits into the field.
        width: u32,
        least: u32,
        most: u32,
        names: Names,
        /// Whether one that was given by name and has none counts as hexadecimal.
        hex_first: bool,
    },
    /// A decimal number.
    Decimal {
        most: u32,
    },
    Mac,
    MacMask,
    Ipv4,
    Ipv4Mask,
    Ipv6,
    Ipv6Mask,
    Boolean,
    Comment,
    States,
    TcpFlags,
    IpSet,
    IpSetDirections,
}

/// An attribute of a protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// The attribute that decides whether this one is negated; without one it is the element.
    pub(super) leader: Option<&'static str>,
}

text_enum! {
    /// What a rule looks at, by the element's name.
    pub enum RuleProtocol {
        Arp = "arp", Rarp = "rarp", Mac = "mac", Vlan = "vlan", Stp = "stp", Ip = "ip", Ipv6 = "ipv6",
        Tcp = "tcp", Udp = "udp", UdpLite = "udplite", Esp = "esp", Ah = "ah", Sctp = "sctp", Icmp = "icmp",
        All = "all", Igmp = "igmp", TcpIpv6 = "tcp-ipv6", UdpIpv6 = "udp-ipv6", UdpLiteIpv6 = "udplite-ipv6",
        EspIpv6 = "esp-ipv6", AhIpv6 = "ah-ipv6", SctpIpv6 = "sctp-ipv6", Icmpv6 = "icmpv6",
        AllIpv6 = "all-ipv6",
    }
}

/// Protocols within Ethernet frames (`linux/if_ether.h`).
const ETHER_TYPES: Names =
    &[(0x0806, "arp"), (0x8035, "rarp"), (0x0800, "ipv4"), (0x86dd, "ipv6"), (0x8100, "vlan")];

/// Operations of ARP, as ebtables names them.
const ARP_OPCODES: Names = &[
    (1, "Request"),
    (2, "Reply"),
    (3, "Request_Reverse"),
    (4, "Reply_Reverse"),
    (5, "DRARP_Request"),
    (6, "DRARP_Reply"),
    (7, "DRARP_Error"),
    (8, "InARP_Request"),
    (9, "ARP_NAK"),
];

/// Protocols within IP (`linux/in.h`).
const IP_PROTOCOLS: Names = &[
    (6, "tcp"),
    (17, "udp"),
    (136, "udplite"),
    (50, "esp"),
    (51, "ah"),
    (1, "icmp"),
    (2, "igmp"),
    (132, "sctp"),
    (58, "icmpv6"),
];

const U8: Form = Form::Number { width: 0xff, least: 0, most: 0xff, names: &[], hex_first: true };
const U16: Form = Form::Number { width: 0xffff, least: 0, most: 0xffff, names: &[], hex_first: true };
const U32: Form = Form::Number { width: u32::MAX, least: 0, most: u32::MAX, names: &[], hex_first: true };
const DSCP: Form = Form::Number { width: 0xff, least: 0, most: 63, names: &[], hex_first: true };
const VLAN_ID: Form = Form::Number { width: 0xffff, least: 0, most: 4095, names: &[], hex_first: true };
const PROTOCOL_ID: Form =
    Form::Number { width: 0xffff, least: 0x600, most: 0xffff, names: ETHER_TYPES, hex_first: false };
const ENCAPSULATED: Form =
    Form::Number { width: 0xffff, least: 0x3c, most: 0xffff, names: ETHER_TYPES, hex_first: false };
const OPCODE: Form =
    Form::Number { width: 0xffff, least: 0, most: 0xffff, names: ARP_OPCODES, hex_first: false };
const IP_PROTOCOL: Form =
    Form::Number { width: 0xff, least: 0, most: 0xff, names: IP_PROTOCOLS, hex_first: true };

const fn own(name: &'static str, form: Form) -> Attribute {
    Attribute { name, form, leader: None }
}

const fn led(name: &'static str, form: Form, leader: &'static str) -> Attribute {
    Attribute { name, form, leader: Some(leader) }
}

const COMMENT: &[Attribute] = &[own("comment", Form::Comment)];

/// Ethernet addresses whose masks are negated with them.
const ETHERNET: &[Attribute] = &[
    own("srcmacaddr", Form::Mac),
    led("srcmacmask", Form::MacMask, "srcmacaddr"),
    own("dstmacaddr", Form::Mac),
    led("dstmacmask", Form::MacMask, "dstmacaddr"),
];

/// Ethernet addresses whose masks are negated by themselves.
const LOOSE_ETHERNET: &[Attribute] = &[
    own("srcmacaddr", Form::Mac),
    own("srcmacmask", Form::MacMask),
    own("dstmacaddr", Form::Mac),
    own("dstmacmask", Form::MacMask),
];

const MAC: &[Attribute] = &[own("protocolid", PROTOCOL_ID)];

const VLAN: &[Attribute] = &[own("vlanid", VLAN_ID), own("encap-protocol", ENCAPSULATED)];

const STP: &[Attribute] = &[
    own("srcmacaddr", Form::Mac),
    led("srcmacmask", Form::MacMask, "srcmacaddr"),
    own("type", U8),
    own("flags", U8),
    own("root-priority", U16),
    led("root-priority-hi", U16, "root-priority"),
    own("root-address", Form::Mac),
    led("root-address-mask", Form::MacMask, "root-address"),
    own("root-cost", U32),
    led("root-cost-hi", U32, "root-cost"),
    own("sender-priority", U16),
    led("sender-priority-hi", U16, "sender-priority"),
    own("sender-address", Form::Mac),
    led("sender-address-mask", Form::MacMask, "sender-address"),
    own("port", U16),
    led("port-hi", U16, "port"),
    own("age", U16),
    led("age-hi", U16, "age"),
    own("max-age", U16),
    led("max-age-hi", U16, "max-age"),
    own("hello-time", U16),
    led("hello-time-hi", U16, "hello-time"),
    own("forward-delay", U16),
    led("forward-delay-hi", U16, "forward-delay"),
];

const ARP: &[Attribute] = &[
    own("hwtype", U16),
    own("protocoltype", U16),
    own("opcode", OPCODE),
    own("arpsrcmacaddr", Form::Mac),
    own("arpdstmacaddr", Form::Mac),
    own("arpsrcipaddr", Form::Ipv4),
    own("arpsrcipmask", Form::Ipv4Mask),
    own("arpdstipaddr", Form::Ipv4),
    own("arpdstipmask", Form::Ipv4Mask),
    own("gratuitous", Form::Boolean),
];

const fn addresses(address: Form, mask: Form) -> [Attribute; 4] {
    [
        own("srcipaddr", address),
        led("srcipmask", mask, "srcipaddr"),
        own("dstipaddr", address),
        led("dstipmask", mask, "dstipaddr"),
    ]
}

const IPV4: &[Attribute] = &addresses(Form::Ipv4, Form::Ipv4Mask);
const IPV6: &[Attribute] = &addresses(Form::Ipv6, Form::Ipv6Mask);

const LOOSE_PORTS: &[Attribute] =
    &[own("srcportstart", U16), own("srcportend", U16), own("dstportstart", U16), own("dstportend", U16)];

/// Ports that are negated as the first of them is.
const PORTS: &[Attribute] = &[
    own("srcportstart", U16),
    led("srcportend", U16, "srcportstart"),
    led("dstportstart", U16, "srcportstart"),
    led("dstportend", U16, "srcportstart"),
];

const PROTOCOL: &[Attribute] = &[own("protocol", IP_PROTOCOL)];

const DSCP_ONLY: &[Attribute] = &[own("dscp", DSCP)];

const ICMP_RANGES: &[Attribute] =
    &[own("type", U8), led("typeend", U8, "type"), led("code", U8, "type"), led("codeend", U8, "type")];

const ICMP: &[Attribute] = &[own("type", U8), led("code", U8, "type")];

const SOURCE: &[Attribute] = &[own("srcmacaddr", Form::Mac)];

const fn ranges(address: Form) -> [Attribute; 9] {
    [
        own("srcipfrom", address),
        led("srcipto", address, "srcipfrom"),
        own("dstipfrom", address),
        // libvirt reads an IPv4 address here whatever the protocol.
        led("dstipto", Form::Ipv4, "dstipfrom"),
        own("dscp", DSCP),
        own("connlimit-above", Form::Decimal { most: 0xffff }),
        own("state", Form::States),
        own("ipset", Form::IpSet),
        own("ipsetflags", Form::IpSetDirections),
    ]
}

const IPV4_RANGES: &[Attribute] = &ranges(Form::Ipv4);
const IPV6_RANGES: &[Attribute] = &ranges(Form::Ipv6);

const TCP_OPTION: &[Attribute] = &[own("option", U8)];
const TCP_FLAGS: &[Attribute] = &[own("flags", Form::TcpFlags)];

impl RuleProtocol {
    /// The attributes, in groups that several protocols share.
    pub(super) const fn groups(self) -> &'static [&'static [Attribute]] {
        match self {
            Self::Arp | Self::Rarp => &[LOOSE_ETHERNET, ARP, COMMENT],
            Self::Mac => &[ETHERNET, MAC, COMMENT],
            Self::Vlan => &[ETHERNET, VLAN, COMMENT],
            Self::Stp => &[STP, COMMENT],
            Self::Ip => &[LOOSE_ETHERNET, IPV4, PROTOCOL, LOOSE_PORTS, DSCP_ONLY, COMMENT],
            Self::Ipv6 => &[LOOSE_ETHERNET, IPV6, PROTOCOL, LOOSE_PORTS, ICMP_RANGES, COMMENT],
            Self::Tcp => &[SOURCE, IPV4, IPV4_RANGES, PORTS, TCP_OPTION, TCP_FLAGS, COMMENT],
            Self::Udp | Self::Sctp => &[SOURCE, IPV4, IPV4_RANGES, PORTS, COMMENT],
            Self::UdpLite | Self::Esp | Self::Ah | Self::All | Self::Igmp => {
                &[SOURCE, IPV4, IPV4_RANGES, COMMENT]
            }
            Self::Icmp => &[SOURCE, IPV4, IPV4_RANGES, ICMP, COMMENT],
            Self::TcpIpv6 => &[SOURCE, IPV6, IPV6_RANGES, PORTS, TCP_OPTION, COMMENT],
            Self::UdpIpv6 | Self::SctpIpv6 => &[SOURCE, IPV6, IPV6_RANGES, PORTS, COMMENT],
            Self::UdpLiteIpv6 | Self::EspIpv6 | Self::AhIpv6 | Self::AllIpv6 => {
                &[SOURCE, IPV6, IPV6_RANGES, COMMENT]
            }
            Self::Icmpv6 => &[SOURCE, IPV6, IPV6_RANGES, ICMP, COMMENT],
        }
    }

    /// The attributes.
    pub(super) fn attributes(self) -> impl Iterator<Item = &'static Attribute> {
        self.groups().iter().flat_map(|group| group.iter())
    }
}
