//! `<controller>` as QEMU devices.

mod attachment;
mod check;
mod check_pci;
mod model;

pub use model::default_scsi_model;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    Controller, ControllerKind, ControllerType, PciController, PciModel, PciModelName, ScsiModel, UsbModel,
    VirtioSerialModel,
};
use virt_types::{Result, TextEnum};

use super::common::address;
use super::common::virtio::{self, Revision};
use super::{QemuContext, QemuDevice};
use crate::caps::Capabilities;
use crate::error::{internal, unsupported};
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// The types of controller that the command line has, in its order. Smartcard controllers follow the USB hubs, on
/// which they may sit; floppy controllers go with the floppy drives.
pub const PLAN_ORDER: &[ControllerType] = &[
    ControllerType::Pci,
    ControllerType::Usb,
    ControllerType::Scsi,
    ControllerType::Ide,
    ControllerType::Sata,
    ControllerType::VirtioSerial,
];

/// Plans all controllers but those for smartcards, and the board's own USB controller where it is wanted.
///
/// # Errors
/// As [`QemuDevice::plan`].
pub fn plan_all(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    for kind in PLAN_ORDER {
        for controller in domain.controllers_of(*kind) {
            let plan = QemuDevice::plan(controller, cx)?;
            cx.device(plan);
        }
    }
    if wants_board_usb(domain)? {
        cx.part(Part::Flag("-usb"));
    }
    Ok(())
}

/// Plans the controllers for smartcards.
///
/// # Errors
/// As [`QemuDevice::plan`].
pub fn plan_ccid(cx: &mut PlanContext<'_>) -> Result<()> {
    for controller in cx.domain.controllers_of(ControllerType::Ccid) {
        let plan = QemuDevice::plan(controller, cx)?;
        cx.device(plan);
    }
    Ok(())
}

/// The `-global` options that set the size of the 64-bit PCI hole.
///
/// # Errors
/// For a hole on a controller that is no root.
pub fn plan_hole64(cx: &mut PlanContext<'_>) -> Result<()> {
    for pci in cx.domain.devices.controllers.iter().filter_map(Controller::pci) {
        let Some(size) = pci.hole64 else { continue };
        let host = match pci.model {
            Some(PciModel::PciRoot) => "i440FX-pcihost",
            Some(PciModel::PcieRoot) => "q35-pcihost",
            _ => return Err(internal("64-bit PCI hole setting is only for root PCI controllers")),
        };
        cx.option("-global", format!("{host}.pci-hole64-size={size}K"));
    }
    Ok(())
}

/// Whether the guest gets the USB controller of its board: nothing was said about USB, and the board has one.
fn wants_board_usb(domain: &Domain) -> Result<bool> {
    let (mut board, mut devices) = (0, 0);
    for controller in domain.controllers_of(ControllerType::Usb) {
        match controller.usb_model() {
            Some(UsbModel::None) => return Ok(false),
            Some(_) => devices += 1,
            None => board += 1,
        }
    }
    if board > 1 {
        return Err(unsupported("Multiple legacy USB controllers are not supported"));
    }
    Ok(devices == 0 && !lacks_board_usb(domain) && !domain.os.arch.is_s390())
}

fn lacks_board_usb(domain: &Domain) -> bool {
    machine::is_q35(domain) || machine::is_arm_virt(domain) || machine::is_riscv_virt(domain)
}

/// Whether the controller is part of the board, or no controller at all.
#[must_use]
pub fn is_builtin(controller: &Controller, domain: &Domain) -> bool {
    let first = controller.index == Some(0);
    match &controller.kind {
        ControllerKind::Pci(pci) => match pci.model {
            Some(PciModel::PcieRoot) => true,
            Some(PciModel::PciRoot) => !machine::is_pseries(domain),
            _ => false,
        },
        ControllerKind::Sata => first && machine::is_q35(domain),
        ControllerKind::Ide { .. } => first && machine::has_builtin_ide(domain),
        ControllerKind::Scsi { model } => {
            first && *model == Some(ScsiModel::Ncr53c90) && machine::has_builtin_esp(domain)
        }
        ControllerKind::Fdc
        | ControllerKind::VirtioSerial { .. }
        | ControllerKind::Ccid
        | ControllerKind::Usb { .. }
        | ControllerKind::Xenbus { .. }
        | ControllerKind::Isa => false,
    }
}

impl QemuDevice for Controller {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        model::complete(self, cx)
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        check::check(self, cx)
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        attachment::attachment(self, cx)
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        if let Some(pci) = self.pci()
            && pci.model == Some(PciModel::PciRoot)
            && self.index == Some(0)
            && let Some(hotplug) = pci.hotplug
        {
            let value = if hotplug { "on" } else { "off" };
            plan.parts.push(Part::Option("-global", format!("PIIX4_PM.acpi-root-pci-hotplug={value}")));
        }
        if is_builtin(self, cx.domain) || self.is_usb_none() {
            return Ok(plan);
        }
        if let Some(props) = props(self, cx.domain, cx.caps)? {
            plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        }
        Ok(plan)
    }
}

/// The controller's own properties; `None` where it is not a device of its own.
fn props(controller: &Controller, domain: &Domain, caps: &Capabilities) -> Result<Option<Props>> {
    let id = || controller.info.alias.clone();
    let simple = |driver: &str| Some(Props::new().str("driver", driver).opt_str("id", id()));
    let driver = &controller.driver;
    Ok(match &controller.kind {
        ControllerKind::Scsi { model } => match model {
            Some(
                model @ (ScsiModel::VirtioScsi
                | ScsiModel::VirtioTransitional
                | ScsiModel::VirtioNonTransitional),
            ) => {
                let revision = match model {
                    ScsiModel::VirtioTransitional => Revision::Transitional,
                    ScsiModel::VirtioNonTransitional => Revision::NonTransitional,
                    _ => Revision::Any,
                };
                let props = virtio::props("virtio-scsi", revision, &controller.info, &driver.virtio)?
                    .opt_str("iothread", driver.iothread.map(|number| format!("iothread{number}")))
                    .opt_str("id", id())
                    .opt_u64("num_queues", driver.queues)
                    .opt_u64("cmd_per_lun", driver.cmd_per_lun)
                    .opt_u64("max_sectors", driver.max_sectors)
                    .opt_bool("ioeventfd", driver.ioeventfd);
                Some(props)
            }
            Some(ScsiModel::Lsilogic) => simple("lsi"),
            Some(ScsiModel::Ibmvscsi) => simple("spapr-vscsi"),
            Some(ScsiModel::Lsisas1068) => simple("mptsas1068"),
            Some(ScsiModel::Lsisas1078) => simple("megasas"),
            Some(ScsiModel::Vmpvscsi) => simple("pvscsi"),
            Some(ScsiModel::Am53c974) => simple("am53c974"),
            Some(ScsiModel::Dc390) => simple("dc-390"),
            Some(model @ (ScsiModel::Auto | ScsiModel::Buslogic | ScsiModel::Ncr53c90)) => {
                return Err(unsupported(format!("Unsupported controller model: {model}")));
            }
            None => return Err(internal("Unexpected SCSI controller model -1")),
        },
        ControllerKind::VirtioSerial { model, ports, vectors } => {
            let revision = match model {
                Some(VirtioSerialModel::VirtioTransitional) => Revision::Transitional,
                Some(VirtioSerialModel::VirtioNonTransitional) => Revision::NonTransitional,
                Some(VirtioSerialModel::Virtio) | None => Revision::Any,
            };
            let props = virtio::props("virtio-serial", revision, &controller.info, &driver.virtio)?
                .opt_str("id", id())
                .opt_u64("max_ports", *ports)
                .opt_u64("vectors", *vectors);
            Some(props)
        }
        ControllerKind::Ccid => simple("usb-ccid"),
        ControllerKind::Sata => simple("ahci"),
        ControllerKind::Usb { model: None, .. } if !lacks_board_usb(domain) => None,
        ControllerKind::Usb { model, ports } => {
            let model = check::usb(*model, *ports, caps)?;
            Some(usb_props(controller, model, *ports, domain)?)
        }
        ControllerKind::Pci(pci) => pci_props(controller, pci)?,
        ControllerKind::Ide { .. }
        | ControllerKind::Fdc
        | ControllerKind::Xenbus { .. }
        | ControllerKind::Isa => {
            return Err(unsupported(format!(
                "Unsupported controller type: {}",
                controller.controller_type()
            )));
        }
    })
}

fn usb_props(controller: &Controller, model: UsbModel, ports: Option<u32>, domain: &Domain) -> Result<Props> {
    let props =
        Props::new().str("driver", model::usb_driver(model)).opt_u64("p2", ports).opt_u64("p3", ports);
    let Some(startport) = controller.info.usb_master else {
        return Ok(props.opt_str("id", controller.info.alias.clone()));
    };
    let master = domain
        .controllers_of(ControllerType::Usb)
        .find(|other| other.index == controller.index && other.info.usb_master.is_none())
        .and_then(|master| master.info.alias.as_deref())
        .ok_or_else(|| internal("masterbus not found"))?;
    Ok(props.str("masterbus", format!("{master}.0")).u64("firstport", startport))
}

fn pci_props(controller: &Controller, pci: &PciController) -> Result<Option<Props>> {
    let first_host_bridge = controller.is_pseries_host_bridge() && pci.target_index == Some(0);
    if first_host_bridge {
        return Ok(None);
    }
    let id = controller.info.alias.clone();
    let props = Props::new().str("driver", pci.name.unwrap_or(PciModelName::None).text());
    Ok(Some(match pci.model {
        Some(PciModel::PciBridge) => props.opt_u64("chassis_nr", pci.chassis_nr).opt_str("id", id),
        Some(PciModel::PciExpanderBus | PciModel::PcieExpanderBus) => {
            props.opt_u64("bus_nr", pci.bus_nr).opt_str("id", id).opt_u64("numa_node", pci.numa_node)
        }
        Some(PciModel::DmiToPciBridge | PciModel::PcieSwitchUpstreamPort | PciModel::PcieToPciBridge) => {
            props.opt_str("id", id)
        }
        Some(PciModel::PcieRootPort | PciModel::PcieSwitchDownstreamPort) => props
            .opt_u64("port", pci.port)
            .opt_u64("chassis", pci.chassis)
            .opt_str("id", id)
            .opt_bool("hotplug", pci.hotplug),
        Some(PciModel::PciRoot) => {
            props.opt_u64("index", pci.target_index).opt_str("id", id).opt_u64("numa_node", pci.numa_node)
        }
        Some(PciModel::PcieRoot) => return Err(unsupported("Unsupported PCI Express root controller")),
        None => return Err(internal("Unexpected PCI controller model -1")),
    }))
}

#[cfg(test)]
mod tests;
