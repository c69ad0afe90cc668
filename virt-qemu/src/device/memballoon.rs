//! `<memballoon>` as a virtio device.

use virt_conf::domain::device::{Memballoon, MemballoonModel};
use virt_types::Result;

use super::common::{address, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, PlanContext};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Memballoon {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        match self.model {
            MemballoonModel::None => return Ok(()),
            MemballoonModel::Xen => {
                return Err(unsupported(format!(
                    "Memory balloon device type '{}' is not supported by this version of qemu",
                    self.model
                )));
            }
            MemballoonModel::Virtio
            | MemballoonModel::VirtioTransitional
            | MemballoonModel::VirtioNonTransitional => {}
        }
        if self.autodeflate.is_some() && !cx.caps.has(Cap::VirtioBalloonDeflateOnOom) {
            return Err(unsupported("deflate-on-oom is not supported by this QEMU binary"));
        }
        if self.free_page_reporting.is_some() && !cx.caps.has(Cap::VirtioBalloonFreePageReporting) {
            return Err(unsupported("freePageReporting is not supported by this QEMU binary"));
        }
        Ok(())
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            MemballoonModel::Virtio | MemballoonModel::VirtioNonTransitional => {
                Attachment::virtio(cx.express())
            }
            MemballoonModel::VirtioTransitional => Attachment::virtio(AttachContext::CONVENTIONAL),
            MemballoonModel::Xen | MemballoonModel::None => Attachment::default(),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let revision = match self.model {
            MemballoonModel::None | MemballoonModel::Xen => return Ok(plan),
            MemballoonModel::Virtio => virtio::Revision::Any,
            MemballoonModel::VirtioTransitional => virtio::Revision::Transitional,
            MemballoonModel::VirtioNonTransitional => virtio::Revision::NonTransitional,
        };
        let props = virtio::props("virtio-balloon", revision, &self.info, &self.virtio)?
            .opt_str("id", self.info.alias.clone())
            .opt_bool("deflate-on-oom", self.autodeflate)
            .opt_bool("free-page-reporting", self.free_page_reporting);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}
