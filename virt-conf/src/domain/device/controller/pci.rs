//! `<controller type='pci'>`: the buses of the guest.

use virt_types::{KIB, TextEnum, text_enum};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use super::{Controller, FormatContext};
use crate::common::{Address, scaled};
use crate::error::{unsupported, xml_error};
use crate::{FormatFlags, Result};

text_enum! {
    /// What kind of PCI controller.
    pub enum PciModel {
        PciRoot = "pci-root", PcieRoot = "pcie-root", PciBridge = "pci-bridge",
        DmiToPciBridge = "dmi-to-pci-bridge", PcieToPciBridge = "pcie-to-pci-bridge",
        PcieRootPort = "pcie-root-port", PcieSwitchUpstreamPort = "pcie-switch-upstream-port",
        PcieSwitchDownstreamPort = "pcie-switch-downstream-port", PciExpanderBus = "pci-expander-bus",
        PcieExpanderBus = "pcie-expander-bus",
    }
}

text_enum! {
    /// Which device of the hypervisor plays the part.
    pub enum PciModelName {
        None = "none", PciBridge = "pci-bridge", I82801b11Bridge = "i82801b11-bridge", Ioh3420 = "ioh3420",
        X3130Upstream = "x3130-upstream", Xio3130Downstream = "xio3130-downstream", Pxb = "pxb",
        PxbPcie = "pxb-pcie", PcieRootPort = "pcie-root-port", SpaprPciHostBridge = "spapr-pci-host-bridge",
        PciePciBridge = "pcie-pci-bridge",
    }
}

/// What only PCI controllers have; each number is absent until given or assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PciController {
    /// `model`.
    pub model: Option<PciModel>,
    /// `<model name='…'/>`.
    pub name: Option<PciModelName>,
    /// `chassisNr` of a bridge, 1 to 255.
    pub chassis_nr: Option<u32>,
    /// `chassis` of a port, 0 to 255.
    pub chassis: Option<u32>,
    /// `port`, 0 to 255.
    pub port: Option<u32>,
    /// `busNr` of an expander, 1 to 254.
    pub bus_nr: Option<u32>,
    /// `index` of a pseries host bridge, 0 to 30.
    pub target_index: Option<u32>,
    /// `hotplug`.
    pub hotplug: Option<bool>,
    /// `<node>`: the guest's NUMA node.
    pub numa_node: Option<u32>,
    /// `<pcihole64>` of a root, KiB.
    pub hole64: Option<u64>,
}

impl PciController {
    /// A PCI controller of this model.
    #[must_use]
    pub fn of(model: PciModel) -> Self {
        Self { model: Some(model), ..Self::default() }
    }

    pub(super) fn parse(&mut self, el: Element<'_>) -> Result<()> {
        if let Some(model) = el.child("model") {
            self.name = model.attr_enum("name")?.filter(|name| *name != PciModelName::None);
        }
        if let Some(target) = el.child("target") {
            self.chassis_nr = target.attr_u32("chassisNr", Base::Any)?;
            self.chassis = target.attr_u32("chassis", Base::Any)?;
            self.port = target.attr_u32("port", Base::Any)?;
            self.bus_nr = target.attr_u32("busNr", Base::Any)?;
            self.target_index = target.attr_u32("index", Base::Any)?;
            self.hotplug = target.attr_on_off("hotplug")?;
            if let Some(node) = target.child("node") {
                let number = number::parse_u32(&node.text(), Base::Ten);
                self.numa_node =
                    Some(number.ok_or_else(|| xml_error("invalid NUMA node in target").at(node.place()))?);
            }
        }
        if matches!(self.model, Some(PciModel::PciRoot | PciModel::PcieRoot))
            && let Some(hole) = el.child("pcihole64")
        {
            self.hole64 = Some(scaled::parse(hole, KIB, u64::MAX)?.div_ceil(KIB));
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        // Older peers know a pseries host bridge as a root without a name.
        let unnamed = self.model == Some(PciModel::PciRoot)
            && self.name == Some(PciModelName::SpaprPciHostBridge)
            && cx.flags.contains(FormatFlags::MIGRATABLE);
        if let Some(name) = self.name.filter(|_| !unnamed) {
            w.element("model", |w| w.attr("name", name));
        }
        w.element_if_any("target", |w| {
            w.attr_opt("chassisNr", self.chassis_nr);
            w.attr_opt("chassis", self.chassis);
            w.attr_opt("port", self.port.map(|port| format!("0x{port:x}")));
            w.attr_opt("busNr", self.bus_nr);
            w.attr_opt("index", self.target_index);
            w.attr_on_off("hotplug", self.hotplug);
            w.text_element_opt("node", self.numa_node);
        });
    }

    pub(super) fn validate(&self, controller: &Controller) -> Result<()> {
        let index = controller.index.unwrap_or_default();
        if matches!(self.model, Some(PciModel::PciRoot | PciModel::PcieRoot))
            && controller.info.address != Address::None
        {
            return Err(unsupported("pci-root and pcie-root controllers should not have an address"));
        }
        if index > 255 {
            return Err(unsupported(format!("PCI controller index {index} too high, maximum is 255")));
        }
        let in_range = |name: &str, value: Option<u32>, low: u32, high: u32| match value {
            Some(value) if !(low..=high).contains(&value) => Err(unsupported(format!(
                "PCI controller {name} '{value}' out of range - must be {low}-{high}"
            ))),
            _ => Ok(()),
        };
        in_range("target index", self.target_index, 0, 30)?;
        if self.target_index.is_some_and(|target| (index == 0) != (target == 0)) {
            return Err(unsupported(
                "Only the PCI controller with index 0 can have target index 0, and vice versa",
            ));
        }
        in_range("chassisNr", self.chassis_nr, 1, 255)?;
        in_range("chassis", self.chassis, 0, 255)?;
        in_range("port", self.port, 0, 255)?;
        in_range("busNr", self.bus_nr, 1, 254)?;
        if self.numa_node.is_some() && index == 0 {
            return Err(unsupported("The PCI controller with index=0 can't be associated with a NUMA node"));
        }
        Ok(())
    }

    /// The model's spelling, for messages.
    #[must_use]
    pub fn model_text(&self) -> &'static str {
        self.model.map_or("default", TextEnum::text)
    }
}
