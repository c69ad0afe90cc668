//! Rules as values.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Which protocol's packets a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// A protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A network of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: IpAddr,
    prefix: u32,
}

impl Subnet {
    /// The network of so many bits that an address is in.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u32) -> Self {
        let address = match address {
            IpAddr::V4(address) => {
                let mask = if prefix == 0 { 0 } else { u32::MAX << (32_u32.saturating_sub(prefix)) };
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = if prefix == 0 { 0 } else { u128::MAX << (128_u32.saturating_sub(prefix)) };
                IpAddr::V6(std::net::Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Self { address, prefix }
    }

    /// The protocol of its addresses.
    #[must_use]
    pub const fn layer(self) -> Layer {
        if self.address.is_ipv4() { Layer::Ipv4 } else { Layer::Ipv6 }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// What the packets of the guests behind a bridge meet. Rules are laid one before the other: the last of a set is asked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The host takes packets from guests to this port.
    Serve {
        /// The protocol.
        protocol: Protocol,
        /// The host's port.
        port: u16,
    },
    /// The host sends packets to this port of guests.
    Answer {
        /// The protocol.
        protocol: Protocol,
        /// The guests' port.
        port: u16,
    },
    /// What no other rule has let out from guests is refused.
    RejectOut,
    /// What no other rule has let in to guests is refused.
    RejectIn,
    /// Guests reach each other.
    AllowCross,
    /// Guests reach others, under their own addresses.
    AllowOut {
        /// The guests' addresses.
        source: Subnet,
        /// The only device of the host that leads out.
        device: Option<String>,
    },
    /// Guests get answers from others.
    AllowRelatedIn {
        /// The guests' addresses.
        destination: Subnet,
        /// The only device of the host that leads in.
        device: Option<String>,
    },
    /// Others reach guests.
    AllowIn {
        /// The guests' addresses.
        destination: Subnet,
        /// The only device of the host that leads in.
        device: Option<String>,
    },
    /// Guests' addresses are replaced where they leave their network.
    Masquerade {
        /// The guests' addresses.
        source: Subnet,
        /// The only device of the host that leads out.
        device: Option<String>,
        /// Of this protocol, with ports of the range; else of every other, with any.
        protocol: Option<Protocol>,
        /// The first and last of the addresses in their place; the leaving device's own where not given.
        addresses: Option<(Ipv4Addr, Ipv4Addr)>,
        /// The first and last port.
        ports: (u16, u16),
    },
    /// Guests' addresses are not replaced towards these.
    Keep {
        /// The guests' addresses.
        source: Subnet,
        /// The only device of the host that leads out.
        device: Option<String>,
        /// Where the packets go.
        destination: Subnet,
    },
    /// The host computes the checksums of UDP packets to this port of guests, some of which look at them. Not every
    /// host can.
    FillChecksum {
        /// The guests' port.
        port: u16,
    },
}

/// The rules of one bridge, in the order in which they are laid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    pub(crate) bridge: String,
    pub(crate) rules: Vec<(Layer, Rule)>,
}

impl RuleSet {
    /// No rules yet.
    #[must_use]
    pub fn new(bridge: impl Into<String>) -> Self {
        Self { bridge: bridge.into(), rules: Vec::new() }
    }

    /// The bridge.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[(Layer, Rule)] {
        &self.rules
    }

    /// Lays a rule before those that are there.
    pub fn push(&mut self, layer: Layer, rule: Rule) {
        self.rules.push((layer, rule));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_no_bits_of_hosts() {
        for (address, prefix, expected) in [
            ("192.168.122.1", 24, "192.168.122.0/24"),
            ("10.1.2.3", 32, "10.1.2.3/32"),
            ("10.1.2.3", 0, "0.0.0.0/0"),
            ("2001:db8:ca2:2::1", 64, "2001:db8:ca2:2::/64"),
            ("fe80::1", 0, "::/0"),
        ] {
            assert_eq!(Subnet::new(address.parse().unwrap(), prefix).to_string(), expected);
        }
    }
}
