//! `<dns>`: the names that a network's guests can ask for.

use std::net::IpAddr;

use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;
use crate::common::socket_address;

/// The most bytes of a service's name: a message's 512 less what surrounds it (RFC 2782).
const SERVICE_LIMIT: usize = 512 - 30;

/// The network's name service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dns {
    /// `enable`
    pub enable: Option<bool>,
    /// `forwardPlainNames`: whether names without a domain are asked for elsewhere.
    pub forward_plain_names: Option<bool>,
    /// `<forwarder>`
    pub forwarders: Vec<Forwarder>,
    /// `<txt>`
    pub txts: Vec<DnsTxt>,
    /// `<srv>`
    pub srvs: Vec<DnsSrv>,
    /// `<host>`
    pub hosts: Vec<DnsHost>,
}

/// `<forwarder>`: who is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarder {
    /// `domain`: for names of this domain only.
    pub domain: Option<String>,
    /// `addr`
    pub address: Option<IpAddr>,
}

/// `<txt>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsTxt {
    /// `name`
    pub name: String,
    /// `value`; always there but in what selects a record to delete.
    pub value: Option<String>,
}

/// `<srv>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsSrv {
    /// `service`; always there but in what selects a record to delete, like the protocol.
    pub service: Option<String>,
    /// `protocol`
    pub protocol: Option<String>,
    /// `domain`
    pub domain: Option<String>,
    /// `target`
    pub target: Option<String>,
    /// `port`; 0 where not given.
    pub port: u16,
    /// `priority`
    pub priority: u16,
    /// `weight`
    pub weight: u16,
}

/// `<host>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsHost {
    /// `ip`; always there but in what selects a record to delete.
    pub ip: Option<IpAddr>,
    /// `<hostname>`
    pub names: Vec<String>,
}

impl Dns {
    /// Reads the `<dns>` element of a network.
    pub(super) fn parse_child(network: Element<'_>, name: &str) -> Result<Self> {
        let Some(el) = network.child("dns") else { return Ok(Self::default()) };
        let dns = Self {
            enable: el.attr_yes_no("enable")?,
            forward_plain_names: el.attr_yes_no("forwardPlainNames")?,
            forwarders: el
                .children_named("forwarder")
                .map(|forwarder| Forwarder::parse(forwarder, name))
                .collect::<Result<_>>()?,
            hosts: el
                .children_named("host")
                .map(|host| DnsHost::parse(host, name, false))
                .collect::<Result<_>>()?,
            srvs: el
                .children_named("srv")
                .map(|srv| DnsSrv::parse(srv, name, false))
                .collect::<Result<_>>()?,
            txts: el
                .children_named("txt")
                .map(|txt| DnsTxt::parse(txt, name, false))
                .collect::<Result<_>>()?,
        };
        if dns.enable == Some(false) && !dns.is_bare() {
            let detail = format!("Extra data in disabled network '{name}'");
            return Err(REFUSE.xml(detail).at(el.place()));
        }
        Ok(dns)
    }

    /// Whether there are no records and no forwarders.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.forwarders.is_empty() && self.has_no_records()
    }

    /// Whether there are no records.
    #[must_use]
    pub const fn has_no_records(&self) -> bool {
        self.txts.is_empty() && self.srvs.is_empty() && self.hosts.is_empty()
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("dns", |w| {
            w.attr_yes_no("enable", self.enable);
            w.attr_yes_no("forwardPlainNames", self.forward_plain_names);
            for forwarder in &self.forwarders {
                w.element("forwarder", |w| {
                    w.attr_opt("domain", forwarder.domain.as_ref());
                    w.attr_opt("addr", forwarder.address);
                });
            }
            for txt in &self.txts {
                w.element("txt", |w| {
                    w.attr("name", &txt.name);
                    w.attr_opt("value", txt.value.as_ref());
                });
            }
            self.srvs.iter().for_each(|srv| srv.format(w));
            for host in &self.hosts {
                w.element("host", |w| {
                    w.attr_opt("ip", host.ip);
                    host.names.iter().for_each(|name| w.text_element("hostname", name));
                });
            }
        });
    }
}

impl Forwarder {
    fn parse(el: Element<'_>, network: &str) -> Result<Self> {
        let address = el.attr("addr").map(|text| {
            socket_address::parse(text).ok_or_else(|| {
                let detail = format!("Invalid forwarder IP address '{text}' in network '{network}'");
                REFUSE.xml(detail).at(el.place())
            })
        });
        let forwarder = Self { domain: el.attr("domain").map(str::to_owned), address: address.transpose()? };
        if forwarder == Self::default() {
            let detail = "Invalid forwarder element, must contain at least one of addr or domain";
            return Err(REFUSE.xml(detail).at(el.place()));
        }
        Ok(forwarder)
    }
}

impl DnsHost {
    /// Reads a `<host>`; `partial` where it only selects one.
    pub(super) fn parse(el: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let refuse = |what: &str| {
            REFUSE.detail(format!("{what} in network '{network}' DNS HOST record")).at(el.place())
        };
        let names: Vec<String> = el.children_named("hostname").map(Element::text).collect();
        if names.iter().any(String::is_empty) || (names.is_empty() && !partial) {
            return Err(refuse("Missing hostname"));
        }
        let ip = match el.attr("ip") {
            Some(text) => Some(socket_address::parse(text).ok_or_else(|| refuse("Invalid IP address"))?),
            None if !partial => return Err(refuse("Missing IP address")),
            None if names.is_empty() => return Err(refuse("Missing ip and hostname")),
            None => None,
        };
        Ok(Self { ip, names })
    }
}

impl DnsTxt {
    /// Reads a `<txt>`; `partial` where it only selects one.
    pub(super) fn parse(el: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let refuse = |detail: String| REFUSE.detail(format!("{detail} of network {network}")).at(el.place());
        let name = el
            .attr("name")
            .ok_or_else(|| refuse("missing required name attribute in DNS TXT record".into()))?;
        if name.contains([' ', ',']) {
            return Err(refuse(format!("prohibited character in DNS TXT record name '{name}'")));
        }
        let value = el.attr("value");
        if value.is_none() && !partial {
            return Err(refuse(format!("missing required value attribute in DNS TXT record named '{name}'")));
        }
        Ok(Self { name: name.to_owned(), value: value.map(str::to_owned) })
    }
}

impl DnsSrv {
    /// Reads a `<srv>`; `partial` where it only selects one.
    pub(super) fn parse(el: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let refuse = |detail: String| REFUSE.detail(detail).at(el.place());
        let text = |name| el.attr(name).map(str::to_owned);
        let (service, protocol, target) = (text("service"), text("protocol"), text("target"));
        let shown = service.as_deref().unwrap_or("(null)");
        if service.is_none() && !partial {
            return Err(refuse(format!(
                "missing required service attribute in DNS SRV record of network '{network}'"
            )));
        }
        if shown.len() > SERVICE_LIMIT {
            return Err(refuse(format!(
                "service attribute '{shown}' in network '{network}' is too long, limit is {SERVICE_LIMIT} bytes"
            )));
        }
        // Fields of a record are separated by dots, which is why no name can have one.
        if service.as_ref().is_some_and(|name| !consists_of(name, "_-+/*")) {
            return Err(refuse(format!(
                "invalid character in service attribute '{shown}' in DNS SRV record of network '{network}'"
            )));
        }
        match &protocol {
            None if !partial => {
                return Err(refuse(format!(
                    "missing required protocol attribute in DNS SRV record '{shown}' of network '{network}'"
                )));
            }
            Some(protocol) if !consists_of(protocol, "-+/") => {
                return Err(refuse(format!(
                    "invalid character in protocol attribute '{protocol}' in DNS SRV record of network '{network}'"
                )));
            }
            _ => {}
        }
        let number = |name: &'static str, invalid: &str, least: u16| -> Result<u16> {
            let Some(text) = el.attr_filled(name) else { return Ok(0) };
            let value = parse_u32(text, Base::Ten);
            if value.is_some() && target.is_none() {
                return Err(refuse(format!(
                    "DNS SRV {name} attribute not permitted without target for service '{shown}' in network '{network}'"
                )));
            }
            value.and_then(|value| u16::try_from(value).ok()).filter(|value| *value >= least).ok_or_else(
                || {
                    refuse(format!(
                        "{invalid} DNS SRV {name} attribute for service '{shown}' in network '{network}'"
                    ))
                },
            )
        };
        let port = number("port", "invalid", 1)?;
        let priority = number("priority", "Invalid", 0)?;
        let weight = number("weight", "invalid", 0)?;
        Ok(Self { domain: text("domain"), service, protocol, target, port, priority, weight })
    }

    fn format(&self, w: &mut Writer) {
        w.element("srv", |w| {
            w.attr_opt("service", self.service.as_ref());
            w.attr_opt("protocol", self.protocol.as_ref());
            w.attr_opt("domain", self.domain.as_ref());
            w.attr_opt("target", self.target.as_ref());
            for (name, value) in [("port", self.port), ("priority", self.priority), ("weight", self.weight)] {
                w.attr_opt(name, (value > 0).then_some(value));
            }
        });
    }
}

fn consists_of(text: &str, besides: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || besides.contains(c))
}
