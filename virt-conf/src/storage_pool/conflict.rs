//! Whether two pools would be the same storage.

use super::{Adapter, PoolSource, PoolType, StoragePool};

impl StoragePool {
    /// Whether the pools have something in common that only one pool may have: a directory, a device, a share.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let (one, two) = (&self.source, &other.source);
        let same_kind = self.kind == other.kind;
        match self.kind {
            PoolType::Dir => same_kind && self.target_path() == other.target_path(),
            PoolType::Netfs => same_kind && one.dir == two.dir && same_host(one, two),
            PoolType::Gluster => {
                same_kind && one.name == two.name && one.dir == two.dir && same_host(one, two)
            }
            PoolType::Scsi => {
                same_kind
                    && match (&one.adapter, &two.adapter) {
                        (Some(Adapter::FcHost(one)), Some(Adapter::FcHost(two))) => {
                            one.wwnn == two.wwnn && one.wwpn == two.wwpn
                        }
                        (one, two) => one == two,
                    }
            }
            PoolType::Iscsi => {
                same_kind && same_device(one, two) && same_host(one, two) && one.initiator == two.initiator
            }
            // What is on a device is on it whatever the pool calls it.
            PoolType::Fs | PoolType::Logical | PoolType::Disk | PoolType::Zfs => {
                let local =
                    matches!(other.kind, PoolType::Fs | PoolType::Logical | PoolType::Disk | PoolType::Zfs);
                local && same_device(one, two)
            }
            PoolType::Sheepdog => same_kind && same_host(one, two),
            // A host has all its multipath devices in one.
            PoolType::Mpath => same_kind,
            PoolType::Vstorage => same_kind && one.name == two.name,
            PoolType::IscsiDirect | PoolType::Rbd => false,
        }
    }

    /// `<target><path>`; empty where there is none.
    #[must_use]
    pub fn target_path(&self) -> &str {
        self.target.as_ref().map_or("", |target| &target.path)
    }
}

fn same_device(one: &PoolSource, two: &PoolSource) -> bool {
    let has = |path: &str| two.devices.iter().any(|device| device.path == path);
    one.devices.iter().any(|device| has(&device.path))
}

fn same_host(one: &PoolSource, two: &PoolSource) -> bool {
    let (Some(one), Some(two)) = (one.hosts.first(), two.hosts.first()) else { return false };
    one.name == two.name && (two.port == 0 || one.port == two.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_conflict_by_what_they_are_made_of() {
        let pool = |kind: &str, source: &str, path: &str| {
            let xml = format!(
                "<pool type='{kind}'><name>a</name><source>{source}</source><target><path>{path}</path></target></pool>"
            );
            let mut pool = StoragePool::parse(&xml).unwrap();
            pool.fill(None);
            pool
        };
        let dir = |path: &str| pool("dir", "", path);
        let disk = |device: &str| pool("disk", &format!("<device path='{device}'/>"), "/dev");
        let nfs = |host: &str, dir: &str| {
            pool("netfs", &format!("<host name='{host}'/><dir path='{dir}'/>"), "/mnt")
        };
        for (one, other, same) in [
            (dir("/a"), dir("/a"), true),
            (dir("/a"), dir("/b"), false),
            (disk("/dev/sda"), disk("/dev/sda"), true),
            (disk("/dev/sda"), disk("/dev/sdb"), false),
            (disk("/dev/sda"), pool("fs", "<device path='/dev/sda'/>", "/m"), true),
            (dir("/dev"), disk("/dev/sda"), false),
            (nfs("h", "/e"), nfs("h", "/e"), true),
            (nfs("h", "/e"), nfs("g", "/e"), false),
            (nfs("h", "/e"), nfs("h", "/f"), false),
            (pool("mpath", "", "/dev/mapper"), pool("mpath", "", "/dev/other"), true),
        ] {
            assert_eq!(one.conflicts_with(&other), same, "{} {}", one.format(), other.format());
        }
    }
}
