//! Names of disks in the guest (`vda`), their numbers, and the places that follow from them.

use super::{Disk, DiskBus};
use crate::common::address::Drive;

/// A disk's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskName {
    /// Number of the disk, from 0: `vda` is 0, `vdaa` is 26.
    pub index: u32,
    /// Number of the partition; 0 for the whole disk.
    pub partition: u32,
}

impl DiskName {
    /// Takes a name apart; `None` for what names no disk.
    ///
    /// ```
    /// use virt_conf::domain::device::DiskName;
    /// assert_eq!(DiskName::parse("vdc"), Some(DiskName { index: 2, partition: 0 }));
    /// assert_eq!(DiskName::parse("sdaa1"), Some(DiskName { index: 26, partition: 1 }));
    /// assert_eq!(DiskName::parse("disk0"), None);
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let prefixes = ["fd", "hd", "vd", "sd", "xvd", "ubd"];
        let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let (letters, digits) = rest.split_at(letters);
        if letters.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        let mut index = 0u32;
        for (i, letter) in letters.bytes().enumerate() {
            index = index.checked_add(u32::from(i > 0))?.checked_mul(26)?;
            index = index.checked_add(u32::from(letter - b'a'))?;
        }
        let partition = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        Some(Self { index, partition })
    }

    /// The name of a disk by its number.
    ///
    /// ```
    /// use virt_conf::domain::device::DiskName;
    /// assert_eq!(DiskName::of("vd", 0), "vda");
    /// assert_eq!(DiskName::of("sd", 27), "sdab");
    /// ```
    #[must_use]
    pub fn of(prefix: &str, index: u32) -> String {
        let mut letters = Vec::new();
        let mut rest = Some(index);
        while let Some(index) = rest {
            letters.push(char::from(b'a' + (index % 26) as u8));
            rest = (index / 26).checked_sub(1);
        }
        prefix.chars().chain(letters.into_iter().rev()).collect()
    }
}

/// Puts a disk where it belongs among those that name the same bus: in the order of their names.
pub(super) fn insert(disks: &mut Vec<Disk>, disk: Disk) {
    let number = |disk: &Disk| DiskName::parse(disk.name()).map_or(-1, |name| i64::from(name.index));
    let named = |disk: &Disk| disk.target.dev.is_some();
    let mut place = None;
    for (i, current) in disks.iter().enumerate().rev() {
        if current.target.bus != disk.target.bus {
            continue;
        }
        if named(current) && named(&disk) && number(current) > number(&disk) {
            place = Some(i);
        } else if place.is_none() {
            place = Some(i + 1);
        }
    }
    disks.insert(place.unwrap_or(disks.len()), disk);
}

/// Units of a narrow SCSI bus besides its controller.
const SCSI_UNITS: u32 = 7;

/// The place of a disk by its number, on buses that have controllers.
pub(super) fn default_drive(bus: DiskBus, index: u32) -> Option<Drive> {
    let drive = |controller, bus, unit| Some(Drive { controller, bus, target: 0, unit });
    match bus {
        DiskBus::Scsi => drive(index / SCSI_UNITS, 0, index % SCSI_UNITS),
        DiskBus::Ide => drive(index / 4, index % 4 / 2, index % 2),
        DiskBus::Sata => drive(index / 6, 0, index % 6),
        DiskBus::Fdc => drive(index / 2, 0, index % 2),
        DiskBus::Virtio | DiskBus::Xen | DiskBus::Usb | DiskBus::Uml | DiskBus::Sd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_numbers_and_back() {
        for index in [0, 1, 25, 26, 27, 701, 702, 18277] {
            let name = DiskName::of("vd", index);
            assert_eq!(DiskName::parse(&name), Some(DiskName { index, partition: 0 }), "{name}");
        }
        for wrong in ["vd", "vd1", "vdA", "vda01", "xda", "vda1x", "vdzzzzzzzzzz"] {
            assert_eq!(DiskName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_lead_to_places() {
        let place = |bus, index| default_drive(bus, index).map(|d| (d.controller, d.bus, d.unit));
        assert_eq!(place(DiskBus::Ide, 3), Some((0, 1, 1)));
        assert_eq!(place(DiskBus::Sata, 7), Some((1, 0, 1)));
        assert_eq!(place(DiskBus::Fdc, 1), Some((0, 0, 1)));
        assert_eq!(place(DiskBus::Scsi, 7), Some((1, 0, 0)));
        assert_eq!(place(DiskBus::Virtio, 1), None);
    }

    #[test]
    fn disks_of_a_bus_stand_in_the_order_of_their_names() {
        let mut disks = Vec::new();
        for (dev, bus) in [("vdb", DiskBus::Virtio), ("hda", DiskBus::Ide), ("vda", DiskBus::Virtio)] {
            let mut disk = Disk::default();
            disk.target.dev = Some(dev.to_owned());
            disk.target.bus = Some(bus);
            insert(&mut disks, disk);
        }
        assert_eq!(disks.iter().map(Disk::name).collect::<Vec<_>>(), ["vda", "vdb", "hda"]);
    }
}
