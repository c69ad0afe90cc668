//! `<nvram>` of pseries guests: the machine has the device, only its register is told.

use virt_conf::common::Address;
use virt_conf::common::address::SpaprVio;
use virt_conf::domain::device::Nvram;
use virt_types::Result;

use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{unsupported, xml_error};
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext};
use crate::policy::{AttachContext, Attachment, Vio};

impl QemuDevice for Nvram {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        if !machine::is_pseries(cx.domain) {
            return Err(unsupported("nvram device is only supported for PPC64"));
        }
        if !cx.caps.has(Cap::SpaprNvram) {
            return Err(unsupported("nvram device is not supported by this QEMU binary"));
        }
        match self.info.address {
            Address::SpaprVio(SpaprVio { reg: Some(_) }) => Ok(()),
            _ => Err(xml_error("nvram address type must be spaprvio")),
        }
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        let always = machine::is_pseries(cx.domain);
        Attachment { vio: Some(Vio { always, first_register: 0x3000 }), ..Attachment::default() }
    }

    fn plan(&self, _cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        if let Address::SpaprVio(SpaprVio { reg: Some(reg) }) = self.info.address {
            plan.parts.push(Part::Option("-global", format!("spapr-nvram.reg=0x{reg:x}")));
        }
        Ok(plan)
    }
}
