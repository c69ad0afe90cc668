//! `<crypto>` as a backend object and a virtio device.

use virt_conf::domain::device::{Crypto, CryptoBackend};
use virt_types::Result;

use super::common::{address, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Crypto {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        if !cx.caps.has(Cap::VirtioCrypto) {
            return Err(unsupported(format!("crypto model {} is not supported", self.model)));
        }
        match self.backend {
            CryptoBackend::Lkcf if !cx.caps.has(Cap::CryptodevBackendLkcf) => {
                Err(unsupported(format!("crypto backend {} is not supported", self.backend)))
            }
            CryptoBackend::Builtin | CryptoBackend::Lkcf => Ok(()),
        }
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        Attachment::virtio(AttachContext::CONVENTIONAL)
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let object = format!("obj{alias}");
        let backend = Props::new()
            .str("qom-type", format!("cryptodev-backend-{}", self.backend))
            .str("id", &object)
            .opt_u64("queues", self.queues);
        plan.parts.push(Part::Object(backend));
        let props = virtio::props("virtio-crypto", virtio::Revision::Any, &self.info, &self.virtio)?
            .str("cryptodev", object)
            .str("id", alias);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}
