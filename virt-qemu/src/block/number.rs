//! The numbers by which the images of a running domain are known.

use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{DiskBus, HostdevSource};

/// Gives every image of a domain that starts its number: from the last disk to the first, and from each disk's own
/// image to the one furthest behind it. A drive without a medium
/// takes up a number too; what QEMU does not read itself has none.
/// SCSI units of the host follow.
pub fn number_images(domain: &mut Domain) {
    let mut next = 1;
    for disk in domain.devices.disks.iter_mut().rev() {
        let elsewhere = matches!(disk.source.location, Location::VhostUser { .. });
        if elsewhere || disk.target.bus == Some(DiskBus::Sd) {
            continue;
        }
        let mut source = Some(&mut disk.source);
        while let Some(image) = source {
            image.index = (!image.is_empty()).then_some(next);
            next += 1;
            source = image.backing_source_mut();
        }
    }
    for hostdev in &mut domain.devices.hostdevs {
        if let HostdevSource::Scsi(scsi) = &mut hostdev.source {
            scsi.index = Some(next);
            next += 1;
        }
    }
}
