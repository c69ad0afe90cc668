//! Finding the disk that a caller names.

use virt_conf::domain::Domain;
use virt_conf::domain::device::Disk;
use virt_types::Result;

use super::refusal::invalid_argument;

/// The disk with this target, or, for a name with a slash in front, with this source.
pub(super) fn find<'a>(domain: &'a Domain, name: &str) -> Option<&'a Disk> {
    let disks = &domain.devices.disks;
    if name.starts_with('/') {
        return disks.iter().find(|disk| disk.source.location.local_path() == Some(name));
    }
    disks.iter().find(|disk| disk.name() == name)
}

/// The same, with libvirt's refusal.
pub(super) fn by_name<'a>(domain: &'a Domain, name: &str) -> Result<&'a Disk> {
    find(domain, name).ok_or_else(|| invalid_argument(format!("disk '{name}' not found in domain")))
}
