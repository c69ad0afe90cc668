//! `<dhcp>`: the addresses that are given out.

use std::net::IpAddr;

use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::REFUSE;
use super::ip::NetworkIp;
use crate::Result;
use crate::common::socket_address;

text_enum! {
    /// The unit of a lease's length.
    pub enum LeaseUnit { Seconds = "seconds", Minutes = "minutes", Hours = "hours" }
}

/// `<lease>`: for how long an address is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// `expiry`; 0 for ever.
    pub expiry: u64,
    /// `unit`
    pub unit: LeaseUnit,
}

/// `<range>`: addresses for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpRange {
    /// `start`
    pub start: IpAddr,
    /// `end`, inclusive.
    pub end: IpAddr,
    /// `<lease>`
    pub lease: Option<Lease>,
}

/// `<host>`: an address for a known guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DhcpHost {
    /// `mac` as written.
    pub mac: Option<String>,
    /// `id`: the DUID of a DHCPv6 client.
    pub id: Option<String>,
    /// `name`
    pub name: Option<String>,
    /// `ip`; always there but in what selects a host to delete.
    pub ip: Option<IpAddr>,
    /// `<lease>`
    pub lease: Option<Lease>,
}

/// `<bootp>`: what guests boot from the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bootp {
    /// `file`
    pub file: String,
    /// `server`; the network's own address where not given.
    pub server: Option<IpAddr>,
}

impl Lease {
    fn parse_child(el: Element<'_>) -> Result<Option<Self>> {
        let Some(lease) = el.child("lease") else { return Ok(None) };
        let Some(expiry) = lease.attr_u64("expiry", Base::Any)? else { return Ok(None) };
        let unit = lease.attr_enum("unit")?.unwrap_or(LeaseUnit::Minutes);
        let least = match unit {
            LeaseUnit::Seconds => 120,
            LeaseUnit::Minutes => 2,
            LeaseUnit::Hours => 1,
        };
        if expiry > 0 && expiry < least {
            let detail = "The minimum lease time should be greater than 2 minutes";
            return Err(REFUSE.unsupported(detail).at(lease.place()));
        }
        Ok(Some(Self { expiry, unit }))
    }

    fn format(self, w: &mut Writer) {
        w.element("lease", |w| {
            w.attr("expiry", self.expiry);
            w.attr_opt("unit", (self.expiry > 0).then_some(self.unit));
        });
    }
}

impl DhcpRange {
    pub(super) fn parse(el: Element<'_>, ip: &NetworkIp, network: &str) -> Result<Self> {
        let address = |name: &'static str| {
            let missing = format!("Missing '{name}' attribute in dhcp range for network '{network}'");
            let text = el.attr(name).ok_or_else(|| REFUSE.xml(missing).at(el.place()))?;
            socket_address::read(text).map_err(|error| error.at(el.place()))
        };
        let (start, end) = (address("start")?, address("end")?);
        check_range(start, end, Some(ip)).map_err(|error| error.at(el.place()))?;
        Ok(Self { start, end, lease: Lease::parse_child(el)? })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("range", |w| {
            w.attr("start", self.start);
            w.attr("end", self.end);
            if let Some(lease) = self.lease {
                lease.format(w);
            }
        });
    }
}

impl DhcpHost {
    /// Reads a `<host>` of an address of this family; `partial` where it only selects one.
    pub(super) fn parse(el: Element<'_>, ipv6: bool, network: &str, partial: bool) -> Result<Self> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        let text = |name| el.attr(name).map(str::to_owned);
        let host = Self { mac: text("mac"), id: text("id"), name: text("name"), ip: None, lease: None };
        host.check_words(ipv6, network).map_err(refuse)?;
        let address = el.attr("ip").map(|text| {
            socket_address::parse(text).ok_or_else(|| {
                refuse(format!("Invalid IP address in static host definition for network '{network}'"))
            })
        });
        let ip = address.transpose()?;
        host.check_completeness(ipv6, ip.is_some(), network, partial).map_err(refuse)?;
        Ok(Self { ip, lease: Lease::parse_child(el)?, ..host })
    }

    fn check_words(&self, ipv6: bool, network: &str) -> Result<(), String> {
        if let Some(mac) = &self.mac {
            if ipv6 {
                return Err(format!(
                    "Invalid to specify MAC address '{mac}' in network '{network}' IPv6 static host definition"
                ));
            }
            match mac.parse::<MacAddr>() {
                Err(_) => return Err(format!("Cannot parse MAC address '{mac}' in network '{network}'")),
                Ok(address) if address.is_multicast() => {
                    return Err(format!(
                        "expected unicast mac address, found multicast '{mac}' in network '{network}'"
                    ));
                }
                Ok(_) => {}
            }
        }
        if let Some(id) = &self.id
            && let Some(c) = id.chars().find(|c| !(c.is_ascii_hexdigit() || *c == ':'))
        {
            return Err(format!("Invalid character '{c}' in id '{id}' of network '{network}'"));
        }
        if let Some(name) = &self.name
            && !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            return Err(format!("Cannot use host name '{name}' in network '{network}'"));
        }
        Ok(())
    }

    fn check_completeness(
        &self,
        ipv6: bool,
        has_ip: bool,
        network: &str,
        partial: bool,
    ) -> Result<(), String> {
        let (mac, id, name) = (self.mac.is_some(), self.id.is_some(), self.name.is_some());
        if partial {
            return if mac || name || has_ip {
                Ok(())
            } else {
                Err(format!(
                    "At least one of name, mac, or ip attribute must be specified for static host definition in network '{network}'"
                ))
            };
        }
        if ipv6 && !(id || name) {
            return Err(format!(
                "Static host definition in IPv6 network '{network}' must have id or name attribute"
            ));
        }
        if !(ipv6 || mac || name) {
            return Err(format!(
                "Static host definition in IPv4 network '{network}' must have mac or name attribute"
            ));
        }
        if !has_ip {
            return Err(format!("Missing IP address in static host definition for network '{network}'"));
        }
        Ok(())
    }

    /// Whether both name the same Ethernet address.
    pub(super) fn has_mac_of(&self, other: &Self) -> bool {
        let address = |host: &Self| host.mac.as_ref().and_then(|mac| mac.parse::<MacAddr>().ok());
        address(self).is_some_and(|mac| address(other) == Some(mac))
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("host", |w| {
            w.attr_opt("mac", self.mac.as_ref());
            w.attr_opt("id", self.id.as_ref());
            w.attr_opt("name", self.name.as_ref());
            w.attr_opt("ip", self.ip);
            if let Some(lease) = self.lease {
                lease.format(w);
            }
        });
    }
}

impl Bootp {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let file = el.attr_required("file")?.to_owned();
        let server = match el.attr("server") {
            Some(text) => Some(socket_address::read(text).map_err(|error| error.at(el.place()))?),
            None => None,
        };
        Ok(Self { file, server })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("bootp", |w| {
            w.attr("file", &self.file);
            w.attr_opt("server", self.server);
        });
    }
}

/// Refuses a range that is reversed, too large, or not within a network.
pub(super) fn check_range(start: IpAddr, end: IpAddr, network: Option<&NetworkIp>) -> Result<()> {
    let refuse = |detail: String| Err(Error::new(ErrorCode::InternalError, ErrorDomain::None, detail));
    let range = format!("{start} - {end}");
    if start.is_ipv4() != end.is_ipv4() {
        return refuse(format!("mismatch of address family in range {range}"));
    }
    if let Some(ip) = network {
        check_within(start, end, ip)?;
    }
    // What differs within the last 16 bits is small enough.
    match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => {
            let (start, end) = (start.to_bits(), end.to_bits());
            if start >> 16 != end >> 16 {
                refuse(format!("range {range} is too large (> 65535)"))
            } else if end < start {
                refuse(format!("range {range} is reversed "))
            } else {
                Ok(())
            }
        }
        (IpAddr::V6(start), IpAddr::V6(end)) => {
            let (start, end) = (start.to_bits(), end.to_bits());
            if start >> 16 != end >> 16 {
                refuse(format!("range {range} is too large (> 65535)"))
            } else if end < start {
                refuse(format!("range {range} start larger than end"))
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

fn check_within(start: IpAddr, end: IpAddr, ip: &NetworkIp) -> Result<()> {
    let refuse = |detail: String| Err(Error::new(ErrorCode::InternalError, ErrorDomain::None, detail));
    let (range, address) = (format!("{start} - {end}"), ip.address);
    if start.is_ipv4() != address.is_ipv4() {
        return refuse(format!("mismatch of address family in range {range} for network {address}"));
    }
    let Some(bits) = ip.prefix_bits() else {
        return refuse(format!("bad prefix -1 for network {address} when checking range {range}"));
    };
    let network = socket_address::masked(address, bits);
    let outside = |address: IpAddr| socket_address::masked(address, bits) != network;
    if outside(start) || outside(end) {
        return refuse(format!("range {range} is not entirely within network {address}/{bits}"));
    }
    if let IpAddr::V4(first) = network {
        let last = first.to_bits() | !socket_address::ipv4_mask(bits);
        if start == network {
            return refuse(format!(
                "start of range {range} in network {address}/{bits} is the network address"
            ));
        }
        if end == IpAddr::V4(last.into()) {
            return refuse(format!(
                "end of range {range} in network {address}/{bits} is the broadcast address"
            ));
        }
    }
    Ok(())
}
