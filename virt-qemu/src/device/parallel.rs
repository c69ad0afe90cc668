//! `<parallel>` as an ISA device.

use virt_conf::domain::device::Parallel;
use virt_types::Result;

use super::common::chardev::{self, Setup};
use super::serial::listen_without_path;
use super::{QemuContext, QemuDevice};
use crate::error::unsupported;
use crate::machine;
use crate::plan::{DevicePlan, PlanContext, Props};

impl QemuDevice for Parallel {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        listen_without_path(&mut self.chardev, cx);
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        chardev::check(&self.chardev, cx)?;
        if cx.domain.os.arch.is_s390() || machine::is_pseries(cx.domain) {
            return Err(unsupported("parallel ports are not supported"));
        }
        Ok(())
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let alias = self.info.alias.clone().unwrap_or_default();
        let id = chardev::id(&alias);
        let setup = Setup { parallel: true, ..Setup::default() };
        let mut plan =
            DevicePlan { parts: chardev::parts(cx, &self.chardev, &id, setup)?, ..DevicePlan::default() };
        let props = Props::new().str("driver", "isa-parallel").str("chardev", id).str("id", alias);
        plan.device(&self.info, props);
        Ok(plan)
    }
}
