//! `<memballoon>` as a virtio device.

use virt_conf::domain::device::{Memballoon, MemballoonModel};
use virt_types::Result;

use super::QemuDevice;
use crate::plan::{DevicePlan, Part, PlanContext, Props};

impl QemuDevice for Memballoon {
    fn plan(&self, _cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        if self.model == MemballoonModel::None {
            return Ok(DevicePlan::default());
        }
        let props = Props::new()
            .str("driver", "virtio-balloon-pci")
            .opt_str("id", self.info.alias.clone())
            .opt_bool("free-page-reporting", self.free_page_reporting);
        Ok(DevicePlan { parts: vec![Part::Device(props)], ..DevicePlan::default() })
    }
}
