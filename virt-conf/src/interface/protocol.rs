//! `<protocol>`: the addresses of an interface in one family.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;

text_enum! {
    /// The family of addresses.
    pub enum ProtocolFamily { Ipv4 = "ipv4", Ipv6 = "ipv6" }
}

/// The addresses of an interface in one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// `family`
    pub family: ProtocolFamily,
    /// `<autoconf/>` of IPv6.
    pub autoconf: bool,
    /// `<dhcp>`: whether addresses are asked for; within it, `peerdns`: whether name servers are as well.
    pub dhcp: Option<Option<bool>>,
    /// `<ip>`
    pub ips: Vec<InterfaceIp>,
    /// `<route gateway='…'/>` as written.
    pub gateway: Option<String>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceIp {
    /// `address` as written.
    pub address: String,
    /// `prefix`: bits of the network; 0 where not given.
    pub prefix: i32,
}

impl Protocol {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: &str| REFUSE.xml(detail).at(el.place());
        let family = el.attr("family").ok_or_else(|| refuse("protocol misses the family attribute"))?;
        let family = ProtocolFamily::from_text(family)
            .ok_or_else(|| refuse(&format!("unsupported protocol family '{family}'")))?;
        let dhcp = match el.child("dhcp") {
            None => None,
            Some(dhcp) => Some(dhcp.attr_yes_no("peerdns")?),
        };
        let mut ips = Vec::new();
        for ip in el.children_named("ip") {
            if let Some(address) = ip.attr("address") {
                let prefix = ip.attr_i32("prefix", Base::Any)?.unwrap_or(0);
                ips.push(InterfaceIp { address: address.to_owned(), prefix });
            }
        }
        let gateway = el.child("route").and_then(|route| route.attr_filled("gateway"));
        Ok(Self {
            family,
            autoconf: family == ProtocolFamily::Ipv6 && el.child("autoconf").is_some(),
            dhcp,
            ips,
            gateway: gateway.map(str::to_owned),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("protocol", |w| {
            w.attr("family", self.family);
            if self.autoconf {
                w.element("autoconf", |_| {});
            }
            if let Some(peerdns) = self.dhcp {
                w.element("dhcp", |w| w.attr_yes_no("peerdns", peerdns));
            }
            for ip in &self.ips {
                w.element("ip", |w| {
                    w.attr("address", &ip.address);
                    w.attr_opt("prefix", (ip.prefix != 0).then_some(ip.prefix));
                });
            }
            if let Some(gateway) = &self.gateway {
                w.element("route", |w| w.attr("gateway", gateway));
            }
        });
    }
}
