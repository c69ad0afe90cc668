//! Which table a rule's protocol belongs to.

use virt_conf::nwfilter::RuleProtocol;

use crate::step::Layer;

/// Whether rules of this protocol look at frames; a rule without one looks at all of them.
pub(crate) const fn is_ethernet(protocol: Option<RuleProtocol>) -> bool {
    matches!(layer(protocol), Layer::Ethernet)
}

/// The layer that rules of a protocol look at.
pub(crate) const fn layer(protocol: Option<RuleProtocol>) -> Layer {
    use RuleProtocol as P;
    let Some(protocol) = protocol else { return Layer::Ethernet };
    match protocol {
        P::Arp | P::Rarp | P::Mac | P::Vlan | P::Stp | P::Ip | P::Ipv6 => Layer::Ethernet,
        P::Tcp | P::Udp | P::UdpLite | P::Esp | P::Ah | P::Sctp | P::Icmp | P::All | P::Igmp => Layer::Ipv4,
        P::TcpIpv6
        | P::UdpIpv6
        | P::UdpLiteIpv6
        | P::EspIpv6
        | P::AhIpv6
        | P::SctpIpv6
        | P::Icmpv6
        | P::AllIpv6 => Layer::Ipv6,
    }
}
