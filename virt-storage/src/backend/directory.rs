//! The files in a directory, as volumes.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use virt_conf::storage_pool::{PoolType, StoragePool};
use virt_types::Result;

use super::{NO_OVERWRITE, OVERWRITE};
use crate::error::{errno, invalid_arg, system};
use crate::pool::Volumes;
use crate::probe;
use crate::volume;

/// The mode of a directory whose pool gives none.
const DEFAULT_MODE: u32 = 0o711;

/// Refuses flags that a build does not know, and those that exclude each other.
pub(super) fn check_build(flags: u32) -> Result<()> {
    let both = OVERWRITE | NO_OVERWRITE;
    let function = "virStorageBackendFileSystemBuild";
    virt_driver::flags::check_bits(flags, both, virt_types::ErrorDomain::Storage, function)?;
    if flags & both == both {
        let detail = "Flags 'VIR_STORAGE_POOL_BUILD_OVERWRITE' and 'VIR_STORAGE_POOL_BUILD_NO_OVERWRITE' are mutually exclusive";
        return Err(invalid_arg(detail).verbatim());
    }
    Ok(())
}

/// Makes the directory of a pool, or gives one that is there the owner and mode of the pool.
pub(super) fn make_directory(pool: &StoragePool) -> Result<()> {
    let path = pool.target_path();
    if !path.contains('/') {
        return Err(invalid_arg(format!("path '{path}' is not absolute")));
    }
    if let Some(parent) = Path::new(path).parent().filter(|parent| parent.parent().is_some()) {
        std::fs::create_dir_all(parent)
            .map_err(|error| system(format_args!("cannot create path '{}'", parent.display()), error))?;
    }
    let Some(target) = &pool.target else { return Ok(()) };
    let wanted = &target.permissions;
    let exists = Path::new(path).exists();
    let mode = wanted.mode.or_else(|| (pool.kind == PoolType::Netfs || !exists).then_some(DEFAULT_MODE));
    if !exists {
        DirBuilder::new()
            .mode(mode.unwrap_or(DEFAULT_MODE))
            .create(path)
            .map_err(|error| system(format_args!("failed to create directory '{path}'"), error))?;
    }
    if wanted.owner.is_some() || wanted.group.is_some() {
        std::os::unix::fs::chown(path, wanted.owner, wanted.group)
            .map_err(|error| system(format_args!("cannot chown '{path}'"), error))?;
    }
    if let Some(mode) = mode {
        std::fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| system(format_args!("cannot set mode of '{path}' to {mode:04o}"), error))?;
    }
    if let Some(cow) = pool.cow {
        let file =
            File::open(path).map_err(|error| system(format_args!("unable to open '{path}'"), error))?;
        volume::set_copy_on_write(path, &file, cow)?;
    }
    Ok(())
}

pub(super) fn remove_directory(pool: &StoragePool) -> Result<()> {
    let path = pool.target_path();
    std::fs::remove_dir(path).map_err(|error| system(format_args!("failed to remove pool '{path}'"), error))
}

/// The volumes in the pool's directory, and the pool's sizes and owner.
pub(super) fn scan_pool(pool: &mut StoragePool) -> Result<Volumes> {
    let path = pool.target_path().to_owned();
    let volumes = scan(&path)?;
    let permissions = probe::describe_directory(&path)?;
    measure(pool, &path)?;
    if let Some(target) = &mut pool.target {
        target.permissions = permissions;
    }
    Ok(volumes)
}

/// The volumes in a directory.
fn scan(path: &str) -> Result<Volumes> {
    let wrong = |error| system(format_args!("cannot open directory '{path}'"), error);
    let mut volumes = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let name = entry
            .map_err(|error| system(format_args!("Unable to read directory '{path}'"), error))?
            .file_name();
        // A document could not name it.
        let Some(name) = name.to_str().filter(|name| !name.chars().any(char::is_control)) else {
            log::warn!("passed over a file in '{path}' whose name is no text of one line");
            continue;
        };
        volumes.extend(probe::discover(path, name)?);
    }
    Ok(volumes.into_iter().collect())
}

/// Takes the sizes of a pool from the file system below it.
fn measure(pool: &mut StoragePool, path: &str) -> Result<()> {
    let found = rustix::fs::statvfs(path)
        .map_err(|error| errno(format_args!("cannot statvfs path '{path}'"), error))?;
    pool.capacity = found.f_frsize.saturating_mul(found.f_blocks);
    pool.available = found.f_bfree.saturating_mul(found.f_frsize);
    pool.allocation = pool.capacity.saturating_sub(pool.available);
    Ok(())
}
