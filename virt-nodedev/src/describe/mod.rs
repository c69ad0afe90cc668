//! What each device is.

mod other;
mod pci;
mod scsi;
mod storage;
mod system;
mod usb;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use virt_conf::nodedev::{Capability, NodeDevice};

use crate::names;
use crate::sysfs::{Entry, names_in};

/// Where the kernel lists devices by what they are on, and by what they do.
const BUSES: [&str; 5] = ["pci", "usb", "scsi", "mdev", "vdpa"];
const CLASSES: [&str; 4] = ["net", "block", "drm", "scsi_generic"];

/// The device that all others are on.
pub(crate) const COMPUTER: &str = "computer";

/// What a device can do, and what its name ends with beside its name in the kernel.
type Described = (Capability, Option<String>);

/// The devices of the host whose `/sys`, `/run` and `/usr` are below a directory. Those that libvirt has no name for are left
/// out; a device comes after the one that it is on.
#[must_use]
pub fn scan(root: &Path) -> Vec<NodeDevice> {
    // Names of devices are found through their directories.
    let mut known: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut devices = vec![system::computer(root)];
    for dir in directories(root) {
        let entry = Entry::open(root, dir);
        let Some((capability, suffix)) = describe(&entry) else { continue };
        let parent = entry.dir().ancestors().skip(1).find_map(|dir| known.get(dir));
        let device = NodeDevice {
            name: device_name(&entry, suffix.as_deref()),
            path: Some(entry.path()),
            devnode: entry.node(),
            devlinks: entry.node_links().to_vec(),
            parent: Some(parent.map_or(COMPUTER, String::as_str).to_owned()),
            driver: entry.link("driver"),
            capabilities: vec![capability],
            ..NodeDevice::default()
        };
        known.insert(entry.dir().to_owned(), device.name.clone());
        devices.push(device);
    }
    name_products(root, &mut devices);
    devices
}

/// The directories of devices, in the order of their names: what is on another one comes after it.
fn directories(root: &Path) -> BTreeSet<PathBuf> {
    let sys = root.join("sys");
    let buses = BUSES.iter().map(|bus| sys.join("bus").join(bus).join("devices"));
    let classes = CLASSES.iter().map(|class| sys.join("class").join(class));
    let links = buses.chain(classes).flat_map(|dir| {
        let names = names_in(&dir);
        names.into_iter().map(move |name| dir.join(name))
    });
    links.filter_map(|link| fs::canonicalize(link).ok()).filter(|dir| dir.is_dir()).collect()
}

/// What a device is: by the type that its driver says, else by its subsystem.
fn describe(entry: &Entry<'_>) -> Option<Described> {
    let plain = |capability| Some((capability, None));
    match entry.property("DEVTYPE") {
        Some("usb_device") => plain(usb::device(entry)?),
        Some("usb_interface") => plain(usb::interface(entry)?),
        Some("scsi_host") => plain(scsi::host(entry)?),
        Some("scsi_target") => plain(scsi::target(entry)),
        Some("scsi_device") => plain(scsi::device(entry)?),
        Some("disk") => storage::describe(entry),
        Some("wlan") => other::net(entry),
        Some("drm_minor") => plain(other::drm(entry)?),
        Some(_) => None,
        None => match entry.subsystem.as_str() {
            "pci" => plain(pci::describe(entry)?),
            "net" => other::net(entry),
            "scsi_generic" => plain(other::scsi_generic(entry)?),
            "mdev" => other::mdev(entry),
            "vdpa" => plain(other::vdpa(entry)?),
            _ => None,
        },
    }
}

/// Subsystem, the kernel's name and what more there is, of letters and digits.
fn device_name(entry: &Entry<'_>, suffix: Option<&str>) -> String {
    let mut name = format!("{}_{}", entry.subsystem, entry.name());
    if let Some(suffix) = suffix {
        name = format!("{name}_{suffix}");
    }
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Gives PCI devices the names of their vendors and products.
fn name_products(root: &Path, devices: &mut [NodeDevice]) {
    let mut all: Vec<_> = devices
        .iter_mut()
        .flat_map(|device| &mut device.capabilities)
        .filter_map(|capability| match capability {
            Capability::Pci(pci) => Some(pci),
            _ => None,
        })
        .collect();
    let wanted: BTreeSet<_> = all.iter().map(|pci| (pci.vendor.0, pci.product.0)).collect();
    if wanted.is_empty() {
        return;
    }
    let found = names::look_up(root, &wanted);
    for pci in &mut all {
        if let Some((vendor, product)) = found.get(&(pci.vendor.0, pci.product.0)) {
            pci.vendor.1.clone_from(vendor);
            pci.product.1.clone_from(product);
        }
    }
}
