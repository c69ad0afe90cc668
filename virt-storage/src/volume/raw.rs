//! Files without a format.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use rustix::fs::{FallocateFlags, IFlags};
use rustix::io::Errno;
use virt_conf::storage_volume::Volume;
use virt_types::Result;

use super::copy::{self, Copy};
use super::{DEFAULT_MODE, path_of, wanted_allocation};
use crate::error::{cannot, errno, system, unsupported};

/// The number of btrfs in `statfs(2)`.
const BTRFS: i64 = 0x9123_683e;

/// Makes a file; nothing is left of it if that fails.
pub(super) fn create(
    volume: &Volume,
    original: Option<&Volume>,
    preallocate: bool,
    reflink: bool,
) -> Result<()> {
    if preallocate {
        return Err(unsupported("metadata preallocation is not supported for raw volumes"));
    }
    if volume.backing.is_some() {
        return Err(cannot("backing storage not supported for raw volumes"));
    }
    let path = path_of(volume);
    let mode = volume.target.permissions.mode.unwrap_or(DEFAULT_MODE);
    let failed = |error| system(format_args!("Failed to create file '{path}'"), error);
    let file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    let made = own(volume, &file, mode)
        .map_err(failed)
        .and_then(|()| if volume.target.nocow { set_copy_on_write(path, &file, false) } else { Ok(()) })
        .and_then(|()| fill(volume, original, &file, reflink));
    if made.is_err() {
        let _ = std::fs::remove_file(path);
    }
    made
}

fn own(volume: &Volume, file: &File, mode: u32) -> std::io::Result<()> {
    let wanted = &volume.target.permissions;
    if wanted.owner.is_some() || wanted.group.is_some() {
        std::os::unix::fs::fchown(file, wanted.owner, wanted.group)?;
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// Whether a write goes to another place of the disk, which only btrfs lets one choose.
pub(crate) fn set_copy_on_write(path: &str, file: &File, on: bool) -> Result<()> {
    let wrong = |error| errno(format_args!("unable to control COW flag on {path}"), error);
    let system = rustix::fs::fstatfs(file).map_err(wrong)?;
    if system.f_type != BTRFS {
        return Err(errno(format_args!("unable to control COW flag on {path}, not btrfs"), Errno::NOSYS));
    }
    let mut flags = rustix::fs::ioctl_getflags(file).map_err(wrong)?;
    flags.set(IFlags::NOCOW, !on);
    rustix::fs::ioctl_setflags(file, flags).map_err(wrong)
}

fn fill(volume: &Volume, original: Option<&Volume>, file: &File, reflink: bool) -> Result<()> {
    let path = path_of(volume);
    let (capacity, allocation) = (volume.capacity.unwrap_or(0), wanted_allocation(volume));
    let length = original.map_or(0, |original| original.capacity.unwrap_or(0));
    // A copy that is to take less than its original is sparse.
    let mut fill_up = original.is_none() || allocation >= length;
    file.set_len(capacity).map_err(|error| system(format_args!("cannot extend file '{path}'"), error))?;
    if allocation > 0 && fill_up {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, allocation) {
            Ok(()) => fill_up = false,
            Err(Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(error) => {
                return Err(errno(
                    format_args!("cannot allocate {allocation} bytes in file '{path}'"),
                    error,
                ));
            }
        }
    }
    let copied = match original {
        Some(original) => copy::copy(original, file, path, length, Copy { sparse: !fill_up, reflink })?,
        None => 0,
    };
    if fill_up && allocation > copied {
        copy::zero(file, copied, allocation - copied)
            .map_err(|error| system(format_args!("cannot fill file '{path}'"), error))?;
    }
    file.sync_all().map_err(|error| system(format_args!("cannot sync data to file '{path}'"), error))
}
