//! The order of disks.

use crate::domain::Domain;
use crate::domain::device::{Disk, DiskName};

impl Domain {
    /// Puts a disk where it belongs among those of its bus: by the number in its name.
    pub fn insert_disk(&mut self, disk: Disk) {
        let list = &mut self.devices.disks;
        let number = |disk: &Disk| {
            disk.target.dev.as_ref().map(|dev| DiskName::parse(dev).map_or(-1, |name| i64::from(name.index)))
        };
        let mut place = None;
        for (i, current) in list.iter().enumerate().rev() {
            if current.target.bus != disk.target.bus {
                continue;
            }
            match (number(current), number(&disk)) {
                (Some(other), Some(own)) if other > own => place = Some(i),
                _ => {
                    place.get_or_insert(i + 1);
                }
            }
        }
        list.insert(place.unwrap_or(list.len()), disk);
    }

    /// Sorts the disks as if each had been inserted in turn.
    pub(super) fn order_disks(&mut self) {
        for disk in std::mem::take(&mut self.devices.disks) {
            self.insert_disk(disk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::{DiskBus, DiskTarget};

    #[test]
    fn disks_of_a_bus_stand_in_the_order_of_their_names() {
        let mut domain = Domain::default();
        for (dev, bus) in
            [("hdc", DiskBus::Ide), ("vdb", DiskBus::Virtio), ("hda", DiskBus::Ide), ("vda", DiskBus::Virtio)]
        {
            let target = DiskTarget { dev: Some(dev.to_owned()), bus: Some(bus), ..DiskTarget::default() };
            domain.devices.disks.push(Disk { target, ..Disk::default() });
        }
        domain.order_disks();
        let names: Vec<_> = domain.devices.disks.iter().map(Disk::name).collect();
        assert_eq!(names, ["hda", "hdc", "vda", "vdb"]);
    }
}
