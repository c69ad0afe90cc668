//! `<hostdev>`: devices of the host as devices of the guest.

mod mdev;
mod pci;
mod scsi;
mod usb;

use virt_conf::common::Address;
use virt_conf::domain::device::{Hostdev, HostdevSource, InterfaceSource, MdevModel, VhostScsiModel};
use virt_types::Result;

use super::{QemuContext, QemuDevice};
use crate::error::unsupported;
use crate::plan::{DevicePlan, PlanContext};
use crate::policy::{AttachContext, Attachment, Virtio};

pub use pci::plan_interface;

/// Plans all host devices; those that are network interfaces come first.
///
/// # Errors
/// As [`QemuDevice::plan`].
pub fn plan_all(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    for interface in &domain.devices.interfaces {
        if let InterfaceSource::Hostdev(_) = interface.source {
            let plan = plan_interface(interface, cx)?;
            cx.device(plan);
        }
    }
    for hostdev in &domain.devices.hostdevs {
        let plan = QemuDevice::plan(hostdev, cx)?;
        cx.device(plan);
    }
    Ok(())
}

impl QemuDevice for Hostdev {
    fn complete(&mut self, _cx: &QemuContext<'_>) -> Result<()> {
        if let HostdevSource::Mdev(mdev) = &mut self.source
            && mdev.model == MdevModel::VfioPci
        {
            mdev.display.get_or_insert(false);
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        match &self.source {
            HostdevSource::Usb(usb) => usb::check(usb, cx),
            HostdevSource::Pci(pci) => pci::check(pci, cx),
            HostdevSource::Scsi(_) => Ok(()),
            HostdevSource::ScsiHost(_) => scsi::check_vhost(self, cx),
            HostdevSource::Mdev(mdev) => mdev::check(self, mdev, cx),
            HostdevSource::Capability(_) => Err(unsupported(format!(
                "hostdev mode 'capabilities' is not supported in {}",
                cx.domain.virt_type
            ))),
        }
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match &self.source {
            HostdevSource::Pci(_) if self.info.address == Address::Unassigned => Attachment::default(),
            HostdevSource::Pci(pci) => {
                Attachment::pci(cx.host_device(pci.address.at, self.info.address.pci().is_some()))
            }
            HostdevSource::Mdev(mdev) => match mdev.model {
                MdevModel::VfioPci => Attachment::pci(cx.express()),
                MdevModel::VfioCcw => Attachment { virtio: Virtio::CcwOnly, ..Attachment::default() },
                MdevModel::VfioAp => Attachment::default(),
            },
            HostdevSource::ScsiHost(vhost) => Attachment::virtio(match vhost.model {
                VhostScsiModel::VirtioTransitional => AttachContext::CONVENTIONAL,
                VhostScsiModel::Default | VhostScsiModel::Virtio | VhostScsiModel::VirtioNonTransitional => {
                    cx.express()
                }
            }),
            HostdevSource::Usb(_) => Attachment::usb(),
            HostdevSource::Scsi(_) | HostdevSource::Capability(_) => Attachment::default(),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        match &self.source {
            HostdevSource::Usb(usb) => plan.device(&self.info, usb::props(self, usb, cx)?),
            HostdevSource::Pci(_) if self.info.address == Address::Unassigned => {}
            HostdevSource::Pci(pci) => plan.device(&self.info, pci::props(self, pci, cx)?),
            HostdevSource::Scsi(scsi) => scsi::plan(self, scsi, cx, &mut plan)?,
            HostdevSource::ScsiHost(vhost) => plan.device(&self.info, scsi::vhost_props(self, vhost, cx)?),
            HostdevSource::Mdev(mdev) => plan.device(&self.info, mdev::props(self, mdev, cx)?),
            HostdevSource::Capability(_) => {}
        }
        Ok(plan)
    }
}
