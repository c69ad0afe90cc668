//! `<filesystem>`: files that QEMU itself serves, or a virtiofs server beside it.

mod check;
mod virtiofs;

use virt_conf::domain::device::{
    AccessMode, Filesystem, FilesystemDriver, FilesystemModel, Multidevs, WritePolicy,
};
use virt_conf::domain::passes::address::Connect;
use virt_types::Result;

use super::common::address;
use super::common::virtio::{self, Revision};
use super::{QemuContext, QemuDevice};
use crate::plan::{DevicePlan, Part, PlanContext, keyval};
use crate::policy::{AttachContext, Attachment, Virtio};

impl QemuDevice for Filesystem {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        check::check(self, cx)
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        let connect = match self.driver {
            FilesystemDriver::Default | FilesystemDriver::Path | FilesystemDriver::Handle => match self.model
            {
                Some(FilesystemModel::VirtioTransitional) => AttachContext::CONVENTIONAL,
                None | Some(FilesystemModel::Virtio | FilesystemModel::VirtioNonTransitional) => cx.express(),
            },
            FilesystemDriver::Virtiofs => cx.express(),
            // Of containers.
            FilesystemDriver::Loop | FilesystemDriver::Nbd | FilesystemDriver::Ploop => Connect::empty(),
        };
        Attachment { virtio: Virtio::CcwOnly, ..Attachment::pci(connect) }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        match self.driver {
            FilesystemDriver::Virtiofs => virtiofs::plan(self, cx),
            FilesystemDriver::Default | FilesystemDriver::Path | FilesystemDriver::Handle => {
                plan_9p(self, cx)
            }
            FilesystemDriver::Loop | FilesystemDriver::Nbd | FilesystemDriver::Ploop => {
                Ok(DevicePlan::default())
            }
        }
    }
}

fn plan_9p(filesystem: &Filesystem, cx: &PlanContext<'_>) -> Result<DevicePlan> {
    let mut plan = DevicePlan::default();
    let alias = filesystem.info.alias.clone().unwrap_or_default();
    let server = format!("fsdev-{alias}");
    plan.parts.push(Part::Option("-fsdev", server_options(filesystem, &server)));
    let revision = match filesystem.model {
        None | Some(FilesystemModel::Virtio) => Revision::Any,
        Some(FilesystemModel::VirtioTransitional) => Revision::Transitional,
        Some(FilesystemModel::VirtioNonTransitional) => Revision::NonTransitional,
    };
    let props = virtio::props("virtio-9p", revision, &filesystem.info, &filesystem.virtio)?
        .str("id", alias)
        .str("fsdev", server)
        .opt_str("mount_tag", filesystem.target.clone())
        .extend(address::props(cx.domain, &filesystem.info)?);
    plan.device(&filesystem.info, props);
    Ok(plan)
}

/// The server within QEMU.
fn server_options(filesystem: &Filesystem, id: &str) -> String {
    let mut options = String::new();
    if filesystem.driver == FilesystemDriver::Handle {
        options.push_str("handle");
    } else {
        options.push_str("local");
        let security = match filesystem.access_mode {
            None => None,
            Some(AccessMode::Mapped) => Some("mapped"),
            Some(AccessMode::Passthrough) => Some("passthrough"),
            Some(AccessMode::Squash) => Some("none"),
        };
        if let Some(security) = security {
            options.push_str(&format!(",security_model={security}"));
        }
        if filesystem.multidevs != Multidevs::Default {
            options.push_str(&format!(",multidevs={}", filesystem.multidevs));
        }
        for (name, mode) in [("fmode", filesystem.file_mode), ("dmode", filesystem.dir_mode)] {
            if mode > 0 {
                options.push_str(&format!(",{name}={mode:04o}"));
            }
        }
    }
    if filesystem.write_policy != WritePolicy::Default {
        options.push_str(&format!(",writeout={}", filesystem.write_policy));
    }
    let path = filesystem.source.path().unwrap_or_default();
    options.push_str(&format!(",id={id},path={}", keyval(path)));
    if filesystem.readonly {
        options.push_str(",readonly");
    }
    options
}
