//! Images in storage pools: where they really are.

use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::{ImageFormat, Location, PoolMode};
use virt_conf::domain::Domain;
use virt_conf::storage_pool::PoolType;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::caps::Capabilities;
use crate::device::disk::check_source;
use crate::error::{unsupported, xml_error};
use crate::host::HostPool;

use super::PrepareContext;

/// Looks up the volumes that disks are, where the host's pools are known.
///
/// # Errors
/// `VIR_ERR_NO_STORAGE_POOL` and `VIR_ERR_NO_STORAGE_VOL` for what is not there, and for volumes that QEMU can not use so.
pub(crate) fn look_up(domain: &mut Domain, cx: &PrepareContext<'_>) -> Result<()> {
    let Some(pools) = &cx.host.pools else { return Ok(()) };
    for disk in &mut domain.devices.disks {
        let mut source = Some(&mut disk.source);
        while let Some(image) = source {
            look_up_image(image, cx.caps, |name| pools.iter().find(|pool| pool.name == name))?;
            source = image.backing_source_mut();
        }
    }
    Ok(())
}

fn look_up_image<'a>(
    image: &mut StorageSource,
    caps: &Capabilities,
    pool_named: impl FnOnce(&str) -> Option<&'a HostPool>,
) -> Result<()> {
    let Location::Volume(volume) = &mut image.location else { return Ok(()) };
    let (Some(pool), Some(name)) = (&volume.pool, &volume.volume) else { return Ok(()) };
    let missing = |code, detail| Error::new(code, ErrorDomain::Storage, detail);
    let pool = pool_named(pool).ok_or_else(|| {
        missing(ErrorCode::NoStoragePool, format!("no storage pool with matching name '{pool}'"))
    })?;
    let found = pool.volumes.iter().find(|volume| volume.name == *name).ok_or_else(|| {
        missing(ErrorCode::NoStorageVol, format!("no storage vol with matching name '{name}'"))
    })?;
    if volume.mode.is_some() && pool.kind != PoolType::Iscsi {
        return Err(xml_error("disk source mode is only valid when storage pool is of iscsi type"));
    }
    let path = Some(found.path.clone());
    volume.actual = Some(match pool.kind {
        PoolType::Dir | PoolType::Fs | PoolType::Netfs | PoolType::Vstorage => {
            Location::File { path, fdgroup: None }
        }
        PoolType::Logical | PoolType::Disk | PoolType::Scsi | PoolType::Zfs => Location::Block { path },
        PoolType::Iscsi if volume.mode.is_none_or(|mode| mode == PoolMode::Host) => Location::Block { path },
        PoolType::Iscsi | PoolType::IscsiDirect => {
            return Err(Error::no_support("volumes of iSCSI pools that QEMU connects to itself"));
        }
        other @ (PoolType::Mpath | PoolType::Rbd | PoolType::Sheepdog | PoolType::Gluster) => {
            return Err(unsupported(format!(
                "using '{other}' pools for backing 'volume' disks isn't yet supported"
            )));
        }
    });
    image.format.get_or_insert(ImageFormat::Raw);
    check_source(image, caps)
}
