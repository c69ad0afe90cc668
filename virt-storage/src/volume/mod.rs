//! What is done to volumes that are files or devices of the host.

mod build;
mod copy;
pub mod qemu_img;
mod raw;
mod resize;
mod secret_file;
mod stream;
mod wipe;

pub(crate) use build::{Build, build};
pub(crate) use copy::zero;
pub(crate) use raw::set_copy_on_write;
pub(crate) use resize::{Resize, resize};
pub(crate) use secret_file::SecretFile;
pub(crate) use stream::{Direction, VolumeStream};
pub(crate) use wipe::{check_algorithm, wipe};

use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::{Volume, VolumeFormat};

/// The mode of a volume whose document gives none.
pub(crate) const DEFAULT_MODE: u32 = 0o600;

/// The image format of a volume, if it is an image.
pub(crate) const fn image_format(volume: &Volume) -> Option<ImageFormat> {
    match volume.target.format {
        Some(VolumeFormat::Image(format)) => Some(format),
        Some(VolumeFormat::Partition(_)) | None => None,
    }
}

/// Where a volume is.
pub(crate) fn path_of(volume: &Volume) -> &str {
    volume.target.path.as_deref().unwrap_or_default()
}

/// What it is to take of its pool.
pub(crate) fn wanted_allocation(volume: &Volume) -> u64 {
    volume.allocation.or(volume.capacity).unwrap_or(0)
}
