//! `lxc.net.N.*`, once `lxc.network.*`: the interfaces of a container.

use std::net::IpAddr;

use virt_conf::Result;
use virt_conf::common::ip::{InterfaceAddress, IpInfo, Route};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    Capability, DirectMode, Hostdev, HostdevSource, Interface, InterfaceSource, LinkState,
};
use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr};

use super::settings::Settings;
use super::unexplained;

/// One interface, as its settings say.
#[derive(Debug, Default)]
struct Link<'a> {
    index: u64,
    kind: Option<&'a str>,
    link: Option<&'a str>,
    mac: Option<&'a str>,
    flags: Option<&'a str>,
    mode: Option<&'a str>,
    vlan: Option<&'a str>,
    name: Option<&'a str>,
    ip: IpInfo,
    gateways: [Option<&'a str>; 2],
}

/// Adds the interfaces. A container for which none is configured has no network but its own loopback; one whose type is
/// `none` shares the host's.
pub(super) fn add(domain: &mut Domain, settings: &Settings<'_>) -> Result<()> {
    let mut links: Vec<Link<'_>> = Vec::new();
    for (key, value) in settings.below("lxc.net") {
        if let Some(setting) = key.strip_prefix("work.") {
            if setting == "type" {
                links.push(Link::default());
            }
            let link = links
                .last_mut()
                .ok_or_else(|| unexplained("an interface's first setting is lxc.network.type"))?;
            link.set(setting, value)?;
        } else if let Some(rest) = key.strip_prefix('.') {
            let (index, setting) = rest
                .split_once('.')
                .and_then(|(index, setting)| Some((index.parse().ok()?, setting)))
                .ok_or_else(|| unexplained(format!("lxc.net{key} does not say which interface is meant")))?;
            let position = links.iter().position(|link| link.index == index).unwrap_or_else(|| {
                links.push(Link { index, ..Link::default() });
                links.len() - 1
            });
            links[position].set(setting, value)?;
        }
    }
    domain.features.privnet = links.is_empty();
    links.into_iter().try_for_each(|link| link.add(domain))
}

impl<'a> Link<'a> {
    fn set(&mut self, setting: &str, value: &'a str) -> Result<()> {
        let slot = match setting {
            "type" => &mut self.kind,
            "link" => &mut self.link,
            "hwaddr" => &mut self.mac,
            "flags" => &mut self.flags,
            "macvlan.mode" => &mut self.mode,
            "vlan.id" => &mut self.vlan,
            "name" => &mut self.name,
            "ipv4.gateway" => &mut self.gateways[0],
            "ipv6.gateway" => &mut self.gateways[1],
            "ipv4" | "ipv4.address" | "ipv6" | "ipv6.address" => {
                self.ip.addresses.push(address(value, setting.starts_with("ipv4"))?);
                return Ok(());
            }
            other => return Err(unexplained(format!("interfaces have no setting '{other}' that is known"))),
        };
        *slot = Some(value);
        Ok(())
    }

    fn add(self, domain: &mut Domain) -> Result<()> {
        let Some(kind) = self.kind.filter(|kind| !matches!(*kind, "empty" | "" | "none")) else {
            return Ok(());
        };
        let ip = IpInfo { routes: self.routes()?, ..self.ip.clone() };
        if matches!(kind, "phys" | "vlan") {
            let link = self.link.ok_or_else(|| {
                let detail = "Missing 'link' attribute for NIC";
                Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Lxc, detail)
            })?;
            let interface = match self.vlan.filter(|_| kind == "vlan") {
                Some(vlan) => format!("{link}.{vlan}"),
                None => link.to_owned(),
            };
            let source = HostdevSource::Capability(Capability::Net { interface, ip });
            domain.devices.hostdevs.push(Hostdev { source, ..Hostdev::default() });
            return Ok(());
        }
        let up = self.flags == Some("up");
        domain.devices.interfaces.push(Interface {
            source: self.source(kind)?,
            mac: Some(self.mac.and_then(|mac| mac.parse().ok()).unwrap_or(MacAddr([0; 6]))),
            guest_ip: ip,
            guest_dev: self.name.map(str::to_owned),
            link: if up { LinkState::Up } else { LinkState::Down },
            ..Interface::default()
        });
        Ok(())
    }

    fn source(&self, kind: &str) -> Result<InterfaceSource> {
        let link = self.link.map(str::to_owned);
        Ok(match (kind, link) {
            ("veth", Some(bridge)) => InterfaceSource::Bridge { bridge },
            ("veth", None) => InterfaceSource::Ethernet,
            ("macvlan", Some(dev)) => {
                let mode = match self.mode {
                    None | Some("private") => DirectMode::Private,
                    Some("bridge") => DirectMode::Bridge,
                    Some(_) => DirectMode::Vepa,
                };
                InterfaceSource::Direct { dev, mode }
            }
            ("macvlan", None) => return Err(unexplained("a macvlan needs lxc.net.N.link")),
            _ => InterfaceSource::default(),
        })
    }

    /// The default routes through the gateways.
    fn routes(&self) -> Result<Vec<Route>> {
        let mut routes = Vec::new();
        for (gateway, family, all) in
            [(self.gateways[0], "ipv4", "0.0.0.0"), (self.gateways[1], "ipv6", "::")]
        {
            let Some(gateway) = gateway else { continue };
            let read =
                |text: &str| text.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == (family == "ipv4"));
            let (Some(address), Some(through)) = (read(all), read(gateway)) else {
                let detail = format!("Domain interface: Bad gateway address '{gateway}' in route definition");
                return Err(Error::new(ErrorCode::XmlError, ErrorDomain::Lxc, detail));
            };
            routes.push(Route {
                family: Some(family.to_owned()),
                address,
                netmask: None,
                prefix: None,
                gateway: through,
                metric: None,
            });
        }
        Ok(routes)
    }
}

/// An address with the length of its network's prefix.
fn address(text: &str, ipv4: bool) -> Result<InterfaceAddress> {
    let read = || {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok().filter(|address: &IpAddr| address.is_ipv4() == ipv4)?;
        Some(InterfaceAddress { address, prefix: prefix.parse().ok()?, peer: None })
    };
    read().ok_or_else(|| {
        let detail = format!("Invalid CIDR address: '{text}'");
        Error::new(ErrorCode::InvalidArg, ErrorDomain::Lxc, detail)
    })
}
