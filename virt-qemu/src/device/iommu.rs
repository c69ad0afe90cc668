//! `<iommu>` as devices; SMMUv3 is an option of the machine.

use virt_conf::common::Address;
use virt_conf::domain::device::{Iommu, IommuModel};
use virt_conf::domain::passes::address::Connect;
use virt_types::Result;

use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::machine;
use crate::plan::{DevicePlan, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Iommu {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let (domain, caps) = (cx.domain, cx.caps);
        let (fits, machines, there) = match self.model {
            IommuModel::Intel => (machine::is_q35(domain), "Q35", caps.has(Cap::IntelIommu)),
            IommuModel::Smmuv3 => (machine::is_arm_virt(domain), "ARM Virt", caps.has(Cap::MachineVirtIommu)),
            IommuModel::Virtio => (
                machine::is_q35(domain) || machine::is_arm_virt(domain),
                "Q35 and ARM Virt",
                caps.has(Cap::VirtioIommuPci) && caps.has(Cap::VirtioIommuBootBypass),
            ),
        };
        let refuse = |why: String| Err(unsupported(format!("IOMMU device: '{}' {why}", self.model)));
        if !fits {
            return refuse(format!("is only supported with {machines} machines"));
        }
        if !there {
            return refuse("is not supported with this QEMU binary".into());
        }
        if self.model == IommuModel::Virtio {
            if !domain.features.acpi {
                return refuse("requires ACPI".into());
            }
            if !matches!(self.info.address, Address::None | Address::Pci(_)) {
                return refuse("needs a PCI address".into());
            }
        }
        for (given, cap, what) in [
            (self.intremap.is_some(), Cap::IntelIommuIntremap, "interrupt remapping"),
            (self.caching_mode.is_some(), Cap::IntelIommuCachingMode, "caching mode"),
            (self.eim.is_some(), Cap::IntelIommuEim, "eim"),
            (self.iotlb.is_some(), Cap::IntelIommuDeviceIotlb, "device IOTLB"),
            (self.aw_bits.is_some(), Cap::IntelIommuAwBits, "aw_bits"),
        ] {
            if given && !caps.has(cap) {
                return Err(unsupported(format!("iommu: {what} is not supported with this QEMU binary")));
            }
        }
        Ok(())
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            IommuModel::Virtio => Attachment::pci(cx.express() | Connect::INTEGRATED),
            IommuModel::Intel | IommuModel::Smmuv3 => Attachment::default(),
        }
    }

    fn machine_option(&self, _cx: &PlanContext<'_>) -> Result<Option<String>> {
        Ok((self.model == IommuModel::Smmuv3).then(|| "iommu=smmuv3".to_owned()))
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let id = self.info.alias.clone();
        match self.model {
            IommuModel::Smmuv3 => {}
            IommuModel::Intel => {
                let props = Props::new()
                    .str("driver", "intel-iommu")
                    .opt_str("id", id)
                    .opt_on_off("intremap", self.intremap)
                    .opt_bool("caching-mode", self.caching_mode)
                    .opt_on_off("eim", self.eim)
                    .opt_bool("device-iotlb", self.iotlb)
                    .opt_u64("aw-bits", self.aw_bits);
                plan.device(&self.info, props);
            }
            IommuModel::Virtio => {
                let props = Props::new().str("driver", "virtio-iommu").opt_str("id", id);
                plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
            }
        }
        Ok(plan)
    }
}
