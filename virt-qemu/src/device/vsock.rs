//! `<vsock>` as a vhost device.

use virt_conf::domain::device::{Vsock, VsockModel};
use virt_types::Result;

use super::common::{address, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, FdSource, Monitor, PlanContext};
use crate::policy::{AttachContext, Attachment, Virtio};

impl QemuDevice for Vsock {
    fn complete(&mut self, _cx: &QemuContext<'_>) -> Result<()> {
        if self.model == VsockModel::Default {
            self.model = VsockModel::Virtio;
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        if cx.caps.has(Cap::VhostVsock) {
            Ok(())
        } else {
            Err(unsupported("vsock device is not supported with this QEMU binary"))
        }
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        let connect = match self.model {
            VsockModel::Default | VsockModel::Virtio | VsockModel::VirtioNonTransitional => cx.express(),
            VsockModel::VirtioTransitional => AttachContext::CONVENTIONAL,
        };
        Attachment { virtio: Virtio::CcwOnly, ..Attachment::pci(connect) }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let revision = match self.model {
            VsockModel::Default | VsockModel::Virtio => virtio::Revision::Any,
            VsockModel::VirtioTransitional => virtio::Revision::Transitional,
            VsockModel::VirtioNonTransitional => virtio::Revision::NonTransitional,
        };
        // On paper nothing is open.
        let fd = match cx.monitor {
            Monitor::Path => -1,
            Monitor::Descriptor => cx.fd(FdSource::VhostVsock),
        };
        let props = virtio::props("vhost-vsock", revision, &self.info, &self.virtio)?
            .opt_str("id", self.info.alias.clone())
            .u64("guest-cid", self.cid.unwrap_or(0))
            .str("vhostfd", fd.to_string());
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}
