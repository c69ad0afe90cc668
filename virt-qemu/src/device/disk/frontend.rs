//! What QEMU refuses of the device that the guest sees.

use virt_conf::common::Address;
use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::domain::MemoryAccess;
use virt_conf::domain::device::{Disk, DiskBus, DiskCache, DiskDevice, DiskIo};
use virt_types::Result;

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::error::{internal, unsupported};

pub(super) fn check(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    let (bus, name) = (disk.bus(), disk.name());
    geometry(disk)?;
    if disk.serial.is_some() && bus == DiskBus::Sd {
        return Err(internal(format!("Serial property not supported for drive bus '{bus}'")));
    }
    if disk.device == DiskDevice::Cdrom && matches!(bus, DiskBus::Virtio | DiskBus::Sd) {
        return Err(unsupported(format!("disk type of '{name}' does not support ejectable media"))
            .with_hint("use bus='sata', bus='scsi' or bus='usb'"));
    }
    copy_on_read(disk)?;
    if disk.wwn.is_some() && !matches!(bus, DiskBus::Ide | DiskBus::Scsi) {
        return Err(unsupported("Only ide and scsi disk support wwn"));
    }
    if (disk.vendor.is_some() || disk.product.is_some()) && bus != DiskBus::Scsi {
        return Err(unsupported("Only scsi disk supports vendor and product"));
    }
    if disk.device == DiskDevice::Lun {
        lun(disk, cx)?;
    }
    rotation(disk, cx)?;
    place(disk, cx)?;
    if disk.source.readonly && disk.device == DiskDevice::Disk && matches!(bus, DiskBus::Ide | DiskBus::Sata)
    {
        return Err(unsupported(format!("readonly {bus} disks are not supported"))
            .with_hint("use bus='virtio' or bus='scsi'"));
    }
    io(disk, cx)?;
    serial(disk)?;
    iothread(disk, cx.domain)
}

fn geometry(disk: &Disk) -> Result<()> {
    if !disk.geometry.is_complete() {
        return Ok(());
    }
    let bus = disk.bus();
    if matches!(bus, DiskBus::Usb | DiskBus::Sd) {
        return Err(unsupported(format!("CHS geometry can not be set for '{bus}' bus")));
    }
    if disk.geometry.translation.is_some() && bus != DiskBus::Ide {
        return Err(unsupported(format!("CHS translation mode can only be set for 'ide' bus not '{bus}'")));
    }
    Ok(())
}

fn copy_on_read(disk: &Disk) -> Result<()> {
    if disk.driver.copy_on_read != Some(true) {
        return Ok(());
    }
    let name = disk.name();
    if disk.source.readonly {
        return Err(unsupported(format!("copy_on_read is not compatible with read-only disk '{name}'")));
    }
    if disk.is_removable() {
        return Err(unsupported(format!("copy_on_read is not supported with removable disk '{name}'")));
    }
    if disk.device == DiskDevice::Lun {
        return Err(unsupported(format!("copy_on_read is not compatible with 'lun' disk '{name}'")));
    }
    Ok(())
}

fn lun(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    let bus = disk.bus();
    if !matches!(bus, DiskBus::Virtio | DiskBus::Scsi) {
        return Err(unsupported(format!("disk device='lun' is not supported for bus='{bus}'")));
    }
    if bus == DiskBus::Scsi && !cx.caps.has(Cap::ScsiBlock) {
        return Err(unsupported("This QEMU doesn't support scsi-block for lun passthrough"));
    }
    if disk.wwn.is_some() {
        return Err(unsupported("Setting wwn is not supported for lun device"));
    }
    if disk.vendor.is_some() || disk.product.is_some() {
        return Err(unsupported("Setting vendor or product is not supported for lun device"));
    }
    Ok(())
}

fn rotation(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    if disk.target.rotation_rate.is_none() {
        return Ok(());
    }
    if !matches!(disk.bus(), DiskBus::Scsi | DiskBus::Ide | DiskBus::Sata) {
        return Err(internal("rotation rate is only valid for SCSI/IDE/SATA bus"));
    }
    if disk.device != DiskDevice::Disk {
        return Err(internal("rotation rate is only valid for disk device"));
    }
    if !cx.caps.has(Cap::RotationRate) {
        return Err(internal("rotation rate is not supported with this QEMU"));
    }
    Ok(())
}

fn place(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    let bus = disk.bus();
    match bus {
        DiskBus::Scsi | DiskBus::Ide | DiskBus::Fdc | DiskBus::Sata => match disk.drive() {
            Some(drive) => super::place::check_drive(bus, drive, cx.domain, cx.caps),
            None => Err(internal(format!("unexpected address type for {bus} disk"))),
        },
        DiskBus::Virtio if disk.driver.queue_size.is_some() && !cx.caps.has(Cap::VirtioBlkQueueSize) => {
            Err(unsupported("queue-size property isn't supported by this QEMU binary"))
        }
        DiskBus::Usb if !cx.caps.has(Cap::UsbStorage) => {
            Err(unsupported("This QEMU doesn't support '-device usb-storage'"))
        }
        DiskBus::Usb if !matches!(disk.info.address, Address::None | Address::Usb(_)) => {
            Err(internal("unexpected address type for usb disk"))
        }
        DiskBus::Virtio | DiskBus::Usb | DiskBus::Xen | DiskBus::Uml | DiskBus::Sd => Ok(()),
    }
}

fn io(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    match disk.driver.io {
        Some(DiskIo::Native) if !matches!(disk.driver.cache, DiskCache::Directsync | DiskCache::None) => {
            Err(unsupported("io='native' needs either no disk cache or directsync cache mode"))
        }
        Some(DiskIo::IoUring) if !cx.caps.has(Cap::AioIoUring) => {
            Err(unsupported("io uring is not supported by this QEMU binary"))
        }
        Some(DiskIo::Native | DiskIo::IoUring | DiskIo::Threads) | None => Ok(()),
    }
}

fn serial(disk: &Disk) -> Result<()> {
    let Some(serial) = &disk.serial else { return Ok(()) };
    if disk.bus() == DiskBus::Scsi && disk.device == DiskDevice::Lun {
        return Err(unsupported("scsi-block 'lun' devices do not support the serial property"));
    }
    if !serial.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_ .+".contains(&b)) {
        return Err(internal(format!("driver serial '{serial}' contains unsafe characters")));
    }
    Ok(())
}

fn iothread(disk: &Disk, domain: &Domain) -> Result<()> {
    let Some(number) = disk.driver.iothread else { return Ok(()) };
    if disk.bus() != DiskBus::Virtio {
        return Err(unsupported(format!(
            "IOThreads not available for bus {} target {}",
            disk.bus(),
            disk.name()
        )));
    }
    if domain.iothreads.find(number).is_none() {
        return Err(unsupported(format!("Disk iothread '{number}' not defined in iothreadid")));
    }
    Ok(())
}

/// A device that another process plays reads the guest's memory itself.
pub(super) fn check_shared_memory(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    let (cap, kind) = match disk.source.location {
        Location::VhostUser { .. } => (Cap::VhostUserBlk, "vhostuser"),
        Location::VhostVdpa { .. } => (Cap::VirtioBlkVhostVdpa, "vhostvdpa"),
        _ => return Ok(()),
    };
    if !cx.caps.has(cap) {
        return Err(unsupported(format!("{kind} disk is not supported with this QEMU binary")));
    }
    require_shared_memory(cx.domain, kind)?;
    let cached = !matches!(disk.driver.cache, DiskCache::Directsync | DiskCache::None);
    if kind == "vhostvdpa" && cached {
        return Err(unsupported(format!("disk type '{kind}' requires cache mode 'directsync' or 'none'")));
    }
    Ok(())
}

/// Refuses a guest whose memory another process can not see.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED` that names the device.
pub(crate) fn require_shared_memory(domain: &Domain, what: &str) -> Result<()> {
    let shared = domain.memory_backing.access == Some(MemoryAccess::Shared);
    let cells = &domain.numa.cells;
    let all = match cells.is_empty() {
        true => shared,
        false => cells.iter().all(|cell| match cell.access {
            Some(access) => access == MemoryAccess::Shared,
            None => shared,
        }),
    };
    if all {
        return Ok(());
    }
    Err(unsupported(format!("'{what}' requires shared memory"))
        .with_hint("add <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"))
}
