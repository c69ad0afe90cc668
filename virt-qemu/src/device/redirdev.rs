//! `<redirdev>` as a USB device that stands for another.

use virt_conf::domain::device::{RedirRule, Redirdev};
use virt_types::Result;

use super::common::address;
use super::common::chardev::{self, Setup};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::plan::{DevicePlan, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Redirdev {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        chardev::check(&self.chardev, cx)?;
        if !cx.caps.has(Cap::UsbRedir) {
            return Err(unsupported("USB redirection is not supported by this version of QEMU"));
        }
        let filtered = cx.domain.devices.redirfilter.as_ref().is_some_and(|filter| !filter.rules.is_empty());
        if filtered && !cx.caps.has(Cap::UsbRedirFilter) {
            return Err(unsupported("USB redirection filter is not supported by this version of QEMU"));
        }
        Ok(())
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        Attachment::usb()
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let alias = self.info.alias.clone().unwrap_or_default();
        let id = chardev::id(&alias);
        let mut plan = DevicePlan {
            parts: chardev::parts(cx, &self.chardev, &id, Setup::default())?,
            ..DevicePlan::default()
        };
        let rules = cx.domain.devices.redirfilter.as_ref().map(|filter| filter.rules.as_slice());
        let filter = rules.map(|rules| rules.iter().map(rule_text).collect::<Vec<_>>().join("|"));
        let props = Props::new()
            .str("driver", "usb-redir")
            .str("chardev", id)
            .str("id", alias)
            .opt_str("filter", filter.filter(|filter| !filter.is_empty()))
            .opt_u64("bootindex", self.info.boot_order);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}

/// A rule in the form that QEMU takes from usbredir: class, vendor, product, version, verdict.
fn rule_text(rule: &RedirRule) -> String {
    let four = |value: Option<u32>| value.map_or_else(|| "-1".to_owned(), |value| format!("0x{value:04X}"));
    let class = rule.class.map_or_else(|| "-1".to_owned(), |class| format!("0x{class:02X}"));
    format!(
        "{class}:{}:{}:{}:{}",
        four(rule.vendor),
        four(rule.product),
        four(rule.version),
        u8::from(rule.allow)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_leaves_open_is_minus_one() {
        let rule = RedirRule { class: Some(8), version: Some(0x0200), allow: true, ..RedirRule::default() };
        assert_eq!(rule_text(&rule), "0x08:-1:-1:0x0200:1");
    }
}
