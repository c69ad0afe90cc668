//! The order in which the firmware tries the devices of a guest.

use virt_conf::domain::device::DiskDevice;
use virt_conf::domain::{BootDevice, Domain};

/// Turns the order of kinds of devices into one of devices: of each kind, the first is tried.
pub fn assign(domain: &mut Domain) {
    let boot = domain.os.boot.clone();
    if boot.is_empty() {
        return;
    }
    let order = |kind: BootDevice| {
        (1..).zip(&boot).filter(|(_, other)| **other == kind).map(|(order, _)| order).last()
    };
    let mut cdrom = order(BootDevice::Cdrom);
    let mut floppy = order(BootDevice::Fd);
    let mut disk = order(BootDevice::Hd);
    for device in &mut domain.devices.disks {
        device.info.effective_boot_order = match device.device {
            DiskDevice::Cdrom => cdrom.take(),
            DiskDevice::Floppy => floppy.take(),
            DiskDevice::Disk | DiskDevice::Lun => disk.take(),
        };
    }
    if let Some(first) = domain.devices.interfaces.first_mut()
        && let Some(order) = order(BootDevice::Network)
    {
        first.info.effective_boot_order = Some(order);
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::device::{Disk, Interface};

    use super::*;

    #[test]
    fn the_first_device_of_each_kind_is_tried() {
        let mut domain = Domain::default();
        domain.os.boot = vec![BootDevice::Network, BootDevice::Cdrom, BootDevice::Hd];
        let disk = |device| Disk { device, ..Disk::default() };
        domain.devices.disks = [DiskDevice::Disk, DiskDevice::Cdrom, DiskDevice::Disk].map(disk).to_vec();
        domain.devices.interfaces = vec![Interface::default(), Interface::default()];
        assign(&mut domain);
        let orders: Vec<_> =
            domain.devices.iter().filter_map(|device| Some(device.info()?.effective_boot_order)).collect();
        assert_eq!(orders, [Some(3), Some(2), None, Some(1), None]);
    }
}
