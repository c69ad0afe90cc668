//! `<rng>` as a backend object and a virtio device.

use virt_conf::domain::device::{Rng, RngBackend, RngBackendType, RngModel};
use virt_types::Result;

use super::common::{address, chardev, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// The period of a rate that names none, milliseconds.
const PERIOD: u32 = 1000;

impl QemuDevice for Rng {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let kind = self.backend.kind();
        let cap = match kind {
            RngBackendType::Random => Cap::RngRandom,
            RngBackendType::Egd => Cap::RngEgd,
            RngBackendType::Builtin => Cap::RngBuiltin,
        };
        if !cx.caps.has(cap) {
            return Err(unsupported(format!("this qemu doesn't support the rng-{kind} backend")));
        }
        if let RngBackend::Egd(source) = &self.backend {
            chardev::check(source, cx)?;
        }
        if !cx.caps.has(Cap::VirtioRng) {
            return Err(unsupported(format!(
                "domain configuration does not support rng model '{}'",
                self.model
            )));
        }
        Ok(())
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            RngModel::Virtio | RngModel::VirtioNonTransitional => Attachment::virtio(cx.express()),
            RngModel::VirtioTransitional => Attachment::virtio(AttachContext::CONVENTIONAL),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let object = format!("obj{alias}");
        let backend = Props::new().str("qom-type", format!("rng-{}", self.backend.kind())).str("id", &object);
        let backend = match &self.backend {
            RngBackend::Random(path) => backend.str("filename", path.clone().unwrap_or_default()),
            RngBackend::Builtin => backend,
            RngBackend::Egd(source) => {
                let id = chardev::id(&alias);
                plan.parts.extend(chardev::parts(cx, source, &id, chardev::Setup::default())?);
                backend.str("chardev", id)
            }
        };
        plan.parts.push(Part::Object(backend));
        let revision = match self.model {
            RngModel::Virtio => virtio::Revision::Any,
            RngModel::VirtioTransitional => virtio::Revision::Transitional,
            RngModel::VirtioNonTransitional => virtio::Revision::NonTransitional,
        };
        let props = virtio::props("virtio-rng", revision, &self.info, &self.virtio)?
            .str("rng", object)
            .str("id", alias)
            .opt_u64("max-bytes", self.rate.map(|rate| rate.bytes))
            .opt_u64("period", self.rate.map(|rate| rate.period.unwrap_or(PERIOD)));
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}
