//! Images that may be missing when a guest starts (`startupPolicy='optional'`).

use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, StartupPolicy};
use virt_driver::DomainEventKind;

use crate::alias;

/// `VIR_DOMAIN_EVENT_DISK_CHANGE_MISSING_ON_START`
const EMPTY: i32 = 0;
/// `VIR_DOMAIN_EVENT_DISK_DROP_MISSING_ON_START`
const DROPPED: i32 = 1;

/// Takes missing media out of their drives, and leaves disks without an image away. The events that tell of it.
pub(super) fn drop_missing(live: &mut Domain) -> Vec<DomainEventKind> {
    if live.devices.disks.iter().all(|disk| missing(disk).is_none()) {
        return Vec::new();
    }
    let mut named = live.clone();
    alias::assign(&mut named);
    let mut events = Vec::new();
    let mut names = named.devices.disks.into_iter().map(|disk| disk.info.alias.unwrap_or_default());
    live.devices.disks.retain_mut(|disk| {
        let alias = names.next().unwrap_or_default();
        let Some(path) = missing(disk) else { return true };
        let removable = disk.is_removable();
        events.push(DomainEventKind::DiskChange {
            old_source: Some(path.to_owned()),
            new_source: None,
            alias,
            reason: if removable { EMPTY } else { DROPPED },
        });
        if removable {
            disk.source.location = Location::File { path: None, fdgroup: None };
            disk.source.backing = None;
        }
        removable
    });
    events
}

/// The image of a disk that may be missing, if it is.
fn missing(disk: &Disk) -> Option<&str> {
    let path = disk.source.location.local_path().filter(|_| !disk.source.is_empty())?;
    let optional = disk.startup_policy == Some(StartupPolicy::Optional);
    (optional && !std::path::Path::new(path).exists()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_conf::ParseFlags;

    #[test]
    fn drives_are_emptied_and_disks_left_away() {
        let disk = |device: &str, target: &str, bus: &str, path: &str, policy: &str| {
            format!(
                "<disk type='file' device='{device}'><source file='{path}' {policy}/><target dev='{target}' bus='{bus}'/></disk>"
            )
        };
        let optional = "startupPolicy='optional'";
        let xml = format!(
            "<domain type='qemu'><name>a</name><memory>1</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>{}{}{}{}</devices></domain>",
            disk("cdrom", "hda", "ide", "/not/there", optional),
            disk("disk", "vda", "virtio", "/not/there/either", optional),
            disk("cdrom", "hdb", "ide", "/proc/self/exe", optional),
            disk("disk", "vdb", "virtio", "/not/there", "startupPolicy='mandatory'"),
        );
        let mut live = Domain::parse(&xml, ParseFlags::INACTIVE).unwrap();
        let told: Vec<_> = drop_missing(&mut live)
            .into_iter()
            .map(|event| match event {
                DomainEventKind::DiskChange { old_source, new_source: None, reason, .. } => {
                    (old_source.unwrap(), reason)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [("/not/there".to_owned(), EMPTY), ("/not/there/either".to_owned(), DROPPED)]);
        let left: Vec<_> =
            live.devices.disks.iter().map(|disk| (disk.name(), disk.source.location.local_path())).collect();
        assert_eq!(left, [("hda", None), ("hdb", Some("/proc/self/exe")), ("vdb", Some("/not/there"))]);
        assert!(drop_missing(&mut live).is_empty());
    }
}
