//! `<watchdog>` as QEMU devices.

use virt_conf::common::address::AddressType;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Watchdog, WatchdogAction, WatchdogModel};
use virt_types::{Result, TextEnum};

use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::error::unsupported;
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Watchdog {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let domain = cx.domain;
        if domain.devices.watchdogs.first().is_some_and(|first| first.action != self.action) {
            return Err(unsupported(
                "watchdogs with different actions are not supported with this QEMU binary",
            ));
        }
        let address = self.info.address.kind();
        let model = self.model;
        let refuse = |why: &str| Err(unsupported(format!("{model} model of watchdog {why}")));
        match model {
            WatchdogModel::I6300esb if !matches!(address, AddressType::None | AddressType::Pci) => {
                refuse("can go only on PCI bus")
            }
            WatchdogModel::Ib700 if address != AddressType::None => {
                refuse("does not support configuring the address")
            }
            WatchdogModel::Diag288 if address != AddressType::None => {
                refuse("is virtual and cannot go on any bus.")
            }
            WatchdogModel::Diag288 if !domain.os.arch.is_s390() => {
                refuse("is allowed for s390 and s390x only")
            }
            WatchdogModel::Itco if address != AddressType::None => {
                refuse("is part of the machine and cannot have any address set.")
            }
            WatchdogModel::Itco if !machine::is_q35(domain) => refuse("is only part of q35 machine"),
            WatchdogModel::I6300esb | WatchdogModel::Ib700 | WatchdogModel::Diag288 | WatchdogModel::Itco => {
                Ok(())
            }
        }
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            WatchdogModel::I6300esb => Attachment::pci(AttachContext::CONVENTIONAL),
            WatchdogModel::Ib700 | WatchdogModel::Diag288 | WatchdogModel::Itco => Attachment::default(),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        // The iTCO watchdog is part of the chipset.
        if self.model != WatchdogModel::Itco {
            let props = Props::new().str("driver", self.model.text()).opt_str("id", self.info.alias.clone());
            plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        }
        // All watchdogs share one action, which is said once, after the last of them.
        if is_last(cx.domain, self) {
            if cx.domain.devices.watchdogs.iter().any(|watchdog| watchdog.model == WatchdogModel::Itco) {
                plan.parts.push(Part::Option("-global", "ICH9-LPC.noreboot=off".into()));
            }
            // QEMU can not dump; the engine does when the paused guest's event arrives.
            let action = match self.action {
                WatchdogAction::Dump => WatchdogAction::Pause,
                other => other,
            };
            plan.parts.push(Part::Option("-watchdog-action", action.to_string()));
        }
        Ok(plan)
    }
}

fn is_last(domain: &Domain, watchdog: &Watchdog) -> bool {
    domain.devices.watchdogs.last().is_some_and(|last| std::ptr::eq(last, watchdog))
}
