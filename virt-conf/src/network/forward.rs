//! `<forward>`: how a network reaches others.

use std::net::{IpAddr, Ipv4Addr};

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::REFUSE;
use super::dhcp::check_range;
use crate::Result;
use crate::common::address::Pci;
use crate::common::socket_address;

text_enum! {
    /// How a network reaches others.
    pub enum ForwardMode {
        #[default] None = "none", Nat = "nat", Route = "route", Open = "open", Bridge = "bridge",
        Private = "private", Vepa = "vepa", Passthrough = "passthrough", Hostdev = "hostdev",
    }
}

impl ForwardMode {
    /// Whether the network has a bridge of its own, which the engine makes.
    #[must_use]
    pub const fn has_bridge(self) -> bool {
        matches!(self, Self::None | Self::Nat | Self::Route | Self::Open)
    }
}

text_enum! {
    /// What hands devices of the pool over to guests.
    pub enum ForwardDriver { #[default] Default = "default", Kvm = "kvm", Vfio = "vfio" }
}

/// How a network reaches others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forward {
    /// `mode`
    pub mode: ForwardMode,
    /// `managed`: devices of the pool are taken from their host drivers and given back.
    pub managed: bool,
    /// `<driver name='…'/>`
    pub driver: ForwardDriver,
    /// `<nat>`
    pub nat: Nat,
    /// `<pf dev='…'/>`: the pool is this device's virtual functions.
    pub pf: Option<String>,
    /// `<interface>` or `<address>`: the pool of devices, or the one that traffic leaves through.
    pub interfaces: Vec<ForwardInterface>,
}

/// A device of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardInterface {
    /// Which.
    pub device: ForwardDevice,
    /// `connections`: guests that use it. Never read from a document.
    pub connections: u32,
}

/// Which device of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardDevice {
    /// `<interface dev='…'/>`
    Netdev(String),
    /// `<address type='pci'/>`
    Pci(Pci),
}

/// `<nat>`: what guests' addresses are replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nat {
    /// `ipv6`: IPv6 addresses are replaced as well.
    pub ipv6: Option<bool>,
    /// `<address start='…' end='…'/>`
    pub addresses: Option<(Ipv4Addr, Ipv4Addr)>,
    /// `<port start='…' end='…'/>`
    pub ports: Option<(u16, u16)>,
}

impl Forward {
    pub(super) fn parse(el: Element<'_>, network: &str) -> Result<Self> {
        let mode = match el.attr_filled("mode") {
            None => ForwardMode::Nat,
            Some(text) => ForwardMode::from_text(text).ok_or_else(|| {
                REFUSE
                    .unsupported(format!("unknown forwarding type '{text}'"))
                    .with_hint(ForwardMode::hint(text))
                    .at(el.place())
            })?,
        };
        let managed = el.attr("managed").is_some_and(|text| text.eq_ignore_ascii_case("yes"));
        let mut driver = ForwardDriver::Default;
        if let Some(element) = el.child("driver")
            && let Some(text) = element.attr_filled("name")
        {
            driver = ForwardDriver::from_text(text)
                .filter(|driver| *driver != ForwardDriver::Default)
                .ok_or_else(|| {
                    let detail = format!("Unknown forward <driver name='{text}'/> in network {network}");
                    REFUSE.unsupported(detail).at(element.place())
                })?;
        }
        let mut nats = el.children_named("nat");
        let nat = match nats.next() {
            None => Nat::default(),
            Some(_) if nats.next().is_some() => {
                let detail = format!("Only one <nat> element is allowed in <forward> of network {network}");
                return Err(REFUSE.xml(detail).at(el.place()));
            }
            Some(nat) => Nat::parse(nat, mode, network)?,
        };
        let mut forward = Self { mode, managed, driver, nat, pf: None, interfaces: Vec::new() };
        forward.parse_pool(el, network)?;
        Ok(forward)
    }

    fn parse_pool(&mut self, el: Element<'_>, network: &str) -> Result<()> {
        let interfaces: Vec<_> = el.children_named("interface").collect();
        let addresses: Vec<_> = el.children_named("address").collect();
        let pfs: Vec<_> = el.children_named("pf").collect();
        let dev = el.attr_filled("dev");
        let refuse = |detail: String| Err(REFUSE.xml(detail).at(el.place()));
        if dev.is_some() && !(addresses.is_empty() && pfs.is_empty()) {
            return refuse(format!(
                "the <forward> 'dev' attribute cannot be used when <address> or <pf> sub-elements are present in network {network}"
            ));
        }
        if dev.is_some() || !interfaces.is_empty() {
            self.parse_netdevs(dev, &interfaces, network)
        } else if !addresses.is_empty() {
            addresses.iter().try_for_each(|address| self.parse_address(*address, network))
        } else if pfs.len() > 1 {
            refuse(format!("Only one <pf> element is allowed in <forward> of network {network}"))
        } else if let Some(pf) = pfs.first() {
            let missing = format!("Missing required dev attribute in <pf> element of network '{network}'");
            let dev = pf.attr("dev").ok_or_else(|| REFUSE.xml(missing).at(pf.place()))?;
            self.pf = Some(dev.to_owned());
            Ok(())
        } else {
            Ok(())
        }
    }

    fn parse_netdevs(&mut self, dev: Option<&str>, interfaces: &[Element<'_>], network: &str) -> Result<()> {
        let mut names: Vec<&str> = dev.into_iter().collect();
        for (i, interface) in interfaces.iter().enumerate() {
            let refuse = |detail: String| REFUSE.xml(detail).at(interface.place());
            let name = interface.attr("dev").ok_or_else(|| {
                refuse(format!(
                    "Missing required dev attribute in <forward> <interface> element of network {network}"
                ))
            })?;
            if let Some(dev) = dev.filter(|_| i == 0) {
                if dev == name {
                    continue;
                }
                return Err(refuse(format!(
                    "<forward dev='{dev}'> must match first <interface dev='{name}'/> in network {network}"
                )));
            }
            if names.contains(&name) {
                return Err(refuse(format!(
                    "interface '{name}' can only be listed once in network {network}"
                )));
            }
            names.push(name);
        }
        self.interfaces = names.into_iter().map(ForwardInterface::netdev).collect();
        Ok(())
    }

    fn parse_address(&mut self, el: Element<'_>, network: &str) -> Result<()> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        match el.attr("type") {
            None => return Err(refuse(format!("missing address type in network {network}"))),
            Some("pci") => {}
            Some(kind @ ("none" | "netdev")) => {
                return Err(refuse(format!("unsupported address type '{kind}' in network {network}")));
            }
            Some(kind) => {
                let detail = format!("unknown address type '{kind}' in network {network}");
                return Err(REFUSE.unsupported(detail).at(el.place()));
            }
        }
        let device = ForwardDevice::Pci(Pci::parse(el)?);
        if let ForwardDevice::Pci(pci) = &device
            && self
                .interfaces
                .iter()
                .any(|other| matches!(&other.device, ForwardDevice::Pci(other) if other.at == pci.at))
        {
            let at = pci.at;
            return Err(refuse(format!("PCI device '{at}' can only be listed once in network {network}")));
        }
        self.interfaces.push(ForwardInterface { device, connections: 0 });
        Ok(())
    }

    /// The device that traffic leaves through, or the first of the pool.
    #[must_use]
    pub fn dev(&self) -> Option<&str> {
        self.interfaces.first().and_then(ForwardInterface::netdev_name)
    }

    pub(super) fn format(&self, w: &mut Writer, inactive: bool) {
        if self.mode == ForwardMode::None {
            return;
        }
        w.element("forward", |w| {
            w.attr_opt("dev", self.dev().filter(|_| self.pf.is_none()));
            w.attr("mode", self.mode);
            if self.mode == ForwardMode::Hostdev {
                w.attr_yes_no("managed", Some(self.managed));
            }
            if self.driver != ForwardDriver::Default {
                w.element("driver", |w| w.attr("name", self.driver));
            }
            if self.mode == ForwardMode::Nat {
                self.nat.format(w);
            }
            if let Some(pf) = &self.pf {
                w.element("pf", |w| w.attr("dev", pf));
            }
            if self.pf.is_none() || !inactive {
                self.interfaces.iter().for_each(|interface| interface.format(w, inactive));
            }
        });
    }
}

impl ForwardInterface {
    /// A network device that nobody uses.
    #[must_use]
    pub fn netdev(name: &str) -> Self {
        Self { device: ForwardDevice::Netdev(name.to_owned()), connections: 0 }
    }

    /// The network device's name, where it is named so.
    #[must_use]
    pub fn netdev_name(&self) -> Option<&str> {
        match &self.device {
            ForwardDevice::Netdev(name) => Some(name),
            ForwardDevice::Pci(_) => None,
        }
    }

    fn format(&self, w: &mut Writer, inactive: bool) {
        match &self.device {
            ForwardDevice::Netdev(name) => w.element("interface", |w| {
                w.attr("dev", name);
                w.attr_opt("connections", Some(self.connections).filter(|count| !inactive && *count > 0));
            }),
            ForwardDevice::Pci(pci) => w.element("address", |w| {
                w.attr("type", "pci");
                pci.format_place(w);
            }),
        }
    }
}

impl Nat {
    fn parse(el: Element<'_>, mode: ForwardMode, network: &str) -> Result<Self> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        if mode != ForwardMode::Nat {
            return Err(refuse(format!(
                "The <nat> element can only be used when <forward> 'mode' is 'nat' in network {network}"
            )));
        }
        let one = |name: &'static str| -> Result<Option<Element<'_>>> {
            let mut found = el.children_named(name);
            let first = found.next();
            if found.next().is_some() {
                return Err(refuse(format!(
                    "Only one <{name}> element is allowed in <nat> in <forward> in network {network}"
                )));
            }
            Ok(first)
        };
        let ipv6 = el.attr_yes_no("ipv6")?;
        let addresses = one("address")?.map(|address| parse_addresses(address, network)).transpose()?;
        let ports = one("port")?.map(|port| parse_ports(port, network)).transpose()?;
        // Port 0 to port 0 says nothing.
        Ok(Self { ipv6, addresses, ports: ports.filter(|ports| *ports != (0, 0)) })
    }

    fn format(&self, w: &mut Writer) {
        w.element_if_any("nat", |w| {
            w.attr_yes_no("ipv6", self.ipv6);
            if let Some((start, end)) = self.addresses {
                w.element("address", |w| {
                    w.attr("start", start);
                    w.attr("end", end);
                });
            }
            if let Some((start, end)) = self.ports {
                w.element("port", |w| {
                    w.attr("start", start);
                    w.attr_opt("end", (end > 0).then_some(end));
                });
            }
        });
    }
}

fn parse_addresses(el: Element<'_>, network: &str) -> Result<(Ipv4Addr, Ipv4Addr)> {
    let text = |name: &'static str| {
        let missing = format!(
            "missing '{name}' attribute in <address> element in <nat> in <forward> in network {network}"
        );
        el.attr(name).ok_or_else(|| REFUSE.xml(missing).at(el.place()))
    };
    let (start, end) = (text("start")?, text("end")?);
    let address = |which: &str, text: &str| match socket_address::parse(text) {
        Some(IpAddr::V4(address)) => Ok(address),
        _ => {
            let detail =
                format!("Bad ipv4 {which} address '{text}' in <nat> in <forward> in network '{network}'");
            Err(REFUSE.xml(detail).at(el.place()))
        }
    };
    let (start, end) = (address("start", start)?, address("end", end)?);
    check_range(start.into(), end.into(), None).map_err(|error| error.at(el.place()))?;
    Ok((start, end))
}

fn parse_ports(el: Element<'_>, network: &str) -> Result<(u16, u16)> {
    let port = |name: &'static str, least: u16| {
        let text = el.attr_filled(name).and_then(|text| parse_u32(text, Base::Ten));
        text.and_then(|port| u16::try_from(port).ok()).filter(|port| *port >= least).ok_or_else(|| {
            let detail = format!(
                "Missing or invalid '{name}' attribute in <port> in <nat> in <forward> in network {network}"
            );
            REFUSE.detail(detail).at(el.place())
        })
    };
    let start = port("start", 0)?;
    Ok((start, port("end", start)?))
}
