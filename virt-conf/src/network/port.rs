//! `<networkport>`: what connects an interface to a network.

use virt_types::{MacAddr, TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

use super::{ForwardDriver, MacTableManager, REFUSE, format_port_options, parse_port_options};
use crate::Result;
use crate::common::address::Pci;
use crate::common::virtualport::Completeness;
use crate::common::{Bandwidth, VirtualPort, Vlan};
use crate::domain::device::DirectMode;

text_enum! {
    /// How a port is connected.
    pub enum PlugType {
        #[default] None = "none", Network = "network", Bridge = "bridge", Direct = "direct",
        HostdevPci = "hostdev-pci",
    }
}

/// What connects an interface to a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPort {
    /// `<uuid>`
    pub uuid: Uuid,
    /// `<owner><name>`: the domain.
    pub owner_name: String,
    /// `<owner><uuid>`
    pub owner_uuid: Uuid,
    /// `<group>`: the port group.
    pub group: Option<String>,
    /// `<mac address='…'/>`
    pub mac: MacAddr,
    /// `<virtualport>`
    pub virtualport: Option<VirtualPort>,
    /// `<bandwidth>`
    pub bandwidth: Option<Bandwidth>,
    /// `<bandwidth classID='…'>`: the traffic class; 0 where there is none.
    pub class_id: u32,
    /// `<vlan>`
    pub vlan: Option<Vlan>,
    /// `<port isolated='…'/>`
    pub port_isolated: Option<bool>,
    /// `<rxfilters trustGuest='…'/>`
    pub trust_guest_rx_filters: Option<bool>,
    /// `<plug>`
    pub plug: Plug,
}

/// How a port is connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Plug {
    /// Not at all.
    #[default]
    None,
    /// To a bridge; of a network that has its own, where `own` says so.
    Bridge {
        /// `type`: `network`, not `bridge`.
        own: bool,
        /// `bridge`
        bridge: String,
        /// `macTableManager`
        mac_table_manager: MacTableManager,
    },
    /// To a device, by macvtap.
    Direct {
        /// `dev`
        dev: String,
        /// `mode`
        mode: DirectMode,
    },
    /// By a device that is handed over.
    HostdevPci {
        /// `managed`
        managed: Option<bool>,
        /// `<driver name='…'/>`
        driver: ForwardDriver,
        /// `<address>`
        address: Pci,
    },
}

impl NetworkPort {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no port, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("networkport")?)
    }

    /// Reads a `<networkport>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`NetworkPort::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: &str| REFUSE.internal(detail).at(el.place());
        let uuid = |text: Option<String>, what: &str| -> Result<Uuid> {
            let text = text.ok_or_else(|| refuse(&format!("network port has no {what}")))?;
            text.parse().map_err(|_| refuse(&format!("Unable to parse UUID '{text}'")))
        };
        let owner = |name: &'static str| el.child("owner").and_then(|owner| owner.child_text(name));
        let own_uuid = uuid(el.child_text("uuid"), "uuid")?;
        let owner_name = owner("name").ok_or_else(|| refuse("network port has no owner name"))?;
        let owner_uuid = uuid(owner("uuid"), "owner UUID")?;
        let group = el.child_text("group");
        let virtualport = match el.child("virtualport") {
            Some(port) => Some(VirtualPort::parse(port, Completeness::Partial)?),
            None => None,
        };
        let mac = el.child("mac").and_then(|mac| mac.attr_filled("address"));
        let mac = mac.ok_or_else(|| refuse("network port has no mac"))?;
        let mac = mac.parse().map_err(|_| refuse(&format!("Unable to parse MAC '{mac}'")))?;
        // Whether a floor can be kept is known only when the port is used.
        let (bandwidth, class_id) = match el.child("bandwidth") {
            Some(bandwidth) => Bandwidth::parse_with_class(bandwidth, true)?,
            None => (None, None),
        };
        Ok(Self {
            uuid: own_uuid,
            owner_name,
            owner_uuid,
            group,
            mac,
            virtualport,
            bandwidth,
            class_id: class_id.unwrap_or(0),
            vlan: el.child("vlan").map(Vlan::parse).transpose()?,
            port_isolated: parse_port_options(el)?,
            trust_guest_rx_filters: match el.child("rxfilters") {
                Some(filters) => filters.attr_yes_no("trustGuest")?,
                None => None,
            },
            plug: match el.child("plug") {
                Some(plug) => Plug::parse(plug)?,
                None => Plug::None,
            },
        })
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.element("networkport", |w| {
            w.text_element("uuid", self.uuid);
            w.element("owner", |w| {
                w.text_element("name", &self.owner_name);
                w.text_element("uuid", self.owner_uuid);
            });
            w.text_element_opt("group", self.group.as_ref());
            w.element("mac", |w| w.attr("address", self.mac));
            if let Some(port) = &self.virtualport {
                port.format(w);
            }
            if let Some(bandwidth) = &self.bandwidth {
                bandwidth.format_with_class(w, self.class_id);
            }
            if let Some(vlan) = &self.vlan {
                vlan.format(w);
            }
            format_port_options(self.port_isolated, w);
            w.element_if_any("rxfilters", |w| w.attr_yes_no("trustGuest", self.trust_guest_rx_filters));
            self.plug.format(w);
        });
        w.finish()
    }
}

impl Plug {
    /// The type.
    #[must_use]
    pub const fn kind(&self) -> PlugType {
        match self {
            Self::None => PlugType::None,
            Self::Bridge { own: true, .. } => PlugType::Network,
            Self::Bridge { own: false, .. } => PlugType::Bridge,
            Self::Direct { .. } => PlugType::Direct,
            Self::HostdevPci { .. } => PlugType::HostdevPci,
        }
    }

    fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        let kind = el.attr_enum("type")?.unwrap_or_default();
        let name = |attribute: &'static str, what: &str| {
            let missing = || refuse(format!("Missing network port {what} name"));
            el.attr(attribute).map(str::to_owned).ok_or_else(missing)
        };
        Ok(match kind {
            PlugType::None => Self::None,
            PlugType::Network | PlugType::Bridge => Self::Bridge {
                own: kind == PlugType::Network,
                bridge: name("bridge", "bridge")?,
                mac_table_manager: match el.attr("macTableManager") {
                    None => MacTableManager::Default,
                    Some(text) => MacTableManager::from_text(text)
                        .filter(|manager| *manager != MacTableManager::Default)
                        .ok_or_else(|| {
                            refuse(format!("Invalid macTableManager setting '{text}' in network port"))
                        })?,
                },
            },
            PlugType::Direct => Self::Direct {
                dev: name("dev", "link device")?,
                mode: match el.attr("mode") {
                    None => DirectMode::default(),
                    Some(text) => DirectMode::from_text(text)
                        .ok_or_else(|| refuse(format!("Invalid mode setting '{text}' in network port")))?,
                },
            },
            PlugType::HostdevPci => {
                let managed = el.attr_yes_no("managed")?;
                let driver = match el.child("driver").and_then(|driver| driver.attr_filled("name")) {
                    None => ForwardDriver::Default,
                    Some(text) => ForwardDriver::from_text(text)
                        .filter(|driver| *driver != ForwardDriver::Default)
                        .ok_or_else(|| refuse("Missing network port driver name".to_owned()))?,
                };
                let address = el.child("address");
                let address = address.ok_or_else(|| refuse("Missing network port PCI address".to_owned()))?;
                Self::HostdevPci { managed, driver, address: Pci::parse(address)? }
            }
        })
    }

    fn format(&self, w: &mut Writer) {
        if matches!(self, Self::None) {
            return;
        }
        w.element("plug", |w| {
            w.attr("type", self.kind());
            match self {
                Self::None => {}
                Self::Bridge { bridge, mac_table_manager, .. } => {
                    w.attr("bridge", bridge);
                    let manager = Some(*mac_table_manager).filter(|m| *m != MacTableManager::Default);
                    w.attr_opt("macTableManager", manager);
                }
                Self::Direct { dev, mode } => {
                    w.attr("dev", dev);
                    w.attr("mode", mode);
                }
                Self::HostdevPci { managed, driver, address } => {
                    w.attr_yes_no("managed", *managed);
                    if *driver != ForwardDriver::Default {
                        w.element("driver", |w| w.attr("name", driver));
                    }
                    w.element("address", |w| address.format_place(w));
                }
            }
        });
    }
}
