//! `<disk>` as block nodes and a device.

mod frontend;
mod image;
mod limits;
mod place;
mod props;
mod sd;

pub(crate) use frontend::require_shared_memory;
use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, Disk, DiskBus, DiskModel, DiskName, ScsiModel};
use virt_types::Result;

use super::common::vhost_user_chardev;
use super::{QemuContext, QemuDevice};
use crate::block;
use crate::error::internal;
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext, Props, keyval};
use crate::policy::{AttachContext, Attachment};
pub(crate) use image::check_source;

/// Plans the floppy controller and all disks, but for those that are plugged in after the start because they share
/// their image.
///
/// # Errors
/// As [`QemuDevice::plan`].
pub fn plan_all(cx: &mut PlanContext<'_>) -> Result<()> {
    plan_floppy_controller(cx);
    for disk in &cx.domain.devices.disks {
        if disk.transient.and_then(|transient| transient.share_backing) == Some(true) {
            continue;
        }
        let plan = QemuDevice::plan(disk, cx)?;
        cx.device(plan);
    }
    Ok(())
}

/// Plans the helper process' object for disks whose reservations the engine manages.
pub fn plan_managed_reservations(cx: &mut PlanContext<'_>) {
    let managed = |disk: &Disk| {
        disk.source.chain().any(|source| source.reservations.as_ref().is_some_and(|r| r.managed))
    };
    if cx.domain.devices.disks.iter().any(managed) {
        let socket = cx.domain_dir().join(format!("{}.sock", block::MANAGED_HELPER));
        let props = Props::new()
            .str("qom-type", "pr-manager-helper")
            .str("id", block::MANAGED_HELPER)
            .str("path", socket.to_string_lossy());
        cx.part(Part::Object(props));
    }
}

/// The boot order of floppy drives is their controller's.
fn plan_floppy_controller(cx: &mut PlanContext<'_>) {
    let domain = cx.domain;
    let drives = || domain.devices.disks.iter().filter(|disk| disk.bus() == DiskBus::Fdc);
    if drives().next().is_none() {
        return;
    }
    let order = |unit: u32| {
        drives()
            .rfind(|disk| disk.drive().is_some_and(|drive| (drive.unit > 0) == (unit > 0)))
            .and_then(|disk| disk.info.effective_boot_order)
    };
    let (first, second) = (order(0), order(1));
    if machine::needs_fdc(domain) {
        let props =
            Props::new().str("driver", "isa-fdc").opt_u64("bootindexA", first).opt_u64("bootindexB", second);
        cx.part(Part::Device(props));
        return;
    }
    for (name, order) in [("bootindexA", first), ("bootindexB", second)] {
        if let Some(order) = order {
            cx.option("-global", format!("isa-fdc.{name}={order}"));
        }
    }
}

/// The alias that a disk gets where the user chose none.
#[must_use]
pub fn alias(disk: &Disk, domain: &Domain) -> String {
    let bus = disk.bus();
    let Some(drive) = disk.drive() else {
        let number = DiskName::parse(disk.name()).map_or(-1, |name| i64::from(name.index));
        return format!("{bus}-disk{number}");
    };
    let (controller, channel, target, unit) = (drive.controller, drive.bus, drive.target, drive.unit);
    let model = domain.controller(ControllerType::Scsi, controller).and_then(|c| c.scsi_model());
    match bus {
        DiskBus::Scsi if model != Some(ScsiModel::Lsilogic) => {
            format!("{bus}{controller}-{channel}-{target}-{unit}")
        }
        _ => format!("{bus}{controller}-{channel}-{unit}"),
    }
}

impl QemuDevice for Disk {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        image::complete(self, cx);
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        frontend::check(self, cx)?;
        limits::check(self, cx.domain)?;
        image::check(self, cx)
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.bus() {
            DiskBus::Virtio => Attachment::virtio(match self.model {
                DiskModel::VirtioTransitional => AttachContext::CONVENTIONAL,
                DiskModel::Default | DiskModel::Virtio | DiskModel::VirtioNonTransitional => cx.express(),
            }),
            DiskBus::Usb => Attachment::usb(),
            DiskBus::Ide
            | DiskBus::Fdc
            | DiskBus::Scsi
            | DiskBus::Xen
            | DiskBus::Uml
            | DiskBus::Sata
            | DiskBus::Sd => Attachment::default(),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        image::check_at_start(self, cx)?;
        let mut plan = DevicePlan::default();
        if self.bus() == DiskBus::Sd {
            plan.parts.extend(sd::parts(self, cx)?);
            return Ok(plan);
        }
        let drive = match &self.source.location {
            Location::VhostUser { path, reconnect } => {
                let alias = self.info.alias.as_deref().unwrap_or_default();
                let mut chardev = format!("socket,id={},path={}", vhost_user_chardev(alias), keyval(path));
                match reconnect.enabled {
                    Some(true) => chardev.push_str(&format!(",reconnect={}", reconnect.timeout)),
                    Some(false) => chardev.push_str(",reconnect=0"),
                    None => {}
                }
                plan.parts.push(Part::Chardev(chardev));
                None
            }
            _ if self.source.is_empty() => None,
            _ => {
                plan.parts.extend(block::chain_parts(self, cx)?);
                let top = block::top_node(self)?;
                if self.driver.copy_on_read == Some(true) {
                    let node = format!("libvirt-CoR-{}", self.name());
                    let props = Props::new()
                        .str("driver", "copy-on-read")
                        .str("node-name", node.clone())
                        .str("file", top)
                        .str("discard", "unmap");
                    plan.parts.push(Part::Blockdev(props));
                    Some(node)
                } else {
                    Some(top)
                }
            }
        };
        plan.device(&self.info, props::props(self, drive, cx)?);
        Ok(plan)
    }
}

/// The refusal of a bus that QEMU's devices do not have.
fn unsupported_bus(bus: DiskBus) -> virt_types::Error {
    internal(format!("unsupported disk bus '{bus}' with device setup"))
}
