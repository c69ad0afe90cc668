//! The device that the guest sees.

use virt_conf::common::storage_source::Location;
use virt_conf::domain::device::{Disk, DiskBus, DiskDevice, DiskModel, ErrorPolicy};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::unsupported_bus;
use crate::block::{cache_switches, effective_cache};
use crate::caps::Cap;
use crate::device::common::address::{self, DriveBus};
use crate::device::common::vhost_user_chardev;
use crate::device::common::virtio::{self, Revision};
use crate::error::internal;
use crate::plan::{PlanContext, Props};

/// The device's properties; `drive` is the block node that it uses.
pub(super) fn props(disk: &Disk, drive: Option<String>, cx: &PlanContext<'_>) -> Result<Props> {
    let vhost_user = matches!(disk.source.location, Location::VhostUser { .. });
    let alias = disk.info.alias.clone().unwrap_or_default();
    let scsi_id = (disk.bus() == DiskBus::Scsi && disk.device != DiskDevice::Lun)
        .then(|| disk.serial.clone().unwrap_or_else(|| format!("drive-{alias}")));
    let positive = |number: u32| Some(number).filter(|number| *number > 0);
    let boot = disk.info.effective_boot_order.filter(|_| disk.device != DiskDevice::Floppy);
    // A unit that is passed through has its own cache.
    let write_cache = match disk.device {
        DiskDevice::Lun => None,
        _ => cache_switches(effective_cache(disk)).map(|(write_back, ..)| write_back),
    };
    let (write_error, read_error) = error_policies(disk);
    let geometry = &disk.geometry;
    Ok(driver(disk, cx)?
        .extend(place(disk, cx)?)
        .opt_str("device_id", scsi_id)
        .opt_bool("share-rw", disk.source.shared.then_some(true))
        .opt_str("drive", drive)
        .opt_str("chardev", vhost_user.then(|| vhost_user_chardev(&alias)))
        .str("id", alias)
        .opt_u64("bootindex", boot)
        .opt_u64("logical_block_size", positive(disk.blockio.logical_block_size))
        .opt_u64("physical_block_size", positive(disk.blockio.physical_block_size))
        .opt_u64("discard_granularity", positive(disk.blockio.discard_granularity))
        .opt_u64("wwn", wwn(disk)?)
        .opt_u64("rotation_rate", disk.target.rotation_rate)
        .opt_str("vendor", disk.vendor.clone())
        .opt_str("product", disk.product.clone())
        .opt_bool("removable", removable(disk))
        .opt_on_off("write-cache", write_cache)
        .opt_u64("cyls", positive(geometry.cylinders))
        .opt_u64("heads", positive(geometry.heads))
        .opt_u64("secs", positive(geometry.sectors))
        .opt_str("bios-chs-trans", geometry.translation.map(TextEnum::text))
        // libvirt has escaped spaces ever since a shell read the command line; guests know the serial so.
        .opt_str("serial", disk.serial.as_ref().map(|serial| serial.replace(' ', "\\ ")))
        .opt_str("werror", write_error)
        .opt_str("rerror", read_error))
}

fn driver(disk: &Disk, cx: &PlanContext<'_>) -> Result<Props> {
    let simple = |driver: &str| Ok(Props::new().str("driver", driver));
    let cdrom = disk.device == DiskDevice::Cdrom;
    match disk.bus() {
        DiskBus::Ide | DiskBus::Sata if cdrom => simple("ide-cd"),
        DiskBus::Ide | DiskBus::Sata => simple("ide-hd"),
        DiskBus::Scsi if disk.device == DiskDevice::Lun => simple("scsi-block"),
        DiskBus::Scsi if cdrom => simple("scsi-cd"),
        DiskBus::Scsi => simple("scsi-hd"),
        DiskBus::Usb => simple("usb-storage"),
        DiskBus::Fdc => simple("floppy"),
        DiskBus::Virtio => virtio_driver(disk, cx),
        bus @ (DiskBus::Xen | DiskBus::Uml | DiskBus::Sd) => Err(unsupported_bus(bus)),
    }
}

fn virtio_driver(disk: &Disk, cx: &PlanContext<'_>) -> Result<Props> {
    let vhost_user = matches!(disk.source.location, Location::VhostUser { .. });
    let base = if vhost_user { "vhost-user-blk" } else { "virtio-blk" };
    let revision = match disk.model {
        DiskModel::Default | DiskModel::Virtio => Revision::Any,
        DiskModel::VirtioTransitional => Revision::Transitional,
        DiskModel::VirtioNonTransitional => Revision::NonTransitional,
    };
    let driver = &disk.driver;
    let scsi = match disk.device {
        _ if vhost_user || !cx.caps.has(Cap::VirtioBlkScsi) => None,
        DiskDevice::Lun => Some(true),
        // Before 5.0, QEMU let SCSI commands through unless it was told not to.
        _ => (cx.caps.version > 0 && cx.caps.version < 5_000_000).then_some(false),
    };
    Ok(virtio::props(base, revision, &disk.info, &driver.virtio)?
        .opt_str("iothread", driver.iothread.map(|number| format!("iothread{number}")))
        .opt_bool("ioeventfd", driver.ioeventfd)
        .opt_bool("event_idx", driver.event_idx)
        .opt_bool("scsi", scsi)
        .opt_u64("num-queues", driver.queues)
        .opt_u64("queue-size", driver.queue_size))
}

fn place(disk: &Disk, cx: &PlanContext<'_>) -> Result<Props> {
    let Some(drive) = disk.drive() else { return address::props(cx.domain, &disk.info) };
    let bus = match disk.bus() {
        DiskBus::Ide => DriveBus::Ide,
        DiskBus::Sata => DriveBus::Sata,
        DiskBus::Fdc => DriveBus::Fdc,
        DiskBus::Scsi => DriveBus::Scsi,
        bus @ (DiskBus::Virtio | DiskBus::Usb | DiskBus::Xen | DiskBus::Uml | DiskBus::Sd) => {
            return Err(internal(format!("address type drive is not supported for bus '{bus}'")));
        }
    };
    address::drive_props(cx.domain, drive, bus)
}

fn wwn(disk: &Disk) -> Result<Option<u64>> {
    let Some(text) = &disk.wwn else { return Ok(None) };
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).map(Some).map_err(|error| {
        let detail = format!("Failed to parse wwn '{text}' as number");
        Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail).caused_by(error)
    })
}

fn removable(disk: &Disk) -> Option<bool> {
    match disk.bus() {
        DiskBus::Usb => Some(disk.target.removable.unwrap_or(false)),
        DiskBus::Scsi if disk.device == DiskDevice::Disk => disk.target.removable,
        _ => None,
    }
}

/// What QEMU does when it fails to write, and when it fails to read.
fn error_policies(disk: &Disk) -> (Option<&'static str>, Option<&'static str>) {
    let read = disk.driver.rerror_policy.map(TextEnum::text);
    match disk.driver.error_policy {
        // Only a write can find the disk full.
        Some(ErrorPolicy::Enospace) => (Some("enospc"), read),
        policy => {
            let write = policy.map(TextEnum::text);
            (write, read.or(write))
        }
    }
}
