//! `<lease>`: a matter between the engine and its lock manager, of which QEMU is told nothing.

use virt_conf::domain::device::Lease;
use virt_types::Result;

use super::QemuDevice;
use crate::plan::{DevicePlan, PlanContext};

impl QemuDevice for Lease {
    fn plan(&self, _cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        Ok(DevicePlan::default())
    }
}
