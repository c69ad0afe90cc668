//! `<actual>`: what the connection to a virtual network came to when the guest started.

use virt_types::{ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::Interface;
use super::source::{DirectMode, InterfaceHostdev, InterfaceType};
use crate::FormatFlags;
use crate::Result;
use crate::common::virtualport::Completeness;
use crate::common::{Bandwidth, VirtualPort, Vlan};
use crate::domain::device::FormatContext;
use crate::error::internal;

text_enum! {
    /// Who keeps the table of a bridge's stations.
    pub enum MacTableManager { #[default] Default = "default", Kernel = "kernel", Libvirt = "libvirt" }
}

/// What a network's port came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Actual {
    /// The connection.
    pub source: ActualSource,
    /// `trustGuestRxFilters`.
    pub trust_guest_rx_filters: Option<bool>,
    /// `<virtualport>`.
    pub virtualport: Option<VirtualPort>,
    /// `<vlan>`.
    pub vlan: Option<Vlan>,
    /// `<bandwidth>`.
    pub bandwidth: Option<Bandwidth>,
    /// `<port isolated='…'/>`.
    pub port_isolated: Option<bool>,
    /// `<class id='…'/>`: the traffic class on the bridge; 0 for none.
    pub class_id: u32,
}

/// The connections that a network's port can come to.
#[derive(Debug, Clone, PartialEq)]
pub enum ActualSource {
    /// A bridge that the network manages.
    Network(BridgePort),
    /// A bridge of the host.
    Bridge(BridgePort),
    /// A link of the host's pool.
    Direct {
        /// `dev`.
        dev: Option<String>,
        /// `mode`.
        mode: DirectMode,
    },
    /// A device of the host's pool.
    Hostdev(InterfaceHostdev),
}

/// A port of a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BridgePort {
    /// `bridge`.
    pub bridge: Option<String>,
    /// `macTableManager`.
    pub mac_table_manager: MacTableManager,
}

impl Actual {
    /// The kind of connection.
    #[must_use]
    pub const fn kind(&self) -> InterfaceType {
        match &self.source {
            ActualSource::Network(_) => InterfaceType::Network,
            ActualSource::Bridge(_) => InterfaceType::Bridge,
            ActualSource::Direct { .. } => InterfaceType::Direct,
            ActualSource::Hostdev(_) => InterfaceType::Hostdev,
        }
    }

    /// Reads an `<actual>` element.
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let kind = el.required("type", el.attr_enum::<InterfaceType>("type")?)?;
        let trust_guest_rx_filters = el.attr_yes_no("trustGuestRxFilters")?;
        let virtualport = match el.child("virtualport") {
            Some(_) if kind == InterfaceType::Network => {
                let detail = format!(
                    "<virtualport> element unsupported for type='{kind}' in interface's <actual> element"
                );
                return Err(internal(detail).at(el.place()));
            }
            Some(port) => Some(VirtualPort::parse(port, Completeness::Full)?),
            None => None,
        };
        let source = match kind {
            InterfaceType::Network => ActualSource::Network(BridgePort::parse(el, false)?),
            InterfaceType::Bridge => ActualSource::Bridge(BridgePort::parse(el, true)?),
            InterfaceType::Direct => match el.child("source") {
                Some(source) => ActualSource::Direct {
                    dev: source.attr("dev").map(str::to_owned),
                    mode: source.attr_enum("mode")?.unwrap_or_default(),
                },
                None => ActualSource::Direct { dev: None, mode: DirectMode::default() },
            },
            InterfaceType::Hostdev => ActualSource::Hostdev(InterfaceHostdev::parse(el)?),
            other => {
                let detail = format!("unsupported type '{other}' in interface's <actual> element");
                return Err(internal(detail).at(el.place()));
            }
        };
        let class_id = match el.child("class").and_then(|class| class.attr("id")).filter(|id| !id.is_empty())
        {
            Some(text) if matches!(kind, InterfaceType::Network | InterfaceType::Bridge) => {
                parse_u32(text, Base::Ten)
                    .ok_or_else(|| internal(format!("Unable to parse class id '{text}'")).at(el.place()))?
            }
            _ => 0,
        };
        let bandwidth = match el.child("bandwidth") {
            Some(bandwidth) => Bandwidth::parse(bandwidth, kind == InterfaceType::Network)?,
            None => None,
        };
        Ok(Self {
            source,
            trust_guest_rx_filters,
            virtualport,
            vlan: el.child("vlan").map(Vlan::parse).transpose()?,
            bandwidth,
            port_isolated: el.child("port").map(|port| port.attr_yes_no("isolated")).transpose()?.flatten(),
            class_id,
        })
    }

    /// Writes the `<actual>` element of a status document.
    pub(super) fn format(&self, w: &mut Writer, interface: &Interface, cx: &FormatContext<'_>) {
        w.element("actual", |w| {
            w.attr("type", self.kind().text());
            if let ActualSource::Hostdev(hostdev) = &self.source {
                w.attr_opt("managed", hostdev.managed.then_some("yes"));
            }
            w.attr_yes_no("trustGuestRxFilters", interface.trust_guest_rx_filters);
            self.format_contents(w, interface, false, cx);
        });
    }

    /// Writes what of an interface may be overridden; `in_place` where it stands instead of the interface's own.
    pub(super) fn format_contents(
        &self,
        w: &mut Writer,
        interface: &Interface,
        in_place: bool,
        cx: &FormatContext<'_>,
    ) {
        match &self.source {
            ActualSource::Hostdev(hostdev) => hostdev.format(w),
            source => w.element("source", |w| {
                if in_place {
                    interface.source.format_attributes(w, false, false);
                }
                source.format_attributes(w);
            }),
        }
        if cx.flags.contains(FormatFlags::STATUS) && self.class_id > 0 {
            w.element("class", |w| w.attr("id", self.class_id));
        }
        let vlan = self.vlan.as_ref().or(interface.vlan.as_ref());
        format_port(w, vlan, self.virtualport.as_ref(), self.bandwidth.as_ref(), self.port_isolated);
    }
}

/// Writes what describes a port, in libvirt's order.
pub(super) fn format_port(
    w: &mut Writer,
    vlan: Option<&Vlan>,
    virtualport: Option<&VirtualPort>,
    bandwidth: Option<&Bandwidth>,
    isolated: Option<bool>,
) {
    if let Some(vlan) = vlan {
        vlan.format(w);
    }
    if let Some(virtualport) = virtualport {
        virtualport.format(w);
    }
    if let Some(bandwidth) = bandwidth {
        bandwidth.format(w);
    }
    if isolated.is_some() {
        w.element("port", |w| w.attr_yes_no("isolated", isolated));
    }
}

impl ActualSource {
    fn format_attributes(&self, w: &mut Writer) {
        match self {
            Self::Network(port) | Self::Bridge(port) => {
                w.attr_opt("bridge", port.bridge.as_ref());
                if port.mac_table_manager != MacTableManager::Default {
                    w.attr("macTableManager", port.mac_table_manager.text());
                }
            }
            Self::Direct { dev, mode } => {
                w.attr_opt("dev", dev.as_ref());
                w.attr("mode", mode.text());
            }
            Self::Hostdev(_) => {}
        }
    }
}

impl BridgePort {
    fn parse(el: Element<'_>, bridge_needed: bool) -> Result<Self> {
        let Some(source) = el.child("source") else { return Ok(Self::default()) };
        let bridge = source.attr("bridge").map(str::to_owned);
        if bridge.is_none() && bridge_needed {
            let detail = "Missing <source> element with bridge name in interface's <actual> element";
            return Err(internal(detail).at(el.place()));
        }
        let mac_table_manager = match source.attr("macTableManager") {
            Some(text) => MacTableManager::from_text(text)
                .filter(|manager| *manager != MacTableManager::Default)
                .ok_or_else(|| {
                    let detail = format!(
                        "Invalid macTableManager setting '{text}' in domain interface's <actual> element"
                    );
                    source.attr_error("macTableManager", ErrorCode::XmlError, ErrorDomain::Domain, detail)
                })?,
            None => MacTableManager::Default,
        };
        Ok(Self { bridge, mac_table_manager })
    }
}
