//! Copying the bytes of one volume into another.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use virt_conf::storage_volume::Volume;
use virt_types::Result;

use super::{DEFAULT_MODE, path_of};
use crate::error::{errno, system};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;
/// Zeros are left out in pieces of so many bytes.
const PIECE: usize = 4096;

/// How the bytes are copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copy {
    /// Zeros need not be written.
    pub(crate) sparse: bool,
    /// The file system is to share the bytes.
    pub(crate) reflink: bool,
}

/// Copies at most `length` bytes from the beginning and answers how many there were.
pub(crate) fn copy(from: &Volume, mut to: &File, to_path: &str, length: u64, how: Copy) -> Result<u64> {
    let from_path = path_of(from);
    let input = File::open(from_path)
        .map_err(|error| system(format_args!("could not open input path '{from_path}'"), error))?;
    if how.reflink {
        rustix::fs::ioctl_ficlone(to, &input)
            .map_err(|error| errno(format_args!("failed to clone files from '{from_path}'"), error))?;
        return Ok(length);
    }
    let mut buffer = vec![0; BLOCK];
    let mut input = input.take(length);
    let mut done = 0;
    loop {
        let count = input
            .read(&mut buffer)
            .map_err(|error| system(format_args!("failed reading from file '{from_path}'"), error))?;
        if count == 0 {
            break;
        }
        for piece in buffer[..count].chunks(PIECE) {
            if how.sparse && piece.iter().all(|byte| *byte == 0) {
                to.seek(SeekFrom::Current(piece.len() as i64))
                    .map_err(|error| system(format_args!("cannot extend file '{to_path}'"), error))?;
            } else {
                to.write_all(piece)
                    .map_err(|error| system(format_args!("failed writing to file '{to_path}'"), error))?;
            }
        }
        done += count as u64;
    }
    to.sync_data().map_err(|error| system(format_args!("cannot sync data to file '{to_path}'"), error))?;
    Ok(done)
}

/// Fills a device that is there with another volume's bytes, and gives it its owner and mode.
pub(crate) fn into_device(volume: &Volume, original: &Volume, reflink: bool) -> Result<()> {
    let path = path_of(volume);
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| system(format_args!("cannot create path '{path}'"), error))?;
    copy(original, &device, path, volume.capacity.unwrap_or(0), Copy { sparse: false, reflink })?;
    let found = device.metadata().map_err(|error| system(format_args!("stat of '{path}' failed"), error))?;
    let wanted = &volume.target.permissions;
    let owner = wanted.owner.filter(|owner| *owner != found.uid());
    let group = wanted.group.filter(|group| *group != found.gid());
    if owner.is_some() || group.is_some() {
        std::os::unix::fs::fchown(&device, owner, group)
            .map_err(|error| system(format_args!("cannot chown '{path}'"), error))?;
    }
    let mode = wanted.mode.unwrap_or(DEFAULT_MODE);
    device
        .set_permissions(std::fs::Permissions::from_mode(mode))
        .map_err(|error| system(format_args!("cannot set mode of '{path}' to {mode:04o}"), error))
}

/// Writes zeros over a part of a file or device.
pub(crate) fn zero(file: &File, from: u64, length: u64) -> std::io::Result<()> {
    let zeros = vec![0; BLOCK];
    let (mut at, end) = (from, from.saturating_add(length));
    while at < end {
        let count = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
        file.write_all_at(&zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}
