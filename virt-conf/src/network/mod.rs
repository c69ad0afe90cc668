//! `<network>`: a virtual network.
//!
//! Parse and format are every driver's. What only a driver needs that sets networks up on a host is in
//! [`Network::fill`] and [`Network::validate`].

mod bridge;
mod check;
mod dhcp;
mod dns;
mod fill;
mod forward;
mod ip;
mod namespace;
mod port;
mod portgroup;
#[cfg(test)]
mod tests;
mod update;

use virt_types::{ErrorDomain, MacAddr, Uuid};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Document, Element, Writer};

pub use bridge::{Bridge, MacTableManager};
pub use dhcp::{Bootp, DhcpHost, DhcpRange, Lease, LeaseUnit};
pub use dns::{Dns, DnsHost, DnsSrv, DnsTxt, Forwarder};
pub use fill::{NullPolicy, Policy};
pub use forward::{Forward, ForwardDevice, ForwardDriver, ForwardInterface, ForwardMode, Nat};
pub use ip::NetworkIp;
pub use port::{NetworkPort, Plug, PlugType};
pub use portgroup::Portgroup;
pub use update::{UpdateCommand, UpdateSection};

use crate::common::ip::Route;
use crate::common::virtualport::Completeness;
use crate::common::{Bandwidth, Metadata, VirtualPort, Vlan};
use crate::error::Refuse;
use crate::{FormatFlags, Result};

pub(super) const REFUSE: Refuse = Refuse(ErrorDomain::Network);

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// `<name>`
    pub name: String,
    /// `<uuid>`; absent until the engine gives one.
    pub uuid: Option<Uuid>,
    /// `<title>`
    pub title: Option<String>,
    /// `<description>`
    pub description: Option<String>,
    /// `<metadata>`
    pub metadata: Option<Metadata>,
    /// `connections`: interfaces that use the running network. Never read from a document.
    pub connections: u32,
    /// `ipv6`: guests talk IPv6 to each other even where the network has no such address.
    pub ipv6: bool,
    /// `trustGuestRxFilters`
    pub trust_guest_rx_filters: Option<bool>,
    /// `<forward>`
    pub forward: Forward,
    /// `<bridge>`
    pub bridge: Bridge,
    /// `<mtu size='…'/>`, bytes; 0 where not given.
    pub mtu: u32,
    /// `<mac address='…'/>` of the bridge.
    pub mac: Option<MacAddr>,
    /// `<domain name='…'/>`: the DNS domain of the network's guests.
    pub domain: Option<String>,
    /// `<domain localOnly='…'/>`: whether names in it are never asked for elsewhere.
    pub domain_local_only: Option<bool>,
    /// `<dns>`
    pub dns: Dns,
    /// `<vlan>`
    pub vlan: Option<Vlan>,
    /// `<bandwidth>`
    pub bandwidth: Option<Bandwidth>,
    /// `<port isolated='…'/>`
    pub port_isolated: Option<bool>,
    /// `<ip>`
    pub ips: Vec<NetworkIp>,
    /// `<route>`
    pub routes: Vec<Route>,
    /// `<virtualport>`
    pub virtualport: Option<VirtualPort>,
    /// `<portgroup>`
    pub portgroups: Vec<Portgroup>,
    /// `<dnsmasq:options>`: lines for dnsmasq's configuration, as they are.
    pub dnsmasq_options: Vec<String>,
}

impl Network {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no network, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("network")?)
    }

    /// Reads a `<network>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Network::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let mut network = Self { name: REFUSE.name(el, &['/'])?, uuid: REFUSE.uuid(el)?, ..Self::default() };
        network.parse_words(el)?;
        network.parse_link(el)?;
        network.dns = Dns::parse_child(el, &network.name)?;
        network.virtualport = match el.child("virtualport") {
            Some(port) => Some(VirtualPort::parse(port, Completeness::Typed)?),
            None => None,
        };
        network.portgroups = el.children_named("portgroup").map(Portgroup::parse).collect::<Result<_>>()?;
        network.ips =
            el.children_named("ip").map(|ip| NetworkIp::parse(ip, &network.name)).collect::<Result<_>>()?;
        for route in el.children_named("route") {
            network.routes.push(Route::parse(route, &network.name)?);
        }
        network.refuse_unreachable_gateways(el)?;
        if let Some(forward) = el.child("forward") {
            network.forward = Forward::parse(forward, &network.name)?;
        }
        network.refuse_what_the_mode_has_not(el)?;
        network.metadata = Metadata::parse(el);
        network.dnsmasq_options = namespace::parse(el)?;
        Ok(network)
    }

    fn parse_words(&mut self, el: Element<'_>) -> Result<()> {
        self.title = el.child_text("title");
        if self.title.as_ref().is_some_and(|title| title.contains('\n')) {
            return Err(REFUSE.xml("Network title can't contain newlines").at(el.place()));
        }
        self.description = el.child_text("description");
        self.ipv6 = match el.attr_filled("ipv6") {
            None | Some("no") => false,
            Some("yes") => true,
            Some(other) => {
                let detail = format!("Invalid ipv6 setting '{other}' in network '{}'", self.name);
                return Err(REFUSE.xml(detail).at(el.place()));
            }
        };
        self.trust_guest_rx_filters = el.attr_yes_no("trustGuestRxFilters")?;
        Ok(())
    }

    fn parse_link(&mut self, el: Element<'_>) -> Result<()> {
        if let Some(domain) = el.child("domain") {
            self.domain = domain.attr("name").map(str::to_owned);
            self.domain_local_only = domain.attr_yes_no("localOnly")?;
        }
        self.bandwidth = match el.child("bandwidth") {
            Some(bandwidth) => Bandwidth::parse(bandwidth, false)?,
            None => None,
        };
        self.vlan = el.child("vlan").map(Vlan::parse).transpose()?;
        self.port_isolated = parse_port_options(el)?;
        if let Some(bridge) = el.child("bridge") {
            self.bridge = Bridge::parse(bridge, &self.name)?;
        }
        if let Some(mac) = el.child("mac")
            && let Some(text) = mac.attr_filled("address")
        {
            let refuse = |what: &str| {
                let detail = format!("Invalid {what}bridge mac address '{text}' in network '{}'", self.name);
                REFUSE.xml(detail).at(mac.place())
            };
            let address: MacAddr = text.parse().map_err(|_| refuse(""))?;
            if address.is_multicast() {
                return Err(refuse("multicast "));
            }
            self.mac = Some(address);
        }
        if let Some(mtu) = el.child("mtu")
            && let Some(text) = mtu.attr_filled("size")
        {
            self.mtu = parse_u32(text, Base::Ten).ok_or_else(|| {
                let detail = format!("Invalid mtu size '{text}' in network '{}'", self.name);
                REFUSE.xml(detail).at(mtu.place())
            })?;
        }
        Ok(())
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self, flags: FormatFlags) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w, flags);
        w.finish()
    }

    /// Writes the `<network>` element into another document.
    pub fn format_into(&self, w: &mut Writer, flags: FormatFlags) {
        let inactive = flags.contains(FormatFlags::INACTIVE);
        w.open_element("network", |w| {
            if !self.dnsmasq_options.is_empty() {
                namespace::format_declaration(w);
            }
            w.attr_opt("connections", Some(self.connections).filter(|count| !inactive && *count > 0));
            w.attr_opt("ipv6", self.ipv6.then_some("yes"));
            w.attr_yes_no("trustGuestRxFilters", self.trust_guest_rx_filters);
            w.text_element("name", &self.name);
            w.text_element_opt("uuid", self.uuid);
            w.text_element_opt("title", self.title.as_ref());
            w.text_element_opt("description", self.description.as_ref());
            if let Some(metadata) = &self.metadata {
                metadata.format(w);
            }
            self.forward.format(w, inactive);
            self.bridge.format(w, self.forward.mode.has_bridge());
            if self.mtu > 0 {
                w.element("mtu", |w| w.attr("size", self.mtu));
            }
            if let Some(mac) = self.mac {
                w.element("mac", |w| w.attr("address", mac));
            }
            if let Some(domain) = &self.domain {
                w.element("domain", |w| {
                    w.attr("name", domain);
                    w.attr_yes_no("localOnly", self.domain_local_only);
                });
            }
            self.dns.format(w);
            self.format_ports(w);
            namespace::format(&self.dnsmasq_options, w);
        });
    }

    fn format_ports(&self, w: &mut Writer) {
        if let Some(vlan) = &self.vlan {
            vlan.format(w);
        }
        if let Some(bandwidth) = &self.bandwidth {
            bandwidth.format(w);
        }
        format_port_options(self.port_isolated, w);
        self.ips.iter().for_each(|ip| ip.format(w));
        self.routes.iter().for_each(|route| route.format(w));
        if let Some(port) = &self.virtualport {
            port.format(w);
        }
        self.portgroups.iter().for_each(|group| group.format(w));
    }
}

/// Reads `<port isolated='…'/>` of this element.
pub(crate) fn parse_port_options(el: Element<'_>) -> Result<Option<bool>> {
    match el.child("port") {
        Some(port) => port.attr_yes_no("isolated"),
        None => Ok(None),
    }
}

/// Writes `<port isolated='…'/>`.
pub(crate) fn format_port_options(isolated: Option<bool>, w: &mut Writer) {
    w.element_if_any("port", |w| w.attr_yes_no("isolated", isolated));
}
