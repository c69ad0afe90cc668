//! Making a volume in a directory.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Access;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::{Volume, VolumeType};
use virt_types::Result;

use super::qemu_img::{Creation, Step};
use super::secret_file::SecretFile;
use super::{DEFAULT_MODE, copy, image_format, path_of, raw};
use crate::command::Command;
use crate::error::{cannot, errno, internal, invalid_arg, system, unsupported};

/// A volume that is to be made.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) volume: Volume,
    pub(crate) original: Option<Volume>,
    /// `VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA`
    pub(crate) preallocate: bool,
    /// `VIR_STORAGE_VOL_CREATE_REFLINK`
    pub(crate) reflink: bool,
    pub(crate) secret: Option<SecretFile>,
    pub(crate) original_secret: Option<SecretFile>,
    /// Where names of images that are not absolute begin.
    pub(crate) directory: String,
}

/// Makes it: natively where it has no format, with qemu-img otherwise.
pub(crate) fn build(it: &Build) -> Result<()> {
    let volume = &it.volume;
    let format = image_format(volume);
    let converted = |volume: &Volume| {
        volume.kind == VolumeType::File
            && (image_format(volume) != Some(ImageFormat::Raw) || volume.target.encryption.is_some())
    };
    match &it.original {
        Some(original) if converted(volume) || converted(original) => with_qemu_img(it),
        Some(_) if volume.kind == VolumeType::Ploop => ploop(it),
        Some(_) if format == Some(ImageFormat::Dir) => {
            Err(internal("cannot copy from volume to a directory volume"))
        }
        Some(original) if volume.kind == VolumeType::Block => {
            if it.preallocate {
                return Err(unsupported("metadata preallocation is not supported for block volumes"));
            }
            copy::into_device(volume, original, it.reflink)
        }
        Some(original) => raw::create(volume, Some(original), it.preallocate, it.reflink),
        None => match format {
            Some(ImageFormat::Raw) if volume.target.encryption.is_none() => {
                raw::create(volume, None, it.preallocate, false)
            }
            Some(ImageFormat::Dir) => directory(volume),
            Some(ImageFormat::Ploop) => ploop(it),
            _ => with_qemu_img(it),
        },
    }
}

fn directory(volume: &Volume) -> Result<()> {
    let path = path_of(volume);
    if volume.backing.is_some() {
        return Err(cannot("backing storage not supported for directories volumes"));
    }
    let wanted = &volume.target.permissions;
    let mode = wanted.mode.unwrap_or(DEFAULT_MODE);
    DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(|error| system(format_args!("failed to create directory '{path}'"), error))?;
    let made = if wanted.owner.is_some() || wanted.group.is_some() {
        std::os::unix::fs::chown(path, wanted.owner, wanted.group)
    } else {
        Ok(())
    };
    made.and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(mode))).map_err(|error| {
        let _ = std::fs::remove_dir(path);
        system(format_args!("cannot set mode of '{path}' to {mode:04o}"), error)
    })
}

/// A ploop image is a directory, which Virtuozzo's program makes.
fn ploop(it: &Build) -> Result<()> {
    let path = path_of(&it.volume);
    if it.volume.target.encryption.is_some() {
        return Err(unsupported("encrypted ploop volumes are not supported with ploop init"));
    }
    if it.volume.backing.is_some() {
        return Err(unsupported("copy-on-write ploop volumes are not yet supported"));
    }
    let command = match &it.original {
        Some(original) if image_format(original) != Some(ImageFormat::Ploop) => {
            return Err(internal("unsupported input storage vol type"));
        }
        Some(original) => Command::new("cp", ["-r", path_of(original), path]),
        None => {
            if virt_sys::find_program("ploop").is_none() {
                return Err(internal("unable to find ploop, please install ploop tools"));
            }
            let bare = Volume { backing: None, ..it.volume.clone() };
            directory(&bare)?;
            let size = format!("{}M", it.volume.capacity.unwrap_or(0).div_ceil(1 << 20));
            Command::new("ploop", ["init", "-s", &size, "-t", "ext4", &format!("{path}/root.hds")])
        }
    };
    command.run().map(drop).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(path);
    })
}

fn with_qemu_img(it: &Build) -> Result<()> {
    if it.reflink {
        let detail = "unsupported flags (0x2) in function storageBackendCreateQemuImg";
        return Err(invalid_arg(detail).verbatim());
    }
    if virt_sys::find_program("qemu-img").is_none() {
        return Err(internal("creation of non-raw file images is not supported without qemu-img."));
    }
    let path = path_of(&it.volume);
    let creation = Creation {
        volume: &it.volume,
        original: it.original.as_ref(),
        preallocate: it.preallocate,
        secret: it.secret.as_ref().and_then(SecretFile::path),
        original_secret: it.original_secret.as_ref().and_then(SecretFile::path),
    };
    for step in creation.steps() {
        let arguments = creation.arguments(*step)?;
        check_backing(it)?;
        let done = Command::new("qemu-img", arguments).run().and_then(|_| own(&it.volume));
        if let Err(error) = done {
            if *step != Step::Only || Path::new(path).exists() && it.volume.kind == VolumeType::File {
                let _ = std::fs::remove_file(path);
            }
            return Err(error);
        }
    }
    Ok(())
}

/// An image that can not be read is not put behind another one.
fn check_backing(it: &Build) -> Result<()> {
    let Some(named) = it.volume.backing.as_ref().and_then(|backing| backing.path.as_deref()) else {
        return Ok(());
    };
    let path = if named.starts_with('/') { named.to_owned() } else { format!("{}/{named}", it.directory) };
    rustix::fs::access(&path, Access::READ_OK)
        .map_err(|error| errno(format_args!("inaccessible backing store volume {named}"), error))
}

/// Gives what a program made its owner and mode.
fn own(volume: &Volume) -> Result<()> {
    let path = path_of(volume);
    let found =
        std::fs::metadata(path).map_err(|error| system(format_args!("failed to create {path}"), error))?;
    let wanted = &volume.target.permissions;
    let owner = wanted.owner.filter(|owner| *owner != found.uid());
    let group = wanted.group.filter(|group| *group != found.gid());
    if owner.is_some() || group.is_some() {
        std::os::unix::fs::chown(path, owner, group)
            .map_err(|error| system(format_args!("cannot chown {path}"), error))?;
    }
    let mode = wanted.mode.unwrap_or(DEFAULT_MODE);
    if mode != found.mode() & 0o777 {
        std::fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| system(format_args!("cannot set mode of '{path}' to {mode:04o}"), error))?;
    }
    Ok(())
}
