//! Updates of DHCP hosts and ranges.

use virt_xml::Element;

use super::{UpdateCommand, invalid, unsupported};
use crate::Result;
use crate::network::{DhcpHost, DhcpRange, Network, NetworkIp};

impl Network {
    /// The position of the `<ip>` that is meant.
    fn dhcp_parent(&self, parent: i32) -> Result<usize> {
        let name = &self.name;
        if let Ok(position) = usize::try_from(parent) {
            return if position < self.ips.len() {
                Ok(position)
            } else {
                Err(invalid(format!(
                    "couldn't update dhcp host entry - no <ip> element found at index {parent} in network '{name}'"
                )))
            };
        }
        let first = |ipv4: bool| self.ips.iter().position(|ip| ip.address.is_ipv4() == ipv4);
        let serving = self.ips.iter().position(NetworkIp::has_dhcp);
        serving.or_else(|| first(true)).or_else(|| first(false)).ok_or_else(|| {
            invalid(format!("couldn't update dhcp host entry - no <ip> element found in network '{name}'"))
        })
    }

    /// Refuses a second `<ip>` of the same family that gives out addresses.
    fn refuse_second_dhcp(&self, position: usize) -> Result<()> {
        let ipv4 = self.ips[position].address.is_ipv4();
        let mut others = self.ips.iter().enumerate().filter(|(i, _)| *i != position);
        if others.any(|(_, ip)| ip.address.is_ipv4() == ipv4 && ip.has_dhcp()) {
            let family = if ipv4 { "IPv4" } else { "IPv6" };
            return Err(invalid(format!(
                "dhcp is supported only for a single {family} address on each network"
            )));
        }
        Ok(())
    }

    pub(super) fn update_dhcp_host(
        &mut self,
        command: UpdateCommand,
        parent: i32,
        el: Element<'_>,
    ) -> Result<()> {
        let position = self.dhcp_parent(parent);
        self.expect_element(el, "host")?;
        let position = position?;
        let partial = command == UpdateCommand::Delete;
        let (ipv4, name) = (self.ips[position].address.is_ipv4(), self.name.clone());
        let host = DhcpHost::parse(el, !ipv4, &name, partial)?;
        if !partial && host.ip.is_some_and(|ip| ip.is_ipv4() != ipv4) {
            return Err(invalid(
                "the address family of a host entry IP must match the address family of the dhcp element's parent"
                    .into(),
            ));
        }
        if command.is_add() {
            self.refuse_second_dhcp(position)?;
        }
        let (mac, host_name, ip) = shown(&host);
        let hosts = &mut self.ips[position].hosts;
        let similar = hosts.iter().position(|other| resembles(&host, other));
        match command {
            UpdateCommand::Modify => match similar {
                Some(i) => hosts[i] = host,
                None => {
                    return Err(invalid(format!(
                        "couldn't locate an existing dhcp host entry with \"mac='{mac}'\" \"name='{host_name}'\" \"ip='{ip}'\" in network '{name}'"
                    )));
                }
            },
            UpdateCommand::AddFirst | UpdateCommand::AddLast => {
                if similar.is_some() {
                    return Err(invalid(format!(
                        "there is an existing dhcp host entry in network '{name}' that matches \"<host mac='{mac}' name='{host_name}' ip='{ip}'/>\""
                    )));
                }
                command.insert(hosts, host);
            }
            UpdateCommand::Delete => {
                let selected = hosts.iter().position(|other| selects(&host, other)).ok_or_else(|| {
                    invalid(format!("couldn't locate a matching dhcp host entry in network '{name}'"))
                })?;
                hosts.remove(selected);
            }
        }
        Ok(())
    }

    pub(super) fn update_dhcp_range(
        &mut self,
        command: UpdateCommand,
        parent: i32,
        el: Element<'_>,
    ) -> Result<()> {
        let position = self.dhcp_parent(parent);
        self.expect_element(el, "range")?;
        let position = position?;
        if command == UpdateCommand::Modify {
            return Err(unsupported("dhcp ranges cannot be modified, only added or deleted".into()));
        }
        let name = self.name.clone();
        let range = DhcpRange::parse(el, &self.ips[position], &name)?;
        let same = |other: &DhcpRange| other.start == range.start && other.end == range.end;
        let existing = self.ips[position].ranges.iter().position(same);
        match (command, existing) {
            (UpdateCommand::Delete, Some(i)) => {
                self.ips[position].ranges.remove(i);
            }
            (UpdateCommand::Delete, None) => {
                return Err(invalid(format!(
                    "couldn't locate a matching dhcp range entry in network '{name}'"
                )));
            }
            (_, existing) => {
                self.refuse_second_dhcp(position)?;
                if existing.is_some() {
                    return Err(invalid(format!(
                        "there is an existing dhcp range entry in network '{name}' that matches \"<range start='{}' end='{}'/>\"",
                        range.start, range.end
                    )));
                }
                command.insert(&mut self.ips[position].ranges, range);
            }
        }
        Ok(())
    }
}

/// Whether both have an Ethernet address, an address or a name in common.
fn resembles(host: &DhcpHost, other: &DhcpHost) -> bool {
    host.has_mac_of(other)
        || (host.ip.is_some() && host.ip == other.ip)
        || (host.name.is_some() && host.name == other.name)
}

/// Whether all that is given of a host is that of the other.
fn selects(host: &DhcpHost, other: &DhcpHost) -> bool {
    (host.mac.is_none() || other.mac.is_none() || host.has_mac_of(other))
        && (host.name.is_none() || host.name == other.name)
        && (host.ip.is_none() || host.ip == other.ip)
}

/// Ethernet address, name and address of a host, as refusals show them.
fn shown(host: &DhcpHost) -> (String, String, String) {
    let unknown = || "unknown".to_owned();
    (
        host.mac.clone().unwrap_or_else(unknown),
        host.name.clone().unwrap_or_else(|| "(null)".to_owned()),
        host.ip.map_or_else(unknown, |ip| ip.to_string()),
    )
}
