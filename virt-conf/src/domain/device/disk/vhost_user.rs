//! A disk that another process plays: what only that process could do is refused.

use super::{Disk, DiskBus, DiskCache, Geometry, SnapshotLocation};
use crate::Result;
use crate::error::unsupported;

pub(super) fn validate(disk: &Disk) -> Result<()> {
    if disk.bus() != DiskBus::Virtio {
        return Err(unsupported("vhostuser disk supports only virtio bus"));
    }
    if disk.snapshot != Some(SnapshotLocation::No) {
        return Err(unsupported("only snapshot=no is supported with vhostuser disk"));
    }
    let (driver, source) = (&disk.driver, &disk.source);
    for (what, given) in [
        ("cache", driver.cache != DiskCache::Default),
        ("error_policy", driver.error_policy.is_some() || driver.rerror_policy.is_some()),
        ("io", driver.io.is_some()),
        ("ioeventfd", driver.ioeventfd.is_some()),
        ("copy_on_read", driver.copy_on_read.is_some()),
        ("discard", driver.discard.is_some()),
        ("iothread", driver.iothread.is_some()),
        ("detect_zeroes", driver.detect_zeroes.is_some()),
        ("metadata_cache", source.metadata_cache.is_some()),
        ("iotune", disk.iotune.group_name.is_some() || disk.iotune.has_limits()),
        ("backingStore", source.backing.is_some()),
        ("encryption", source.encryption.is_some()),
        ("readonly", source.readonly),
        ("shareable", source.shared),
        ("transient", disk.transient.is_some()),
        ("serial", disk.serial.is_some()),
        ("wwn", disk.wwn.is_some()),
        ("vendor", disk.vendor.is_some()),
        ("product", disk.product.is_some()),
        ("auth", source.auth.is_some()),
        ("geometry", disk.geometry != Geometry::default()),
        ("blockio", disk.blockio != super::BlockIo::default()),
    ] {
        if given {
            return Err(unsupported(format!("{what} is not supported with vhostuser disk")));
        }
    }
    Ok(())
}
