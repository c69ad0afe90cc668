//! `<redirfilter>`, which every redirected device carries as a property.

use virt_conf::domain::device::Redirfilter;
use virt_types::Result;

use super::QemuDevice;
use crate::plan::{DevicePlan, PlanContext};

impl QemuDevice for Redirfilter {
    fn plan(&self, _cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        Ok(DevicePlan::default())
    }
}
