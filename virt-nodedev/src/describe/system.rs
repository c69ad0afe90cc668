//! The host itself.

use std::path::Path;

use virt_conf::nodedev::{Capability, NodeDevice, System};
use virt_host::Root;

use super::COMPUTER;
use crate::sysfs::Entry;

/// The host, by the tables of its firmware.
pub(super) fn computer(root: &Path) -> NodeDevice {
    let dir = root.join("sys/devices/virtual/dmi/id");
    let mut system = System::default();
    if dir.is_dir() {
        let entry = Entry::open(root, dir);
        let text = |name| entry.attribute(name);
        system = System {
            product: text("product_name"),
            vendor: text("sys_vendor"),
            version: text("product_version"),
            serial: text("product_serial"),
            uuid: virt_host::uuid::of_host(&Root::at(root)).unwrap_or_default(),
            firmware_vendor: text("bios_vendor"),
            firmware_version: text("bios_version"),
            firmware_date: text("bios_date"),
        };
    }
    NodeDevice {
        name: COMPUTER.to_owned(),
        capabilities: vec![Capability::System(system)],
        ..NodeDevice::default()
    }
}
