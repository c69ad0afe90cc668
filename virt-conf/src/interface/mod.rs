//! `<interface>`: the configuration of a network interface of the host.

mod bond;
mod protocol;
#[cfg(test)]
mod tests;

use virt_types::{ErrorDomain, TextEnum, text_enum};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Document, Element, Writer};

pub use bond::{ArpValidate, Bond, BondMode, BondMonitor, MiiCarrier};
pub use protocol::{InterfaceIp, Protocol, ProtocolFamily};

use crate::Result;
use crate::common::Link;
use crate::error::Refuse;

pub(super) const REFUSE: Refuse = Refuse(ErrorDomain::Interface);

/// The largest packet that can be asked for, in bytes.
const MTU_LIMIT: u32 = 100_000;

text_enum! {
    /// The type of an interface.
    pub enum InterfaceType { Ethernet = "ethernet", Bridge = "bridge", Bond = "bond", Vlan = "vlan" }
}

text_enum! {
    /// When an interface is started.
    pub enum StartMode { None = "none", OnBoot = "onboot", Hotplug = "hotplug" }
}

/// A network interface of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInterface {
    /// `name`
    pub name: String,
    /// `<start mode='…'/>`
    pub start: Option<StartMode>,
    /// `<mtu size='…'/>` in bytes; 0 where not given.
    pub mtu: u32,
    /// `<protocol>`
    pub protocols: Vec<Protocol>,
    /// `<link>`, which bridges have not.
    pub link: Link,
    /// What kind of interface it is.
    pub kind: InterfaceKind,
}

/// What only one type of interface has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A card.
    Ethernet {
        /// `<mac address='…'/>` as written.
        mac: Option<String>,
    },
    /// A bridge.
    Bridge {
        /// `stp`: the spanning tree protocol.
        stp: Option<bool>,
        /// `delay` as written.
        delay: Option<String>,
        /// The interfaces that it connects.
        ports: Vec<HostInterface>,
    },
    /// Several that act as one.
    Bond(Bond),
    /// One network of those that share a card.
    Vlan {
        /// `tag` as written.
        tag: String,
        /// `<interface name='…'/>`: the card.
        dev: String,
    },
}

impl HostInterface {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no interface, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("interface")?)
    }

    /// Reads an `<interface>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`HostInterface::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        Self::parse_below(el, None)
    }

    fn parse_below(el: Element<'_>, parent: Option<InterfaceType>) -> Result<Self> {
        use InterfaceType::{Bond, Bridge, Ethernet, Vlan};
        let kind: InterfaceType = el.required("type", el.attr_enum("type")?)?;
        let fits = match parent {
            None => true,
            Some(Bond) => kind == Ethernet,
            Some(Bridge) => kind != Bridge,
            Some(Ethernet | Vlan) => false,
        };
        let refuse = |detail: &str| REFUSE.xml(detail).at(el.place());
        if !fits {
            return Err(refuse(&format!("interface has unsupported type '{kind}'")));
        }
        let name = el.attr("name").ok_or_else(|| refuse("interface has no name"))?.to_owned();
        let (mut start, mut mtu, mut protocols) = (None, 0, Vec::new());
        // Those that are part of another have what that has.
        if parent.is_none() {
            start = parse_start(el)?;
            mtu = parse_mtu(el)?;
            protocols = el.children_named("protocol").map(Protocol::parse).collect::<Result<_>>()?;
        }
        let link = if kind == Bridge { Link::default() } else { Link::parse_child(el)? };
        let part = |name: &'static str| {
            el.child(name).ok_or_else(|| refuse(&format!("{name} interface misses the {name} element")))
        };
        let kind = match kind {
            Ethernet => InterfaceKind::Ethernet {
                mac: el.child("mac").and_then(|mac| mac.attr_filled("address")).map(str::to_owned),
            },
            Bridge => parse_bridge(part("bridge")?)?,
            Bond => InterfaceKind::Bond(bond::Bond::parse(part("bond")?)?),
            Vlan => parse_vlan(part("vlan")?)?,
        };
        Ok(Self { name, start, mtu, protocols, link, kind })
    }

    /// The type.
    #[must_use]
    pub const fn interface_type(&self) -> InterfaceType {
        match self.kind {
            InterfaceKind::Ethernet { .. } => InterfaceType::Ethernet,
            InterfaceKind::Bridge { .. } => InterfaceType::Bridge,
            InterfaceKind::Bond(_) => InterfaceType::Bond,
            InterfaceKind::Vlan { .. } => InterfaceType::Vlan,
        }
    }

    /// The Ethernet address as written, which only cards have.
    #[must_use]
    pub fn mac(&self) -> Option<&str> {
        match &self.kind {
            InterfaceKind::Ethernet { mac } => mac.as_deref(),
            InterfaceKind::Bridge { .. } | InterfaceKind::Bond(_) | InterfaceKind::Vlan { .. } => None,
        }
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w);
        w.finish()
    }

    /// Writes the `<interface>` element into another document.
    pub fn format_into(&self, w: &mut Writer) {
        w.open_element("interface", |w| {
            w.attr("type", self.interface_type());
            w.attr("name", &self.name);
            if let Some(start) = self.start {
                w.element("start", |w| w.attr("mode", start));
            }
            if self.mtu > 0 {
                w.element("mtu", |w| w.attr("size", self.mtu));
            }
            self.protocols.iter().for_each(|protocol| protocol.format(w));
            self.link.format(w);
            match &self.kind {
                InterfaceKind::Ethernet { mac: None } => {}
                InterfaceKind::Ethernet { mac: Some(mac) } => w.element("mac", |w| w.attr("address", mac)),
                InterfaceKind::Bridge { stp, delay, ports } => w.open_element("bridge", |w| {
                    w.attr_on_off("stp", *stp);
                    w.attr_opt("delay", delay.as_ref());
                    ports.iter().for_each(|port| port.format_into(w));
                }),
                InterfaceKind::Bond(bond) => bond.format(w),
                InterfaceKind::Vlan { tag, dev } => w.element("vlan", |w| {
                    w.attr("tag", tag);
                    w.element("interface", |w| w.attr("name", dev));
                }),
            }
        });
    }
}

/// The interfaces that are part of one of this type.
fn parse_ports(el: Element<'_>, parent: InterfaceType) -> Result<Vec<HostInterface>> {
    el.children_named("interface").map(|port| HostInterface::parse_below(port, Some(parent))).collect()
}

fn parse_start(el: Element<'_>) -> Result<Option<StartMode>> {
    let Some(start) = el.child("start") else { return Ok(None) };
    let Some(text) = start.attr_filled("mode") else { return Ok(None) };
    StartMode::from_text(text).map(Some).ok_or_else(|| {
        let detail = format!("unknown interface startmode {text}");
        REFUSE.xml(detail).with_hint(StartMode::hint(text)).at(start.place())
    })
}

fn parse_mtu(el: Element<'_>) -> Result<u32> {
    let Some(mtu) = el.child("mtu") else { return Ok(0) };
    let Some(text) = mtu.attr_filled("size") else { return Ok(0) };
    match parse_u32(text, Base::Ten) {
        Some(size) if size <= MTU_LIMIT => Ok(size),
        Some(_) => {
            let detail = "value of the 'size' attribute of 'mtu' element must be at most 100000";
            Err(REFUSE.xml(detail).at(mtu.place()))
        }
        None => Err(mtu.invalid("size", " Expected non-negative integer value")),
    }
}

fn parse_bridge(el: Element<'_>) -> Result<InterfaceKind> {
    let stp = match el.attr("stp") {
        Some("on") => Some(true),
        Some("off") => Some(false),
        // libvirt takes a wrong one for none.
        _ => None,
    };
    let delay = el.attr("delay").map(str::to_owned);
    Ok(InterfaceKind::Bridge { stp, delay, ports: parse_ports(el, InterfaceType::Bridge)? })
}

fn parse_vlan(el: Element<'_>) -> Result<InterfaceKind> {
    let refuse = |detail: &str| REFUSE.xml(detail).at(el.place());
    let tag = el.attr_filled("tag").ok_or_else(|| refuse("vlan interface misses the tag attribute"))?;
    let dev = el.child("interface").and_then(|dev| dev.attr_filled("name"));
    let dev = dev.ok_or_else(|| refuse("vlan interface misses name attribute"))?;
    Ok(InterfaceKind::Vlan { tag: tag.to_owned(), dev: dev.to_owned() })
}
