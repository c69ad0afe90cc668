//! `<console>` as a virtio or SCLP console; on a serial port there is nothing to add.

use virt_conf::common::address::AddressType;
use virt_conf::domain::device::{Console, ConsoleTarget};
use virt_types::Result;

use super::common::address;
use super::common::chardev::{self, Setup};
use super::serial::listen_without_path;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, PlanContext, Props};

impl QemuDevice for Console {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        listen_without_path(&mut self.chardev, cx);
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        chardev::check(&self.chardev, cx)?;
        match self.target {
            ConsoleTarget::Sclp if !cx.caps.has(Cap::SclpConsole) => {
                Err(unsupported("sclpconsole is not supported in this QEMU binary"))
            }
            ConsoleTarget::Sclplm if !cx.caps.has(Cap::SclpLmConsole) => {
                Err(unsupported("sclplmconsole is not supported in this QEMU binary"))
            }
            ConsoleTarget::Sclp | ConsoleTarget::Sclplm | ConsoleTarget::Virtio | ConsoleTarget::Serial => {
                Ok(())
            }
            ConsoleTarget::None
            | ConsoleTarget::Xen
            | ConsoleTarget::Uml
            | ConsoleTarget::Lxc
            | ConsoleTarget::Openvz => {
                Err(unsupported(format!("unsupported console target type {}", self.target)))
            }
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let driver = match self.target {
            ConsoleTarget::Virtio => "virtconsole",
            ConsoleTarget::Sclp => "sclpconsole",
            ConsoleTarget::Sclplm => "sclplmconsole",
            ConsoleTarget::Serial => return Ok(DevicePlan::default()),
            ConsoleTarget::None
            | ConsoleTarget::Xen
            | ConsoleTarget::Uml
            | ConsoleTarget::Lxc
            | ConsoleTarget::Openvz => {
                return Err(unsupported(format!("unsupported console target type {}", self.target)));
            }
        };
        let alias = self.info.alias.clone().unwrap_or_default();
        let id = chardev::id(&alias);
        let parts = chardev::parts(cx, &self.chardev, &id, Setup::default())?;
        let mut plan = DevicePlan { parts, ..DevicePlan::default() };
        let mut props = Props::new().str("driver", driver);
        if self.target == ConsoleTarget::Virtio {
            check_port_address(self.info.address.kind())?;
            props = props.extend(address::props(cx.domain, &self.info)?);
        }
        plan.device(&self.info, props.str("chardev", id).str("id", alias));
        Ok(plan)
    }
}

/// Refuses a place where no port of a virtio-serial controller is.
pub(super) fn check_port_address(kind: AddressType) -> Result<()> {
    match kind {
        AddressType::None | AddressType::Ccw | AddressType::VirtioSerial => Ok(()),
        _ => Err(internal("virtio serial device has invalid address type")),
    }
}
