//! `<smartcard>` as a card in the guest's CCID reader.

use virt_conf::common::Address;
use virt_conf::common::address::Ccid;
use virt_conf::domain::device::{ControllerType, Smartcard, SmartcardSource};
use virt_types::Result;

use super::common::address::controller_alias;
use super::common::chardev::{self, Setup};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, PlanContext, Props};

/// Where NSS keeps the host's certificates.
const DEFAULT_DATABASE: &str = "/etc/pki/nssdb";

impl QemuDevice for Smartcard {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let first = Address::Ccid(Ccid { controller: 0, slot: 0 });
        if cx.domain.devices.smartcards.len() > 1 || self.info.address != first {
            return Err(unsupported("this QEMU binary lacks multiple smartcard support"));
        }
        match &self.source {
            SmartcardSource::Host | SmartcardSource::HostCertificates { .. } => {
                if !cx.caps.has(Cap::CcidEmulated) {
                    return Err(unsupported("this QEMU binary lacks smartcard host mode support"));
                }
                Ok(())
            }
            SmartcardSource::Passthrough(chardev) => {
                if !cx.caps.has(Cap::CcidPassthru) {
                    return Err(unsupported("this QEMU binary lacks smartcard passthrough mode support"));
                }
                chardev::check(chardev, cx)
            }
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let props = match &self.source {
            SmartcardSource::Host => {
                Props::new().str("driver", "ccid-card-emulated").str("backend", "nss-emulated")
            }
            SmartcardSource::HostCertificates { certificates, database } => {
                let mut props =
                    Props::new().str("driver", "ccid-card-emulated").str("backend", "certificates");
                for (name, certificate) in ["cert1", "cert2", "cert3"].into_iter().zip(certificates) {
                    props = props.str(name, certificate.clone());
                }
                props.str("db", database.as_deref().unwrap_or(DEFAULT_DATABASE))
            }
            SmartcardSource::Passthrough(source) => {
                let id = chardev::id(&alias);
                plan.parts = chardev::parts(cx, source, &id, Setup::default())?;
                Props::new().str("driver", "ccid-card-passthru").str("chardev", id)
            }
        };
        let controller = match &self.info.address {
            Address::Ccid(ccid) => ccid.controller,
            _ => 0,
        };
        let bus = controller_alias(cx.domain, ControllerType::Ccid, controller)?;
        plan.device(&self.info, props.str("id", alias).str("bus", format!("{bus}.0")));
        Ok(plan)
    }
}
