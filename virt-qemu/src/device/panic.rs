//! `<panic>` as pvpanic devices; other models are no devices to QEMU.

use virt_conf::common::Address;
use virt_conf::domain::device::{Panic, PanicModel};
use virt_conf::domain::passes::address::Connect;
use virt_types::Result;

use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::machine;
use crate::plan::{DevicePlan, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Panic {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        self.model.get_or_insert_with(|| {
            if machine::is_pseries(cx.domain) {
                PanicModel::Pseries
            } else if cx.domain.os.arch.is_s390() {
                PanicModel::S390
            } else {
                PanicModel::Isa
            }
        });
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let Some(model) = self.model else { return Ok(()) };
        let address = &self.info.address;
        let (fits, guests) = match model {
            PanicModel::S390 => (cx.domain.os.arch.is_s390(), "S390 guests"),
            PanicModel::Hyperv => (cx.domain.os.arch.is_x86(), "i686 and x86_64 guests"),
            PanicModel::Pseries => (machine::is_pseries(cx.domain), "pSeries guests"),
            PanicModel::Isa => {
                if !cx.caps.has(Cap::Pvpanic) {
                    return Err(unsupported("the QEMU binary does not support the ISA panic device"));
                }
                return match address {
                    Address::None | Address::Isa(_) => Ok(()),
                    _ => Err(unsupported("panic is supported only with ISA address type")),
                };
            }
            PanicModel::Pvpanic => {
                if !cx.caps.has(Cap::PvpanicPci) {
                    return Err(unsupported("the QEMU binary does not support the PCI pvpanic device"));
                }
                return match address {
                    Address::Pci(_) => Ok(()),
                    _ => Err(unsupported("pvpanic is supported only with PCI address type")),
                };
            }
        };
        if !fits {
            return Err(unsupported(format!("only {guests} support panic device of model '{model}'")));
        }
        if *address != Address::None {
            return Err(unsupported(format!(
                "setting the panic device address is not supported for model '{model}'"
            )));
        }
        Ok(())
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            Some(PanicModel::Pvpanic) => Attachment::pci(AttachContext::CONVENTIONAL | Connect::INTEGRATED),
            None | Some(PanicModel::Isa | PanicModel::Pseries | PanicModel::Hyperv | PanicModel::S390) => {
                Attachment::default()
            }
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        match (self.model, &self.info.address) {
            // The device calls its port by another name than other ISA devices do.
            (Some(PanicModel::Isa), Address::Isa(isa)) => {
                plan.device(&self.info, Props::new().str("driver", "pvpanic").u64("ioport", isa.iobase));
            }
            (Some(PanicModel::Isa), _) => plan.device(&self.info, Props::new().str("driver", "pvpanic")),
            (Some(PanicModel::Pvpanic), _) => {
                let props = Props::new().str("driver", "pvpanic-pci");
                plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
            }
            (Some(PanicModel::Pseries | PanicModel::Hyperv | PanicModel::S390) | None, _) => {}
        }
        Ok(plan)
    }
}
