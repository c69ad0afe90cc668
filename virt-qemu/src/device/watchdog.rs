//! `<watchdog>` as QEMU devices.

use virt_conf::domain::device::{Watchdog, WatchdogAction, WatchdogModel};
use virt_types::{Result, TextEnum};

use super::QemuDevice;
use crate::plan::{DevicePlan, Part, PlanContext, Props};

impl QemuDevice for Watchdog {
    fn plan(&self, _cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        if self.model != WatchdogModel::Itco {
            plan.parts.push(Part::Device(
                Props::new().str("driver", self.model.text()).opt_str("id", self.info.alias.clone()),
            ));
        }
        let action = if self.action == WatchdogAction::Dump { "pause" } else { self.action.text() };
        plan.parts.push(Part::Option("-watchdog-action", action.into()));
        Ok(plan)
    }
}
