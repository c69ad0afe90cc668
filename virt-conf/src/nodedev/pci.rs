//! `<capability type='pci'>`: a function on a PCI bus.

use virt_types::{PciAddress, TextEnum, text_enum};
use virt_xml::number::{Base, parse_i32, parse_u32};
use virt_xml::{Element, Writer};

use super::mdev::{self, MdevType};
use super::{REFUSE, Vpd, identified, inner_capabilities, number, supplied};
use crate::Result;
use crate::common::address::Pci;

text_enum! {
    /// What a function's header says that it is, besides an end point.
    pub enum HeaderType { PciBridge = "pci-bridge", CardbusBridge = "cardbus-bridge" }
}

text_enum! {
    /// How fast a link of PCI Express is, in gigatransfers per second.
    pub enum LinkSpeed { S2 = "2.5", S5 = "5", S8 = "8", S16 = "16", S32 = "32", S64 = "64" }
}

/// A function on a PCI bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PciCapability {
    /// `<class>`
    pub class: Option<u32>,
    /// `<domain>`, `<bus>`, `<slot>`, `<function>`
    pub address: PciAddress,
    /// `<product id='…'>`: number and name.
    pub product: (u32, Option<String>),
    /// `<vendor id='…'>`: number and name.
    pub vendor: (u32, Option<String>),
    /// `<capability type='phys_function'>`: the function that this one is a virtual one of.
    pub physical_function: Option<PciAddress>,
    /// `<capability type='virt_functions'>`: the largest number of virtual functions, 0 where not known, and those that
    /// there are.
    pub virtual_functions: Option<(u32, Vec<PciAddress>)>,
    /// `<capability type='pci-bridge'/>` and the like.
    pub header: Option<HeaderType>,
    /// `<capability type='mdev_types'>`
    pub mdev_types: Option<Vec<MdevType>>,
    /// `<capability type='vpd'>`
    pub vpd: Option<Vpd>,
    /// `<iommuGroup>`
    pub iommu_group: Option<IommuGroup>,
    /// `<numa node='…'/>`
    pub numa_node: Option<i32>,
    /// `<pci-express>`
    pub express: Option<PciExpress>,
}

/// Functions that can only be handed over together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IommuGroup {
    /// `number`
    pub number: u32,
    /// `<address>`
    pub devices: Vec<PciAddress>,
}

/// The links of PCI Express.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PciExpress {
    /// `<link validity='cap'>`: what it can do.
    pub capability: Option<PciLink>,
    /// `<link validity='sta'>`: what it does.
    pub state: Option<PciLink>,
}

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PciLink {
    /// `port`
    pub port: Option<i32>,
    /// `speed`
    pub speed: Option<LinkSpeed>,
    /// `width` in lanes.
    pub width: u32,
}

impl PciCapability {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let class = match el.child_text("class") {
            None => None,
            Some(text) => {
                let class = parse_i32(&text, Base::Sixteen).filter(|class| *class <= 0xff_ffff);
                let class = class.ok_or_else(|| supplied("invalid", "PCI class", device, el))?;
                u32::try_from(class).ok()
            }
        };
        let mut pci = Self {
            class,
            address: PciAddress {
                domain: number(el, "domain", "PCI domain ID", device)?,
                bus: number(el, "bus", "PCI bus ID", device)?,
                slot: number(el, "slot", "PCI slot ID", device)?,
                function: number(el, "function", "PCI function ID", device)?,
            },
            vendor: identified(el, "vendor", "PCI vendor ID", device)?,
            product: identified(el, "product", "PCI product ID", device)?,
            ..Self::default()
        };
        for (kind, inner) in inner_capabilities(el, &REFUSE.xml("Missing capability type"))? {
            pci.parse_inner(kind, inner)?;
        }
        pci.iommu_group = el.child("iommuGroup").map(IommuGroup::parse).transpose()?;
        if let Some(node) = el.child("numa").and_then(|numa| numa.attr_filled("node")) {
            let node = parse_i32(node, Base::Ten);
            let node = node.ok_or_else(|| supplied("invalid", "NUMA node ID", device, el))?;
            pci.numa_node = Some(node).filter(|node| *node >= 0);
        }
        pci.express = el.child("pci-express").map(PciExpress::parse).transpose()?;
        Ok(pci)
    }

    fn parse_inner(&mut self, kind: &str, el: Element<'_>) -> Result<()> {
        match kind {
            "phys_function" => {
                let missing = || REFUSE.xml("Missing address in 'phys_function' capability").at(el.place());
                let address = el.child("address").ok_or_else(missing)?;
                self.physical_function = Some(Pci::parse(address)?.at);
            }
            "virt_functions" => {
                let most = match el.attr_filled("maxCount") {
                    None => 0,
                    Some(text) => parse_u32(text, Base::Ten)
                        .ok_or_else(|| REFUSE.xml("Malformed 'maxCount' parameter").at(el.place()))?,
                };
                self.virtual_functions = Some((most, parse_addresses(el)?));
            }
            "mdev_types" => {
                self.mdev_types.get_or_insert_with(Vec::new).extend(mdev::parse_types(el)?);
            }
            "vpd" => self.vpd = Some(Vpd::parse(el)?),
            kind => self.header = self.header.or_else(|| HeaderType::from_text(kind)),
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element_opt("class", self.class.map(|class| format!("0x{class:06x}")));
        let PciAddress { domain, bus, slot, function } = self.address;
        for (name, value) in [("domain", domain), ("bus", bus), ("slot", slot), ("function", function)] {
            w.text_element(name, value);
        }
        for (element, (id, name)) in [("product", &self.product), ("vendor", &self.vendor)] {
            let id = format!("0x{id:04x}");
            match name {
                Some(name) => w.text_element_with(element, |w| w.attr("id", &id), name),
                None => w.element(element, |w| w.attr("id", &id)),
            }
        }
        if let Some(address) = self.physical_function {
            w.element("capability", |w| {
                w.attr("type", "phys_function");
                format_address(w, address);
            });
        }
        if let Some((most, functions)) = &self.virtual_functions {
            w.element("capability", |w| {
                w.attr("type", "virt_functions");
                w.attr_opt("maxCount", Some(most).filter(|most| **most > 0));
                functions.iter().for_each(|address| format_address(w, *address));
            });
        }
        if let Some(header) = self.header {
            w.element("capability", |w| w.attr("type", header));
        }
        if let Some(types) = &self.mdev_types {
            mdev::format_types(types, w);
        }
        if let Some(vpd) = &self.vpd {
            vpd.format(w);
        }
        if let Some(group) = self.iommu_group.as_ref().filter(|group| !group.devices.is_empty()) {
            w.element("iommuGroup", |w| {
                w.attr("number", group.number);
                group.devices.iter().for_each(|address| format_address(w, *address));
            });
        }
        if let Some(node) = self.numa_node {
            w.element("numa", |w| w.attr("node", node));
        }
        if let Some(express) = &self.express {
            express.format(w);
        }
    }
}

fn parse_addresses(el: Element<'_>) -> Result<Vec<PciAddress>> {
    el.children_named("address").map(|address| Pci::parse(address).map(|pci| pci.at)).collect()
}

fn format_address(w: &mut Writer, at: PciAddress) {
    w.element("address", |w| Pci { at, ..Pci::default() }.format_place(w));
}

impl IommuGroup {
    fn parse(el: Element<'_>) -> Result<Self> {
        let number = el.required("number", el.attr_u32("number", Base::Ten)?)?;
        Ok(Self { number, devices: parse_addresses(el)? })
    }
}

impl PciExpress {
    fn parse(el: Element<'_>) -> Result<Self> {
        let link = |validity: &str| {
            let mut links = el.children_named("link").filter(|link| link.attr("validity") == Some(validity));
            links.next().map(PciLink::parse).transpose()
        };
        Ok(Self { capability: link("cap")?, state: link("sta")? })
    }

    fn format(self, w: &mut Writer) {
        w.element("pci-express", |w| {
            for (validity, link) in [("cap", self.capability), ("sta", self.state)] {
                let Some(link) = link else { continue };
                w.element("link", |w| {
                    w.attr("validity", validity);
                    w.attr_opt("port", link.port);
                    w.attr_opt("speed", link.speed);
                    w.attr("width", link.width);
                });
            }
        });
    }
}

impl PciLink {
    fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            width: el.required("width", el.attr_u32("width", Base::Any)?)?,
            speed: if el.attr("speed") == Some("") { None } else { el.attr_enum("speed")? },
            port: el.attr_i32("port", Base::Ten)?.filter(|port| *port >= 0),
        })
    }
}
