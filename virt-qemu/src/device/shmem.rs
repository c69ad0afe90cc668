//! `<shmem>` as ivshmem devices.

use virt_conf::common::Address;
use virt_conf::common::chardev::{Chardev, ChardevSource, UnixSource};
use virt_conf::domain::device::{Shmem, ShmemModel, ShmemRole};
use virt_types::{Result, TextEnum};

use super::common::{address, chardev};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{unsupported, xml_error};
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

/// Size of memory that names none, bytes.
const DEFAULT_SIZE: u64 = 4 << 20;
/// The smallest size, bytes.
const MIN_SIZE: u64 = 1 << 20;

impl QemuDevice for Shmem {
    fn complete(&mut self, _cx: &QemuContext<'_>) -> Result<()> {
        let model = self.model;
        if model != ShmemModel::IvshmemDoorbell && self.size == 0 {
            self.size = DEFAULT_SIZE;
        }
        if model == ShmemModel::Ivshmem {
            return Ok(());
        }
        let refuse = |why: &str| Err(unsupported(format!("shmem model '{model}' {why}")));
        match (model, &self.server) {
            (ShmemModel::IvshmemDoorbell, None) => refuse("is supported only with server option enabled"),
            (ShmemModel::IvshmemPlain, Some(_)) => refuse("is supported only with server option disabled"),
            (_, None) => Ok(()),
            (_, Some(_)) if self.size > 0 => refuse("does not support size setting"),
            (_, Some(_)) => {
                let msi = self.msi.get_or_insert_default();
                msi.ioeventfd = msi.ioeventfd.or(Some(true));
                Ok(())
            }
        }
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let cap = match self.model {
            ShmemModel::Ivshmem => return Err(unsupported("ivshmem device is no longer supported")),
            ShmemModel::IvshmemPlain => Cap::IvshmemPlain,
            ShmemModel::IvshmemDoorbell => Cap::IvshmemDoorbell,
        };
        if cx.caps.has(cap) {
            Ok(())
        } else {
            Err(unsupported(format!("shmem model '{}' is not supported by this QEMU binary", self.model)))
        }
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        Attachment::pci(AttachContext::CONVENTIONAL)
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        if self.size > 0 && !self.size.is_power_of_two() {
            return Err(xml_error("shmem size must be a power of two"));
        }
        if (1..MIN_SIZE).contains(&self.size) {
            return Err(xml_error("shmem size must be at least 1 MiB (1024 KiB)"));
        }
        if !matches!(self.info.address, Address::Pci(_)) {
            return Err(unsupported("only 'pci' addresses are supported for the shared memory device"));
        }
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let memory = format!("shmmem-{alias}");
        if self.model == ShmemModel::IvshmemPlain {
            let props = Props::new()
                .str("qom-type", "memory-backend-file")
                .str("id", &memory)
                .str("mem-path", format!("/dev/shm/{}", self.name))
                .u64("size", self.size)
                .bool("share", true);
            plan.parts.push(Part::Object(props));
        }
        let id = chardev::id(&alias);
        let props = Props::new().str("driver", self.model.text()).str("id", alias);
        let props = match &self.server {
            Some(_) => props.str("chardev", &id),
            None => props
                .str("memdev", memory)
                .opt_on_off("master", self.role.map(|role| role == ShmemRole::Master)),
        };
        let msi = self.msi.unwrap_or_default();
        let props = props.opt_u64("vectors", msi.vectors).opt_bool("ioeventfd", msi.ioeventfd);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        if let Some(server) = &self.server {
            let dir = cx.config.lib_dir.parent().unwrap_or(&cx.config.lib_dir);
            let path = server
                .path
                .clone()
                .unwrap_or_else(|| dir.join(format!("shmem-{}-sock", self.name)).display().to_string());
            let unix = UnixSource { path: Some(path), ..UnixSource::default() };
            let source = Chardev { source: ChardevSource::Unix(unix), ..Chardev::default() };
            plan.parts.extend(chardev::parts(cx, &source, &id, chardev::Setup::default())?);
        }
        Ok(plan)
    }
}
