//! What QEMU refuses of PCI controllers: each model takes some options and needs some.

use virt_conf::domain::device::{Controller, PciController, PciModel, PciModelName};
use virt_types::{Error, Result, TextEnum};

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::error::{internal, unsupported};
use crate::machine;

/// Whether a model takes an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Never,
    Optional,
    Required,
}

pub(super) fn check(controller: &Controller, pci: &PciController, cx: &QemuContext<'_>) -> Result<()> {
    let model =
        pci.model.ok_or_else(|| internal("Unexpected enum value -1 for virDomainControllerModelPCI"))?;
    let option = Options { controller, model, name: pci.name.unwrap_or(PciModelName::None) };
    let host_bridge = controller.is_pseries_host_bridge();
    option.check_name(pci.name, cx)?;
    option.check_index(host_bridge)?;
    let only = |wanted: bool, need: Need| if wanted { need } else { Need::Never };
    option.check("targetIndex", pci.target_index.is_some(), only(host_bridge, Need::Required))?;
    option.check_hole(pci, cx)?;
    let expander = matches!(model, PciModel::PciExpanderBus | PciModel::PcieExpanderBus);
    option.check("busNr", pci.bus_nr.is_some(), only(expander, Need::Required))?;
    let further_bridge = host_bridge && pci.target_index != Some(0);
    option.check("numaNode", pci.numa_node.is_some(), only(expander || further_bridge, Need::Optional))?;
    option.check(
        "chassisNr",
        pci.chassis_nr.is_some(),
        only(model == PciModel::PciBridge, Need::Required),
    )?;
    let port = matches!(model, PciModel::PcieRootPort | PciModel::PcieSwitchDownstreamPort);
    option.check("chassis", pci.chassis.is_some(), only(port, Need::Required))?;
    option.check("port", pci.port.is_some(), only(port, Need::Required))?;
    if pci.hotplug.is_some() {
        option.check("hotplug", true, only(port || model == PciModel::PciRoot, Need::Optional))?;
        let (cap, device) = match port {
            true => (Cap::PcieRootPortHotplug, option.name.text()),
            false => (Cap::Piix4AcpiRootPciHotplug, "pci-root"),
        };
        if !cx.caps.has(cap) {
            return Err(unsupported(format!(
                "setting the 'hotplug' property on a '{device}' device is not supported by this QEMU binary"
            )));
        }
    }
    option.check_device(pci, cx)
}

struct Options<'a> {
    controller: &'a Controller,
    model: PciModel,
    name: PciModelName,
}

impl Options<'_> {
    fn subject(&self) -> String {
        format!(
            "for PCI controller with index '{}', model '{}' and modelName '{}'",
            self.controller.index_text(),
            self.model,
            self.name
        )
    }

    fn missing(&self, option: &str) -> Error {
        internal(format!("Required option '{option}' is not set {}", self.subject()))
    }

    fn invalid(&self, option: &str) -> Error {
        unsupported(format!("Option '{option}' is not valid {}", self.subject()))
    }

    fn check(&self, option: &str, given: bool, need: Need) -> Result<()> {
        match need {
            Need::Never if given => Err(self.invalid(option)),
            Need::Required if !given => Err(self.missing(option)),
            _ => Ok(()),
        }
    }

    fn check_name(&self, name: Option<PciModelName>, cx: &QemuContext<'_>) -> Result<()> {
        let need = match self.model {
            PciModel::PcieRoot => Need::Never,
            PciModel::PciRoot if !machine::is_pseries(cx.domain) => Need::Never,
            _ => Need::Required,
        };
        self.check("modelName", name.is_some(), need)?;
        let allowed: &[PciModelName] = match self.model {
            PciModel::PciRoot => &[PciModelName::SpaprPciHostBridge],
            PciModel::PcieRoot => &[],
            PciModel::PciBridge => &[PciModelName::PciBridge],
            PciModel::DmiToPciBridge => &[PciModelName::I82801b11Bridge],
            PciModel::PcieToPciBridge => &[PciModelName::PciePciBridge],
            PciModel::PcieRootPort => &[PciModelName::Ioh3420, PciModelName::PcieRootPort],
            PciModel::PcieSwitchUpstreamPort => &[PciModelName::X3130Upstream],
            PciModel::PcieSwitchDownstreamPort => &[PciModelName::Xio3130Downstream],
            PciModel::PciExpanderBus => &[PciModelName::Pxb],
            PciModel::PcieExpanderBus => &[PciModelName::PxbPcie],
        };
        if name.is_some_and(|name| !allowed.contains(&name)) {
            return Err(unsupported(format!("Option 'modelName' has invalid value {}", self.subject())));
        }
        Ok(())
    }

    fn check_index(&self, host_bridge: bool) -> Result<()> {
        let first = self.controller.index == Some(0);
        match self.model {
            PciModel::PciRoot | PciModel::PcieRoot if !first && !host_bridge => {
                Err(unsupported(format!("Index for '{}' controllers must be 0", self.model)))
            }
            PciModel::PciRoot | PciModel::PcieRoot => Ok(()),
            _ if first => Err(unsupported(format!("Index for '{}' controllers must be > 0", self.model))),
            _ => Ok(()),
        }
    }

    fn check_hole(&self, pci: &PciController, cx: &QemuContext<'_>) -> Result<()> {
        if pci.hole64.is_none() {
            return Ok(());
        }
        let possible = match self.model {
            PciModel::PciRoot => machine::is_i440fx(cx.domain),
            PciModel::PcieRoot => machine::is_q35(cx.domain),
            _ => return Err(self.invalid("pcihole64")),
        };
        if possible {
            return Ok(());
        }
        Err(unsupported(format!(
            "Setting the 64-bit PCI hole size is not supported for machine '{}'",
            cx.domain.os.machine.as_deref().unwrap_or_default()
        )))
    }

    fn check_device(&self, pci: &PciController, cx: &QemuContext<'_>) -> Result<()> {
        let cap = match self.name {
            PciModelName::None => return Ok(()),
            PciModelName::PciBridge => Cap::PciBridge,
            PciModelName::I82801b11Bridge => Cap::DmiToPciBridge,
            PciModelName::Ioh3420 => Cap::Ioh3420,
            PciModelName::X3130Upstream => Cap::X3130Upstream,
            PciModelName::Xio3130Downstream => Cap::Xio3130Downstream,
            PciModelName::Pxb => Cap::Pxb,
            PciModelName::PxbPcie => Cap::PxbPcie,
            PciModelName::PcieRootPort => Cap::PcieRootPort,
            PciModelName::SpaprPciHostBridge => Cap::SpaprPciHostBridge,
            PciModelName::PciePciBridge => Cap::PciePciBridge,
        };
        if !cx.caps.has(cap) {
            return Err(unsupported(format!(
                "The '{}' device is not supported by this QEMU binary",
                self.name
            )));
        }
        if self.model == PciModel::PciRoot
            && pci.numa_node.is_some()
            && !cx.caps.has(Cap::SpaprPciHostBridgeNumaNode)
        {
            return Err(unsupported(format!(
                "Option 'numaNode' is not supported by '{}' device with this QEMU binary",
                self.name
            )));
        }
        Ok(())
    }
}
