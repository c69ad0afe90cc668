//! `<ip>`: an address of a network's bridge, and what is served on it.

use std::net::IpAddr;

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::REFUSE;
use super::dhcp::{Bootp, DhcpHost, DhcpRange};
use crate::Result;
use crate::common::socket_address;

/// An address of the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkIp {
    /// `family` as written: `ipv4`, `ipv6` or nothing.
    pub family: Option<String>,
    /// `address`
    pub address: IpAddr,
    /// `netmask`
    pub netmask: Option<IpAddr>,
    /// `prefix`: bits of the network; 0 where not given.
    pub prefix: u32,
    /// `localPtr`: whether the network's reverse lookups are never asked for elsewhere.
    pub local_ptr: Option<bool>,
    /// `<tftp root='…'/>`: the directory that is served.
    pub tftp_root: Option<String>,
    /// `<dhcp><range>`
    pub ranges: Vec<DhcpRange>,
    /// `<dhcp><host>`
    pub hosts: Vec<DhcpHost>,
    /// `<dhcp><bootp>`
    pub bootp: Option<Bootp>,
}

impl NetworkIp {
    pub(super) fn parse(el: Element<'_>, network: &str) -> Result<Self> {
        let text = el.attr_filled("address").ok_or_else(|| {
            REFUSE.xml(format!("Missing required address attribute in network '{network}'")).at(el.place())
        })?;
        let address = socket_address::parse(text).ok_or_else(|| {
            REFUSE.xml(format!("Invalid address '{text}' in network '{network}'")).at(el.place())
        })?;
        let netmask = match el.attr_filled("netmask") {
            None => None,
            Some(mask) => Some(socket_address::parse(mask).ok_or_else(|| {
                REFUSE.xml(format!("Invalid netmask '{mask}' in network '{network}'")).at(el.place())
            })?),
        };
        let mut ip = Self {
            family: el.attr_filled("family").map(str::to_owned),
            address,
            netmask,
            prefix: el.attr_u32("prefix", Base::Ten)?.unwrap_or(0),
            local_ptr: el.attr_yes_no("localPtr")?,
            tftp_root: None,
            ranges: Vec::new(),
            hosts: Vec::new(),
            bootp: None,
        };
        ip.check_family(el, text, network)?;
        if let Some(dhcp) = el.child("dhcp") {
            ip.parse_dhcp(dhcp, network)?;
        }
        if let Some(tftp) = el.child("tftp") {
            if address.is_ipv6() {
                let detail = format!("Unsupported <tftp> element in an IPv6 element in network '{network}'");
                return Err(REFUSE.unsupported(detail).at(tftp.place()));
            }
            ip.tftp_root = tftp.attr_filled("root").map(str::to_owned);
        }
        Ok(ip)
    }

    /// Refuses addresses, masks and prefixes that are not of the family; `text` is the address as written.
    fn check_family(&self, el: Element<'_>, text: &str, network: &str) -> Result<()> {
        let refuse = |detail: String| Err(REFUSE.unsupported(detail).at(el.place()));
        let prefix = self.prefix;
        match self.family.as_deref() {
            None | Some("ipv4") => {
                let claim = if self.family.is_none() { "no" } else { "ipv4" };
                if self.address.is_ipv6() {
                    return refuse(format!(
                        "{claim} family specified for non-IPv4 address '{text}' in network '{network}'"
                    ));
                }
                match self.netmask {
                    Some(mask) if mask.is_ipv6() => refuse(format!(
                        "Invalid netmask '{mask}' for address '{text}' in network '{network}' (both must be IPv4)"
                    )),
                    Some(_) if prefix > 0 => refuse(format!(
                        "Network '{network}' IP address cannot have both a prefix and a netmask"
                    )),
                    None if prefix > 32 => {
                        refuse(format!("Invalid IPv4 prefix '{prefix}' in network '{network}'"))
                    }
                    _ => Ok(()),
                }
            }
            Some("ipv6") if self.address.is_ipv4() => refuse(format!(
                "Family 'ipv6' specified for non-IPv6 address '{text}' in network '{network}'"
            )),
            Some("ipv6") if self.netmask.is_some() => {
                refuse(format!("netmask not allowed for IPv6 address '{text}' in network '{network}'"))
            }
            Some("ipv6") if prefix > 128 => {
                refuse(format!("Invalid IPv6 prefix '{prefix}' in network '{network}'"))
            }
            Some("ipv6") => Ok(()),
            Some(other) => {
                let detail = format!("Unrecognized family '{other}' in network '{network}'");
                Err(REFUSE.xml(detail).at(el.place()))
            }
        }
    }

    fn parse_dhcp(&mut self, el: Element<'_>, network: &str) -> Result<()> {
        for range in el.children_named("range") {
            let range = DhcpRange::parse(range, self, network)?;
            self.ranges.push(range);
        }
        for host in el.children_named("host") {
            let host = DhcpHost::parse(host, self.address.is_ipv6(), network, false)?;
            self.hosts.push(host);
        }
        if let Some(bootp) = el.child("bootp").filter(|_| self.address.is_ipv4()) {
            self.bootp = Some(Bootp::parse(bootp)?);
        }
        Ok(())
    }

    /// The bits of the network: of the prefix, the mask, or else those that the address has by its class. `None` where
    /// the mask or the address is no network's.
    #[must_use]
    pub fn prefix_bits(&self) -> Option<u32> {
        if self.prefix > 0 {
            return Some(self.prefix);
        }
        match (self.netmask, self.address) {
            (Some(IpAddr::V4(mask)), _) => {
                let ones = mask.to_bits().leading_ones();
                (mask.to_bits().count_ones() == ones).then_some(ones)
            }
            (Some(IpAddr::V6(mask)), _) => Some(mask.to_bits().leading_ones()),
            (None, address) if address.is_unspecified() => Some(0),
            (None, IpAddr::V6(_)) => Some(64),
            (None, IpAddr::V4(address)) => match address.octets()[0] {
                0..0x80 => Some(8),
                0x80..0xc0 => Some(16),
                0xc0..0xe0 => Some(24),
                _ => None,
            },
        }
    }

    /// Whether addresses are given out on it.
    #[must_use]
    pub const fn has_dhcp(&self) -> bool {
        !self.ranges.is_empty() || !self.hosts.is_empty()
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("ip", |w| {
            w.attr_opt("family", self.family.as_ref());
            w.attr("address", self.address);
            w.attr_opt("netmask", self.netmask);
            w.attr_opt("prefix", (self.prefix > 0).then_some(self.prefix));
            w.attr_yes_no("localPtr", self.local_ptr);
            if let Some(root) = &self.tftp_root {
                w.element("tftp", |w| w.attr("root", root));
            }
            // As libvirt has it, a boot file goes with addresses only.
            if self.has_dhcp() {
                w.element("dhcp", |w| {
                    self.ranges.iter().for_each(|range| range.format(w));
                    self.hosts.iter().for_each(|host| host.format(w));
                    if let Some(bootp) = &self.bootp {
                        bootp.format(w);
                    }
                });
            }
        });
    }
}
