//! `mpath`: the multipath devices of the host.

use std::fs;
use std::path::Path;

use virt_conf::storage_pool::StoragePool;
use virt_conf::storage_volume::{Volume, VolumeType};
use virt_types::Result;

use super::Backend;
use crate::pool::Volumes;
use crate::probe;

/// Where the kernel shows block devices.
const DEVICES: &str = "/sys/block";
/// How the device mapper's own identities of multipath devices begin.
const IDENTITY: &str = "mpath-";

#[derive(Debug)]
pub(super) struct Multipath;

impl Backend for Multipath {
    fn is_there(&self, _: &StoragePool) -> Result<bool> {
        Ok(Path::new("/dev/mapper").exists() || Path::new("/dev/mpath").exists())
    }

    fn refresh(&self, pool: &mut StoragePool) -> Result<Volumes> {
        let mut found = Vec::new();
        for name in names(Path::new(DEVICES)) {
            let mut volume =
                Volume { kind: VolumeType::Block, name: format!("mapper/{name}"), ..Volume::default() };
            let path = format!("/dev/mapper/{name}");
            volume.key = Some(path.clone());
            volume.target.path = Some(path);
            probe::refresh(&mut volume)?;
            found.push(volume);
        }
        let sum = |size: fn(&Volume) -> Option<u64>| found.iter().filter_map(size).sum();
        pool.capacity = sum(|volume| volume.capacity);
        pool.allocation = sum(|volume| volume.allocation);
        pool.available = 0;
        Ok(found.into_iter().collect())
    }
}

/// The names of multipath devices. A kernel without the device mapper has none.
fn names(devices: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(devices) else { return Vec::new() };
    let name = |directory: &Path| {
        let read = |file: &str| fs::read_to_string(directory.join("dm").join(file)).ok();
        let identity = read("uuid")?;
        identity.starts_with(IDENTITY).then(|| read("name"))?.map(|name| name.trim().to_owned())
    };
    let mut names: Vec<_> = entries.flatten().filter_map(|entry| name(&entry.path())).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_multipath_devices_are_found() {
        let root = std::env::temp_dir().join(format!("virt-storage-mpath-{}", std::process::id()));
        for (device, uuid, name) in
            [("dm-0", "LVM-abc", "vg-lv"), ("dm-1", "mpath-3600", "mpathb"), ("dm-2", "mpath-3601", "mpatha")]
        {
            let dm = root.join(device).join("dm");
            fs::create_dir_all(&dm).unwrap();
            fs::write(dm.join("uuid"), format!("{uuid}\n")).unwrap();
            fs::write(dm.join("name"), format!("{name}\n")).unwrap();
        }
        fs::create_dir_all(root.join("sda")).unwrap();
        assert_eq!(names(&root), ["mpatha", "mpathb"]);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(names(&root), [""; 0]);
    }
}
