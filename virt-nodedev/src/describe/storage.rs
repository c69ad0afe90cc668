//! Disks and drives.

use virt_conf::nodedev::{Capability, RemovableMedia, Storage};

use super::Described;
use crate::sysfs::Entry;

/// Drives that udev does not know the type of, by their nodes.
const BY_NODE: [(&str, &str); 3] = [("/dev/vd", "disk"), ("/dev/dasd", "dasd"), ("/dev/nvme", "disk")];

/// A drive, if anybody knows what kind of one it is.
pub(super) fn describe(entry: &Entry<'_>) -> Option<Described> {
    let block = entry.node()?;
    let property = |name: &str| entry.property(name).map(str::to_owned);
    let mut storage = Storage {
        bus: property("ID_BUS"),
        serial: property("ID_SERIAL"),
        vendor: entry.attribute("device/vendor"),
        model: entry.attribute("device/model"),
        block,
        ..Storage::default()
    };
    let kind = property("ID_TYPE").filter(|kind| kind != "generic").or_else(|| guess(entry, &storage.block));
    match kind.as_deref()? {
        "cd" | "cd/dvd" => {
            storage.drive_type = Some("cdrom".to_owned());
            let loaded = property("ID_CDROM_MEDIA").is_some_and(|media| media != "0");
            removable(entry, &mut storage, loaded);
        }
        "floppy" => {
            storage.drive_type = kind;
            removable(entry, &mut storage, property("ID_FS_LABEL").is_some());
        }
        "disk" | "sd" | "dasd" => {
            if kind.as_deref() == Some("dasd") {
                storage.serial = entry.attribute("device/uid");
            }
            storage.drive_type = kind;
            (storage.num_blocks, storage.logical_block_size) = blocks(entry);
            storage.size = storage.num_blocks.saturating_mul(storage.logical_block_size);
        }
        _ => return None,
    }
    let serial = storage.serial.clone();
    Some((Capability::Storage(storage), serial))
}

fn guess(entry: &Entry<'_>, node: &str) -> Option<String> {
    let told = [("ID_DRIVE_FLOPPY", "floppy"), ("ID_CDROM", "cd"), ("ID_DRIVE_FLASH_SD", "sd")];
    let told = told.iter().find(|(property, _)| entry.property(property).is_some());
    let by_node = || BY_NODE.iter().find(|(prefix, _)| node.starts_with(prefix));
    told.or_else(by_node).map(|(_, kind)| (*kind).to_owned())
}

/// How many blocks, and how many bytes each.
fn blocks(entry: &Entry<'_>) -> (u64, u64) {
    let number = |name| entry.number(name).unwrap_or(0);
    (number("size"), number("queue/logical_block_size"))
}

fn removable(entry: &Entry<'_>, storage: &mut Storage, loaded: bool) {
    let is_removable = entry.number::<u32>("removable") == Some(1);
    let mut media = RemovableMedia { available: loaded, ..RemovableMedia::default() };
    if loaded {
        media.label = entry.property("ID_FS_LABEL").map(str::to_owned);
        (storage.num_blocks, storage.logical_block_size) = blocks(entry);
        media.size = storage.num_blocks.saturating_mul(storage.logical_block_size);
    }
    storage.removable = is_removable.then_some(media);
}
