//! `<ip>` and `<route>`: addresses and routes of one end of an interface.

use std::net::IpAddr;

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// Addresses and routes of one end of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpInfo {
    /// `<ip>`.
    pub addresses: Vec<InterfaceAddress>,
    /// `<route>`.
    pub routes: Vec<Route>,
}

/// An address with its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// `address`.
    pub address: IpAddr,
    /// `prefix`: bits of the network; 0 where not given.
    pub prefix: u32,
    /// `peer`: the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
}

/// A route through a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `family` as written: `ipv4`, `ipv6` or nothing.
    pub family: Option<String>,
    /// `address`: the network.
    pub address: IpAddr,
    /// `netmask`.
    pub netmask: Option<IpAddr>,
    /// `prefix`: bits of the network.
    pub prefix: Option<u32>,
    /// `gateway`.
    pub gateway: IpAddr,
    /// `metric`, from 1.
    pub metric: Option<u32>,
}

impl IpInfo {
    /// Reads the `<ip>` and `<route>` children; `what` begins the sentences about wrong routes.
    ///
    /// # Errors
    /// For wrong addresses, networks and gateways.
    pub fn parse(el: Element<'_>, what: &str) -> Result<Self> {
        Ok(Self {
            addresses: el.children_named("ip").map(InterfaceAddress::parse).collect::<Result<_>>()?,
            routes: el
                .children_named("route")
                .map(|route| Route::parse(route, what))
                .collect::<Result<_>>()?,
        })
    }

    /// Whether there is none of either.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.routes.is_empty()
    }

    /// Writes the elements.
    pub fn format(&self, w: &mut Writer) {
        for address in &self.addresses {
            address.format(w);
        }
        for route in &self.routes {
            route.format(w);
        }
    }
}

const fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ipv4" } else { "ipv6" }
}

const fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl InterfaceAddress {
    fn parse(el: Element<'_>) -> Result<Self> {
        let Some(text) = el.attr("address") else {
            return Err(xml_error("Missing required address in <ip>").at(el.place()));
        };
        let wanted = el.attr("family").filter(|family| matches!(*family, "ipv4" | "ipv6"));
        let address = text
            .parse::<IpAddr>()
            .ok()
            .filter(|address| wanted.is_none_or(|wanted| wanted == family(*address)))
            .ok_or_else(|| xml_error(format!("Invalid address '{text}' in <ip>")).at(el.place()))?;
        let prefix = match el.attr("prefix") {
            Some(text) => parse_u32(text, Base::Ten)
                .filter(|prefix| *prefix <= bits(address))
                .ok_or_else(|| xml_error(format!("Invalid prefix value '{text}' in <ip>")).at(el.place()))?,
            None => 0,
        };
        let peer = match el.attr("peer") {
            Some(text) => {
                Some(text.parse::<IpAddr>().ok().filter(|peer| family(*peer) == family(address)).ok_or_else(
                    || {
                        let detail = format!("Invalid peer '{text}' in <ip>");
                        Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).at(el.place())
                    },
                )?)
            }
            None => None,
        };
        Ok(Self { address, prefix, peer })
    }

    fn format(&self, w: &mut Writer) {
        w.element("ip", |w| {
            w.attr("address", self.address);
            w.attr("family", family(self.address));
            w.attr_opt("prefix", (self.prefix > 0).then_some(self.prefix));
            w.attr_opt("peer", self.peer);
        });
    }
}

impl Route {
    /// Reads a `<route>` element; `what` begins the sentences about wrong ones.
    ///
    /// # Errors
    /// For wrong addresses, for mixed families, and for an address that is not a network's.
    pub fn parse(el: Element<'_>, what: &str) -> Result<Self> {
        let refuse = |detail: String| xml_error(format!("{what}: {detail}")).at(el.place());
        let prefix = el.attr_u32("prefix", Base::Ten)?;
        let metric = el.nonzero("metric", el.attr_u32("metric", Base::Ten)?)?;
        let part = |name: &'static str, kind: &str| -> Result<IpAddr> {
            let text = el
                .attr(name)
                .ok_or_else(|| refuse(format!("Missing required {name} attribute in route definition")))?;
            text.parse().map_err(|_| refuse(format!("Bad {kind} address '{text}' in route definition")))
        };
        let address = part("address", "network")?;
        let gateway = part("gateway", "gateway")?;
        let family = el.attr("family").map(str::to_owned);
        let text = el.attr("address").unwrap_or_default();
        let shown_gateway = el.attr("gateway").unwrap_or_default();
        let v6 = match family.as_deref() {
            None | Some("ipv4") => false,
            Some("ipv6") => true,
            Some(other) => return Err(refuse(format!("Unrecognized family '{other}' in route definition"))),
        };
        let claim = if family.is_none() { "No family" } else { "IPv4 family" };
        if v6 {
            if address.is_ipv4() {
                return Err(refuse(format!(
                    "ipv6 family specified for non-IPv6 address '{text}' in route definition"
                )));
            }
            if el.attr("netmask").is_some() {
                return Err(refuse(format!(
                    "Specifying netmask invalid for IPv6 address '{text}' in route definition"
                )));
            }
            if gateway.is_ipv4() {
                return Err(refuse(format!(
                    "ipv6 specified for non-IPv6 gateway address '{shown_gateway}' in route definition"
                )));
            }
        } else {
            if address.is_ipv6() {
                return Err(refuse(format!(
                    "{claim} specified for non-IPv4 address '{text}' in route definition"
                )));
            }
            if gateway.is_ipv6() {
                return Err(refuse(format!(
                    "{claim} specified for non-IPv4 gateway '{text}' in route definition"
                )));
            }
        }
        let netmask = match el.attr("netmask") {
            Some(mask) => Some(
                mask.parse::<IpAddr>()
                    .map_err(|_| refuse(format!("Bad netmask address '{mask}' in route definition")))?,
            ),
            None => None,
        };
        if netmask.is_some_and(|mask| mask.is_ipv6()) {
            let mask = el.attr("netmask").unwrap_or_default();
            return Err(refuse(format!("Invalid netmask '{mask}' for address '{text}' (both must be IPv4)")));
        }
        if netmask.is_some() && prefix.is_some() {
            return Err(refuse("Route definition cannot have both a prefix and a netmask".into()));
        }
        if let Some(prefix) = prefix.filter(|prefix| *prefix > bits(address)) {
            let limit = bits(address);
            return Err(refuse(format!(
                "Invalid prefix {prefix} specified in route definition, must be 0 - {limit}"
            )));
        }
        let route = Self { family, address, netmask, prefix, gateway, metric };
        if !route.names_a_network() {
            return Err(refuse(format!("Address '{text}' in route definition is not a network address")));
        }
        Ok(route)
    }

    /// Whether no bit outside the network is set.
    fn names_a_network(&self) -> bool {
        let prefix = self.prefix.unwrap_or(0);
        match (self.address, self.netmask) {
            (IpAddr::V4(address), Some(IpAddr::V4(mask))) => address.to_bits() & !mask.to_bits() == 0,
            (IpAddr::V4(address), _) => address.to_bits().checked_shl(prefix).unwrap_or(0) == 0,
            (IpAddr::V6(address), _) => address.to_bits().checked_shl(prefix).unwrap_or(0) == 0,
        }
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        w.element("route", |w| {
            w.attr_opt("family", self.family.as_ref());
            w.attr("address", self.address);
            w.attr_opt("netmask", self.netmask);
            w.attr_opt("prefix", self.prefix);
            w.attr("gateway", self.gateway);
            w.attr_opt("metric", self.metric);
        });
    }
}

grammar! {
    /// `<ip>` and `<route>`
    pub IP = [
        Many("ip", &[
            Must("address", Str), Attr("family", OneOf(&["ipv4", "ipv6"])), Attr("prefix", Number(0, 128)), Attr("peer", Str),
        ]),
        Many("route", &[
            Attr("family", OneOf(&["ipv4", "ipv6"])), Must("address", Str), Attr("netmask", Str),
            Attr("prefix", Number(0, 128)), Must("gateway", Str), Attr("metric", POSITIVE),
        ]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn addresses_and_routes_are_checked_by_family() {
        for (xml, expected) in [
            (
                "<ip address='10.0.0.2' prefix='24' peer='10.0.0.3'/>",
                "<ip address='10.0.0.2' family='ipv4' prefix='24' peer='10.0.0.3'/>\n",
            ),
            ("<ip family='ipv6' address='10.0.0.2'/>", "XML error: Invalid address '10.0.0.2' in <ip>"),
            ("<ip address='fe80::1' prefix='129'/>", "XML error: Invalid prefix value '129' in <ip>"),
            ("<ip/>", "XML error: Missing required address in <ip>"),
            (
                "<route family='ipv4' address='192.168.0.0' prefix='16' gateway='10.0.0.1'/>",
                "<route family='ipv4' address='192.168.0.0' prefix='16' gateway='10.0.0.1'/>\n",
            ),
            (
                "<route address='0.0.0.0' netmask='0.0.0.0' gateway='10.0.0.1' metric='3'/>",
                "<route address='0.0.0.0' netmask='0.0.0.0' gateway='10.0.0.1' metric='3'/>\n",
            ),
            (
                "<route address='192.168.1.1' prefix='24' gateway='10.0.0.1'/>",
                "XML error: guest: Address '192.168.1.1' in route definition is not a network address",
            ),
            (
                "<route address='fc00::' prefix='7' gateway='fe80::1'/>",
                "XML error: guest: No family specified for non-IPv4 address 'fc00::' in route definition",
            ),
            (
                "<route address='10.0.0.0' prefix='8'/>",
                "XML error: guest: Missing required gateway attribute in route definition",
            ),
        ] {
            let text = format!("<interface>{xml}</interface>");
            let document = Document::parse(&text).unwrap();
            let written = IpInfo::parse(document.root(), "guest").map_or_else(
                |error| error.to_string(),
                |info| {
                    let mut w = Writer::new();
                    info.format(&mut w);
                    w.finish()
                },
            );
            assert_eq!(written, expected, "{xml}");
        }
    }
}
