//! Volumes.

use virt_conf::storage_pool::PoolType;
use virt_conf::storage_volume::{Capacity, Volume};
use virt_driver::{VolumeInfo, VolumeRef};
use virt_types::{Error, ErrorCode, Result};

use super::{Pool, PoolList};
use crate::error::{internal, refuse};

/// What a volume takes of its pool: all that it can hold unless its document says otherwise.
pub(super) fn allocation(volume: &Volume) -> u64 {
    volume.allocation.or(volume.capacity).unwrap_or_default()
}

fn no_volume(what: &str, value: &str) -> Error {
    refuse(ErrorCode::NoStorageVol, format!("no storage vol with matching {what} '{value}'"))
}

/// What the volumes of a pool of this kind are (`virStorageVolType`).
const fn kind_of(pool: PoolType) -> u8 {
    match pool {
        PoolType::Dir | PoolType::Fs | PoolType::Netfs | PoolType::Vstorage => 0,
        PoolType::Logical
        | PoolType::Disk
        | PoolType::Mpath
        | PoolType::Iscsi
        | PoolType::Scsi
        | PoolType::Zfs => 1,
        PoolType::Sheepdog | PoolType::IscsiDirect | PoolType::Gluster | PoolType::Rbd => 3,
    }
}

impl Pool {
    pub(super) fn volume(&self, name: &str) -> Result<&Volume> {
        let found = self.volumes.iter().find(|volume| volume.name == name);
        found.ok_or_else(|| no_volume("name", name))
    }

    pub(super) fn reference(&self, volume: &Volume) -> VolumeRef {
        VolumeRef {
            pool: self.config.name.clone(),
            name: volume.name.clone(),
            key: volume.key.clone().unwrap_or_default(),
        }
    }

    /// Makes a volume; the name of the one that is copied has to be one of this pool's.
    pub(super) fn create_volume(&mut self, xml: &str, original: Option<&str>) -> Result<VolumeRef> {
        let mut volume = Volume::parse(xml, self.config.kind, Capacity::Required)?;
        if self.volume(&volume.name).is_ok() {
            return Err(refuse(ErrorCode::OperationFailed, "storage vol already exists"));
        }
        if let Some(original) = original {
            self.volume(original)?;
        }
        if self.config.allocation.saturating_add(allocation(&volume)) > self.config.capacity {
            return Err(internal(format!("Not enough free space in pool for volume '{}'", volume.name)));
        }
        let path = format!("{}/{}", self.path(), volume.name);
        volume.key = Some(path.clone());
        volume.target.path = Some(path);
        let reference = self.reference(&volume);
        self.put(volume);
        Ok(reference)
    }

    pub(super) fn delete_volume(&mut self, name: &str) -> Result<()> {
        let freed = allocation(self.volume(name)?);
        self.volumes.retain(|volume| volume.name != name);
        self.set_allocation(self.config.allocation.saturating_sub(freed));
        Ok(())
    }

    pub(super) fn volume_info(&self, name: &str) -> Result<VolumeInfo> {
        let volume = self.volume(name)?;
        Ok(VolumeInfo {
            kind: kind_of(self.config.kind),
            capacity: volume.capacity.unwrap_or_default(),
            allocation: allocation(volume),
        })
    }
}

impl PoolList {
    /// The volume of a running pool for which this holds; `what` and `value` say what was looked for.
    pub(super) fn find_volume(
        &self,
        what: &str,
        value: &str,
        is: impl Fn(&Volume) -> bool,
    ) -> Result<VolumeRef> {
        let running = self.0.iter().filter(|pool| pool.active);
        let volumes = running.flat_map(|pool| pool.volumes.iter().map(move |volume| (pool, volume)));
        let found = volumes.into_iter().find(|(_, volume)| is(volume));
        found.map(|(pool, volume)| pool.reference(volume)).ok_or_else(|| no_volume(what, value))
    }
}
