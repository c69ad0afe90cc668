//! USB devices and their interfaces.

use virt_conf::nodedev::{Capability, UsbDevice, UsbInterface};

use crate::sysfs::Entry;

pub(super) fn device(entry: &Entry<'_>) -> Option<Capability> {
    let number = |name| entry.property(name)?.parse().ok();
    // udev's list of names first, then the device's own words.
    let named = |property, attribute| {
        entry.property(property).map(str::to_owned).or_else(|| entry.attribute(attribute))
    };
    Some(Capability::UsbDevice(UsbDevice {
        bus: number("BUSNUM")?,
        device: number("DEVNUM")?,
        product: (entry.hex("idProduct")?, named("ID_MODEL_FROM_DATABASE", "product")),
        vendor: (entry.hex("idVendor")?, named("ID_VENDOR_FROM_DATABASE", "manufacturer")),
    }))
}

pub(super) fn interface(entry: &Entry<'_>) -> Option<Capability> {
    Some(Capability::UsbInterface(UsbInterface {
        number: entry.hex("bInterfaceNumber")?,
        class: entry.hex("bInterfaceClass")?,
        subclass: entry.hex("bInterfaceSubClass")?,
        protocol: entry.hex("bInterfaceProtocol")?,
        description: None,
    }))
}
