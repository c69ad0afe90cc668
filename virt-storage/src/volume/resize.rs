//! Changing the size of a volume.

use std::fs::OpenOptions;

use rustix::fs::FallocateFlags;
use virt_conf::common::encryption::EncryptionFormat;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::Volume;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::secret_file::SecretFile;
use super::{image_format, path_of, qemu_img};
use crate::command::Command;
use crate::error::{internal, refuse, unsupported};

/// A volume that is to have another size.
#[derive(Debug)]
pub(crate) struct Resize {
    pub(crate) volume: Volume,
    /// Bytes.
    pub(crate) capacity: u64,
    /// `VIR_STORAGE_VOL_RESIZE_ALLOCATE`
    pub(crate) allocate: bool,
    pub(crate) secret: Option<SecretFile>,
}

/// Changes it.
pub(crate) fn resize(it: &Resize) -> Result<()> {
    let volume = &it.volume;
    let format = image_format(volume);
    let encryption = volume.target.encryption.as_ref();
    match format {
        Some(ImageFormat::Raw) if encryption.is_none() => return raw(it),
        Some(ImageFormat::Ploop) => {
            let size = format!("{}M", it.capacity.div_ceil(1 << 20));
            let description = format!("{}/DiskDescriptor.xml", path_of(volume));
            return Command::new("ploop", ["resize", "-s", &size, &description]).run().map(drop);
        }
        _ => {}
    }
    if it.allocate {
        let which =
            if format == Some(ImageFormat::Raw) { "an unencrypted raw volume" } else { "raw type volume" };
        let detail = format!("preallocate is only supported for {which}");
        return Err(refuse(ErrorCode::OperationUnsupported, detail));
    }
    let old =
        encryption.is_some_and(|it| matches!(it.format, EncryptionFormat::Qcow | EncryptionFormat::Default));
    if old && matches!(format, Some(ImageFormat::Qcow | ImageFormat::Qcow2)) {
        return Err(unsupported("resize of qcow2 encrypted image is not supported"));
    }
    if virt_sys::find_program("qemu-img").is_none() {
        return Err(internal("unable to find qemu-img"));
    }
    let secret = it.secret.as_ref().and_then(SecretFile::path);
    Command::new("qemu-img", qemu_img::resize_arguments(volume, it.capacity, secret)).run().map(drop)
}

fn raw(it: &Resize) -> Result<()> {
    let path = path_of(&it.volume);
    let wrong = |doing: &str, error: std::io::Error| {
        Error::system(ErrorDomain::None, format_args!("{doing} '{path}'"), error)
    };
    let file = OpenOptions::new().write(true).open(path).map_err(|error| wrong("Unable to open", error))?;
    if it.allocate {
        let size = file.metadata().map_err(|error| wrong("Unable to stat", error))?.len();
        if it.capacity > size {
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, it.capacity)
                .map_err(|error| wrong("Failed to pre-allocate space for file", error.into()))?;
        }
    }
    file.set_len(it.capacity).map_err(|error| wrong("Failed to truncate file", error))?;
    file.sync_all().map_err(|error| wrong("Unable to save", error))
}
