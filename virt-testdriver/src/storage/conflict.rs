//! Whether two pools would be the same storage.

use virt_conf::storage_pool::{PoolType, StoragePool};

/// Whether the pools have a source in common.
pub(super) fn same_source(one: &StoragePool, other: &StoragePool) -> bool {
    if one.kind != other.kind {
        return false;
    }
    let path = |pool: &StoragePool| pool.target.as_ref().map(|target| target.path.clone());
    let host = |pool: &StoragePool| pool.source.hosts.first().map(|host| host.name.clone());
    let same_device = || {
        let names =
            |pool: &StoragePool, path: &str| pool.source.devices.iter().any(|device| device.path == path);
        one.source.devices.iter().any(|device| names(other, &device.path))
    };
    match one.kind {
        PoolType::Dir => path(one) == path(other),
        PoolType::Netfs | PoolType::Gluster => {
            one.source.dir == other.source.dir
                && one.source.name == other.source.name
                && host(one) == host(other)
        }
        PoolType::Scsi => one.source.adapter == other.source.adapter,
        PoolType::Iscsi | PoolType::IscsiDirect => {
            same_device() && host(one) == host(other) && one.source.initiator == other.source.initiator
        }
        PoolType::Fs | PoolType::Logical | PoolType::Disk | PoolType::Zfs => same_device(),
        PoolType::Mpath | PoolType::Rbd | PoolType::Sheepdog | PoolType::Vstorage => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_conflict_by_what_they_are_made_of() {
        let parse = |xml: &str| StoragePool::parse(xml).unwrap();
        let dir = |name: &str, path: &str| {
            parse(&format!("<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>"))
        };
        let disk = |device: &str| {
            parse(&format!(
                "<pool type='disk'><name>a</name><source><device path='{device}'/></source><target><path>/dev</path></target></pool>"
            ))
        };
        for (one, other, same) in [
            (dir("a", "/a"), dir("b", "/a"), true),
            (dir("a", "/a"), dir("a", "/b"), false),
            (disk("/dev/sda"), disk("/dev/sda"), true),
            (disk("/dev/sda"), disk("/dev/sdb"), false),
            (dir("a", "/dev"), disk("/dev/sda"), false),
        ] {
            assert_eq!(same_source(&one, &other), same, "{} {}", one.format(), other.format());
        }
    }
}
