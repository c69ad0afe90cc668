//! Updates of DNS records.

use virt_xml::Element;

use super::{UpdateCommand, invalid, unsupported};
use crate::Result;
use crate::network::{DnsHost, DnsSrv, DnsTxt, Network};

impl Network {
    pub(super) fn update_dns_host(&mut self, command: UpdateCommand, el: Element<'_>) -> Result<()> {
        refuse_modify(command, "HOST")?;
        self.expect_element(el, "host")?;
        let name = &self.name;
        let host = DnsHost::parse(el, name, !command.is_add())?;
        // A name may well have several addresses, so only addresses count where one is added.
        let matches = |other: &DnsHost| {
            host.ip == other.ip
                || (!command.is_add() && host.names.iter().any(|name| other.names.contains(name)))
        };
        let found = found(&self.dns.hosts, matches);
        if command.is_add() {
            if !found.is_empty() {
                return Err(invalid(format!(
                    "there is already at least one DNS HOST record with a matching field in network {name}"
                )));
            }
            command.insert(&mut self.dns.hosts, host);
            return Ok(());
        }
        let position = only(&found, name, "HOST record", "multiple matching DNS HOST records were")?;
        self.dns.hosts.remove(position);
        Ok(())
    }

    pub(super) fn update_dns_srv(&mut self, command: UpdateCommand, el: Element<'_>) -> Result<()> {
        refuse_modify(command, "SRV")?;
        self.expect_element(el, "srv")?;
        let name = &self.name;
        let srv = DnsSrv::parse(el, name, !command.is_add())?;
        let matches = |other: &DnsSrv| {
            let fits = |given: &Option<String>, has: &Option<String>| given.is_none() || given == has;
            fits(&srv.domain, &other.domain)
                && fits(&srv.service, &other.service)
                && fits(&srv.protocol, &other.protocol)
                && fits(&srv.target, &other.target)
        };
        let found = found(&self.dns.srvs, matches);
        if command.is_add() {
            if !found.is_empty() {
                return Err(invalid(format!(
                    "there is already at least one DNS SRV record matching all specified fields in network {name}"
                )));
            }
            command.insert(&mut self.dns.srvs, srv);
            return Ok(());
        }
        let several = "multiple DNS SRV records matching all specified fields were";
        let position = only(&found, name, "SRV record", several)?;
        self.dns.srvs.remove(position);
        Ok(())
    }

    pub(super) fn update_dns_txt(&mut self, command: UpdateCommand, el: Element<'_>) -> Result<()> {
        refuse_modify(command, "TXT")?;
        self.expect_element(el, "txt")?;
        let name = &self.name;
        let txt = DnsTxt::parse(el, name, !command.is_add())?;
        let position = self.dns.txts.iter().position(|other| other.name == txt.name);
        if command.is_add() {
            if position.is_some() {
                return Err(invalid(format!(
                    "there is already a DNS TXT record with name '{}' in network {name}",
                    txt.name
                )));
            }
            command.insert(&mut self.dns.txts, txt);
            return Ok(());
        }
        let found: Vec<usize> = position.into_iter().collect();
        self.dns.txts.remove(only(&found, name, "TXT record", "")?);
        Ok(())
    }
}

fn refuse_modify(command: UpdateCommand, kind: &str) -> Result<()> {
    if command == UpdateCommand::Modify {
        return Err(unsupported(format!("DNS {kind} records cannot be modified, only added or deleted")));
    }
    Ok(())
}

/// The positions of the records that match.
fn found<T>(records: &[T], matches: impl Fn(&T) -> bool) -> Vec<usize> {
    records.iter().enumerate().filter(|(_, record)| matches(record)).map(|(i, _)| i).collect()
}

/// The only position; `several` begins the sentence for more.
fn only(found: &[usize], network: &str, what: &str, several: &str) -> Result<usize> {
    match found {
        [] => Err(invalid(format!("couldn't locate a matching DNS {what} in network {network}"))),
        [position] => Ok(*position),
        _ => Err(invalid(format!("{several} found in network {network}"))),
    }
}
