//! `<hub>` as a USB hub.

use virt_conf::domain::device::Hub;
use virt_types::Result;

use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Hub {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        if cx.caps.has(Cap::UsbHub) {
            Ok(())
        } else {
            Err(unsupported("usb-hub not supported by QEMU binary"))
        }
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        Attachment::usb()
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let props = Props::new().str("driver", "usb-hub").opt_str("id", self.info.alias.clone());
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}
