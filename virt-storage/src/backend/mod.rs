//! What each type of pool does with its storage.

mod device;
mod directory;
mod file_system;
mod logical;
mod multipath;
mod scsi;

use virt_conf::storage_pool::{PoolSource, PoolType, StoragePool};
use virt_conf::storage_volume::Volume;
use virt_types::Result;

pub use file_system::gluster_sources;

use crate::error::{cannot, invalid};
use crate::pool::Volumes;
use crate::probe;
use crate::volume::{self, Build, Resize};

/// `VIR_STORAGE_POOL_BUILD_NO_OVERWRITE`
pub(crate) const NO_OVERWRITE: u32 = 0x4;
/// `VIR_STORAGE_POOL_BUILD_OVERWRITE`
pub(crate) const OVERWRITE: u32 = 0x8;

/// A type of pool. Everything blocks; what is not overridden is what the type can not do.
pub(crate) trait Backend: Sync {
    /// Whether the storage is there, of a pool that ran when the last process ended.
    fn is_there(&self, pool: &StoragePool) -> Result<bool> {
        let _ = pool;
        Ok(false)
    }

    /// Makes the storage.
    fn build(&self, pool: &StoragePool, flags: u32) -> Result<()> {
        let _ = (pool, flags);
        Ok(())
    }

    /// Makes the storage accessible.
    fn start(&self, pool: &StoragePool) -> Result<()> {
        let _ = pool;
        Ok(())
    }

    /// Undoes what `start` did.
    fn stop(&self, pool: &StoragePool) -> Result<()> {
        let _ = pool;
        Ok(())
    }

    /// Removes the storage.
    fn delete(&self, pool: &StoragePool, flags: u32) -> Result<()> {
        let _ = (pool, flags);
        Err(cannot("pool does not support pool deletion"))
    }

    /// Finds the volumes, and the sizes of the pool.
    fn refresh(&self, pool: &mut StoragePool) -> Result<Volumes>;

    /// Whether sources of pools of this type can be looked for.
    fn finds_sources(&self, kind: PoolType) -> bool {
        let _ = kind;
        false
    }

    /// Looks for sources.
    fn find_sources(&self, specification: Option<&PoolSource>) -> Result<Vec<PoolSource>> {
        let _ = specification;
        Ok(Vec::new())
    }

    /// Whether volumes can be made.
    fn makes_volumes(&self) -> bool {
        false
    }

    /// Whether a volume is there when it is allocated, without anything to be written.
    fn makes_at_once(&self) -> bool {
        false
    }

    /// Gives a new volume its type, place and key, and sees that nothing is in the way.
    fn place(&self, pool: &StoragePool, volume: &mut Volume) -> Result<()> {
        let _ = (pool, volume);
        Err(cannot("storage pool does not support volume creation"))
    }

    /// Makes a volume that has its place.
    fn build_volume(&self, pool: &StoragePool, build: &Build) -> Result<()> {
        let _ = pool;
        volume::build(build)
    }

    /// Looks anew at a volume.
    fn refresh_volume(&self, pool: &StoragePool, volume: &mut Volume) -> Result<()> {
        let _ = (pool, volume);
        Ok(())
    }

    /// Removes a volume.
    fn delete_volume(&self, pool: &StoragePool, volume: &Volume) -> Result<()> {
        let _ = (pool, volume);
        Err(cannot("storage pool does not support vol deletion"))
    }

    /// Changes the size of a volume.
    fn resize_volume(&self, resize: &Resize) -> Result<()> {
        let _ = resize;
        Err(cannot("storage pool does not support changing of volume capacity"))
    }

    /// Overwrites a volume.
    fn wipe_volume(&self, volume: &Volume, algorithm: u32) -> Result<()> {
        volume::wipe(volume, algorithm)
    }

    /// Looks at a volume whose content was overwritten.
    fn after_wipe(&self, volume: &mut Volume) -> Result<()> {
        let _ = volume;
        Ok(())
    }
}

/// What does the work for pools of this type; `None` for types that this engine does not serve.
pub(crate) fn of(kind: PoolType) -> Option<&'static dyn Backend> {
    match kind {
        PoolType::Dir | PoolType::Fs | PoolType::Netfs => Some(&file_system::FileSystem),
        PoolType::Logical => Some(&logical::Logical),
        PoolType::Mpath => Some(&multipath::Multipath),
        PoolType::Scsi => Some(&scsi::Scsi),
        PoolType::Disk
        | PoolType::Iscsi
        | PoolType::IscsiDirect
        | PoolType::Rbd
        | PoolType::Sheepdog
        | PoolType::Gluster
        | PoolType::Zfs
        | PoolType::Vstorage => None,
    }
}

/// The command that starting a pool of this configuration runs; `None` where it runs none.
///
/// ```
/// use virt_conf::storage_pool::StoragePool;
///
/// let mut pool = StoragePool::parse("<pool type='logical'><source><name>vg0</name></source></pool>")?;
/// pool.fill(None);
/// assert_eq!(virt_storage::start_command(&pool).unwrap().join(" "), "vgchange -aly vg0");
/// # Ok::<(), virt_types::Error>(())
/// ```
#[must_use]
pub fn start_command(pool: &StoragePool) -> Option<Vec<String>> {
    match pool.kind {
        PoolType::Fs | PoolType::Netfs => Some(file_system::mount_command(pool).words()),
        PoolType::Logical => Some(logical::change_command(pool, true).words()),
        _ => None,
    }
}

/// The volumes that files are have their place below the pool's.
fn place_file(pool: &StoragePool, volume: &mut Volume) -> Result<()> {
    use virt_conf::common::storage_source::ImageFormat;
    use virt_conf::storage_volume::VolumeType;
    volume.kind = match volume::image_format(volume) {
        Some(ImageFormat::Dir) => VolumeType::Dir,
        Some(ImageFormat::Ploop) => VolumeType::Ploop,
        _ => VolumeType::File,
    };
    if volume.name.contains('/') {
        return Err(invalid(format!("volume name '{}' cannot contain '/'", volume.name)));
    }
    let path = format!("{}/{}", pool.target_path(), volume.name);
    if rustix::fs::access(&path, rustix::fs::Access::EXISTS).is_ok() {
        return Err(invalid(format!("volume target path '{path}' already exists")));
    }
    volume.key = Some(path.clone());
    volume.target.path = Some(path);
    Ok(())
}

/// Removes a volume that is a file or a directory; one that is gone already is no error.
fn delete_file(volume: &Volume) -> Result<()> {
    use virt_conf::storage_volume::VolumeType;
    let path = volume::path_of(volume);
    let (removed, doing) = match volume.kind {
        VolumeType::File => (std::fs::remove_file(path), "unlink file"),
        VolumeType::Dir => (std::fs::remove_dir(path), "remove directory"),
        VolumeType::Ploop => (std::fs::remove_dir_all(path), "delete directory"),
        VolumeType::Block | VolumeType::Network | VolumeType::Netdir => {
            return Err(cannot(format!("removing block or network volumes is not supported: {path}")));
        }
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(crate::error::system(format_args!("cannot {doing} '{path}'"), error))
        }
        _ => Ok(()),
    }
}

fn refresh_file(volume: &mut Volume) -> Result<()> {
    probe::refresh(volume)
}
