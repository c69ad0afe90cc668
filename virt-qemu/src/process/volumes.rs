//! The volumes that a guest's disks are, asked of whoever has the storage pools.

use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::storage_pool::PoolType;
use virt_driver::Services;
use virt_types::{Result, TextEnum};

use crate::error::internal;
use crate::host::{HostPool, HostVolume};

/// The pools and volumes that the domain names; `None` where it names none.
///
/// # Errors
/// `VIR_ERR_NO_STORAGE_POOL` and `VIR_ERR_NO_STORAGE_VOL` for what is not there, `VIR_ERR_CONFIG_UNSUPPORTED` for a pool that
/// does not run.
pub(super) async fn of(domain: &Domain, services: &Services) -> Result<Option<Vec<HostPool>>> {
    let mut pools: Vec<HostPool> = Vec::new();
    for image in domain.devices.disks.iter().flat_map(|disk| disk.source.chain()) {
        let Location::Volume(volume) = &image.location else { continue };
        let (Some(pool), Some(name)) = (&volume.pool, &volume.volume) else { continue };
        let found = services.volumes()?.find(pool, name).await?;
        let kind = PoolType::from_text(&found.pool_type)
            .ok_or_else(|| internal(format!("unknown storage pool type {}", found.pool_type)))?;
        let volume = HostVolume { name: name.clone(), path: found.path };
        match pools.iter_mut().find(|known| known.name == *pool) {
            Some(known) => known.volumes.push(volume),
            None => pools.push(HostPool { name: pool.clone(), kind, volumes: vec![volume] }),
        }
    }
    Ok((!pools.is_empty()).then_some(pools))
}
