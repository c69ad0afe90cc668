//! What QEMU, or its servers of files, refuse.

use virt_conf::domain::device::{
    AccessMode, Filesystem, FilesystemDriver, FilesystemSource, Multidevs, WritePolicy,
};
use virt_types::Result;

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::device::disk::require_shared_memory;
use crate::error::unsupported;

pub(super) fn check(filesystem: &Filesystem, cx: &QemuContext<'_>) -> Result<()> {
    if !matches!(filesystem.source, FilesystemSource::Mount { .. }) {
        return Err(unsupported("only supports mount filesystem type"));
    }
    if filesystem.space_hard_limit > 0 || filesystem.space_soft_limit > 0 {
        return Err(unsupported("filesystem usage limits are not supported with QEMU"));
    }
    if filesystem.multidevs != Multidevs::Default && !cx.caps.has(Cap::FsdevMultidevs) {
        return Err(unsupported("multidevs is not supported with this QEMU binary"));
    }
    let modes = filesystem.file_mode > 0 || filesystem.dir_mode > 0;
    if modes && filesystem.access_mode != Some(AccessMode::Mapped) {
        return Err(unsupported("fmode and dmode must be used with accessmode=mapped"));
    }
    match filesystem.driver {
        FilesystemDriver::Default | FilesystemDriver::Path => Ok(()),
        FilesystemDriver::Handle if filesystem.access_mode != Some(AccessMode::Passthrough) => {
            Err(unsupported("only supports passthrough accessmode"))
        }
        FilesystemDriver::Handle => Ok(()),
        FilesystemDriver::Loop | FilesystemDriver::Nbd | FilesystemDriver::Ploop => {
            Err(unsupported("Filesystem driver type not supported"))
        }
        FilesystemDriver::Virtiofs => virtiofs(filesystem, cx),
    }
}

fn virtiofs(filesystem: &Filesystem, cx: &QemuContext<'_>) -> Result<()> {
    let own_server = filesystem.source.socket().is_none();
    let modes = filesystem.file_mode > 0 || filesystem.dir_mode > 0;
    let refusals = [
        (own_server && filesystem.readonly, "virtiofs does not yet support read-only mode"),
        (own_server && !cx.config.privileged, "virtiofs is not yet supported in session mode"),
        (
            own_server && filesystem.access_mode != Some(AccessMode::Passthrough),
            "virtiofs only supports passthrough accessmode",
        ),
        (own_server && filesystem.write_policy != WritePolicy::Default, "virtiofs does not support wrpolicy"),
        (filesystem.readonly, "virtiofs does not support read-only access"),
        (filesystem.model.is_some(), "virtiofs does not support model"),
        (filesystem.format.is_some(), "virtiofs does not support format"),
        (!cx.caps.has(Cap::VhostUserFs), "virtiofs is not supported with this QEMU binary"),
        (filesystem.multidevs != Multidevs::Default, "virtiofs does not support multidevs"),
        (modes, "virtiofs does not support fmode and dmode"),
    ];
    if let Some((_, sentence)) = refusals.into_iter().find(|(refused, _)| *refused) {
        return Err(unsupported(sentence));
    }
    require_shared_memory(cx.domain, "virtiofs")?;
    if filesystem.info.boot_order.is_some() && !cx.caps.has(Cap::VhostUserFsBootindex) {
        return Err(unsupported("setting virtiofs boot order is not supported with this QEMU binary"));
    }
    Ok(())
}
