//! Network interfaces, graphics cards and other devices of few words.

use std::collections::BTreeSet;

use virt_conf::common::{Link, LinkState};
use virt_conf::nodedev::{Capability, DrmType, Mdev, NetCapability, NetKind};
use virt_types::TextEnum;

use super::Described;
use crate::sysfs::Entry;

pub(super) fn net(entry: &Entry<'_>) -> Option<Described> {
    let interface = entry.property("INTERFACE")?.to_owned();
    let state = LinkState::from_text(&entry.attribute("operstate")?)?;
    // Without a carrier the speed means nothing; some devices have none, or say that they do not know.
    let speed = if state == LinkState::Up { entry.number("speed") } else { None };
    let address = entry.attribute("address");
    let wireless = entry.property("DEVTYPE") == Some("wlan");
    let capability = NetCapability {
        interface,
        address: address.clone(),
        link: Link { state: Some(state), speed: speed.unwrap_or(0) },
        features: BTreeSet::new(),
        kind: Some(if wireless { NetKind::Wireless } else { NetKind::Ethernet }),
    };
    Some((Capability::Net(capability), address))
}

/// The kernel numbers the minor nodes of one kind by 64s (`drivers/gpu/drm/drm_drv.c`).
pub(super) fn drm(entry: &Entry<'_>) -> Option<Capability> {
    let minor: usize = entry.property("MINOR")?.parse().ok()?;
    DrmType::SPELLINGS.get(minor >> 6).map(|(kind, _)| Capability::Drm(*kind))
}

pub(super) fn scsi_generic(entry: &Entry<'_>) -> Option<Capability> {
    entry.node().map(Capability::ScsiGeneric)
}

/// A mediated device, whose name ends with the device that it was made of.
pub(super) fn mdev(entry: &Entry<'_>) -> Option<Described> {
    let parent = entry.dir().parent()?.file_name()?.to_str()?.to_owned();
    let mdev = Mdev {
        kind: entry.link("mdev_type")?,
        uuid: entry.name().parse().ok(),
        parent_address: Some(parent.clone()),
        iommu_group: entry.link("iommu_group")?.parse().ok()?,
        attributes: Vec::new(),
    };
    Some((Capability::Mdev(mdev), Some(parent)))
}

pub(super) fn vdpa(entry: &Entry<'_>) -> Option<Capability> {
    let names = entry.entries("");
    let node = names.iter().find(|name| name.starts_with("vhost-vdpa"))?;
    Some(Capability::Vdpa(Some(format!("/dev/{node}"))))
}
