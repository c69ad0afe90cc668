//! The order in which the firmware tries the devices.

use virt_conf::domain::device::DiskDevice;
use virt_conf::domain::{BootDevice, Domain};

/// Turns the order of kinds in `<os>` into an order of devices: the first one of each kind gets the kind's place.
/// Orders that the devices have themselves stay.
pub fn assign(domain: &mut Domain) {
    let place = |kind: BootDevice| {
        domain.os.boot.iter().rposition(|boot| *boot == kind).and_then(|at| u32::try_from(at + 1).ok())
    };
    if domain.os.boot.is_empty() {
        return;
    }
    let mut cdrom = place(BootDevice::Cdrom);
    let mut floppy = place(BootDevice::Fd);
    let mut hard_disk = place(BootDevice::Hd);
    for disk in &mut domain.devices.disks {
        let place = match disk.device {
            DiskDevice::Cdrom => &mut cdrom,
            DiskDevice::Floppy => &mut floppy,
            DiskDevice::Disk | DiskDevice::Lun => &mut hard_disk,
        };
        disk.info.effective_boot_order = place.take();
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    #[test]
    fn the_first_of_each_kind_is_tried() {
        let disk = |device: &str, name: &str| {
            format!("<disk device='{device}'><source file='/{name}'/><target dev='{name}'/></disk>")
        };
        let xml = format!(
            "<domain type='qemu'><name>t</name><memory>1</memory><os><type>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os><devices>{}{}{}{}</devices></domain>",
            disk("disk", "hda"),
            disk("cdrom", "hdc"),
            disk("disk", "vda"),
            disk("floppy", "fda"),
        );
        let mut domain = Domain::parse(&xml, ParseFlags::INACTIVE).unwrap();
        assign(&mut domain);
        let orders: Vec<_> = domain
            .devices
            .disks
            .iter()
            .map(|disk| (disk.name().to_owned(), disk.info.effective_boot_order))
            .collect();
        let named = |name: &str, order| (name.to_owned(), order);
        assert_eq!(
            orders,
            [named("hda", Some(2)), named("hdc", Some(1)), named("vda", None), named("fda", None)]
        );
    }
}
