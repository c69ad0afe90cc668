//! PCI devices (PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification, 7.8).

use virt_conf::nodedev::{
    Capability, HeaderType, IommuGroup, LinkSpeed, MdevType, PciCapability, PciExpress, PciLink,
};
use virt_types::{PciAddress, TextEnum};

use crate::sysfs::{Entry, names_in};

/// Places in the configuration space.
const STATUS: usize = 0x06;
const HEADER_TYPE: usize = 0x0e;
const CAPABILITIES: usize = 0x34;

/// The bit of the status that says that there is a list of capabilities.
const HAS_LIST: u16 = 0x10;
/// The capability that makes a device one of PCI Express.
const EXPRESS: u8 = 0x10;
/// No list is longer: it has to fit into 256 bytes.
const LONGEST_LIST: usize = 64;

/// Types of PCI Express devices that are part of the root and have no links.
const WITHOUT_LINK: [u16; 2] = [0x9, 0xa];

pub(super) fn describe(entry: &Entry<'_>) -> Option<Capability> {
    let address: PciAddress = entry.name().parse().ok()?;
    let config = entry.bytes("config");
    let header = match config.get(HEADER_TYPE).map(|kind| kind & 0x7f) {
        Some(1) => Some(HeaderType::PciBridge),
        Some(2) => Some(HeaderType::CardbusBridge),
        _ => None,
    };
    let pci = PciCapability {
        class: entry.hex("class"),
        address,
        product: (entry.hex("device")?, None),
        vendor: (entry.hex("vendor")?, None),
        physical_function: entry.link("physfn").and_then(|name| name.parse().ok()),
        virtual_functions: virtual_functions(entry),
        header,
        mdev_types: mdev_types(entry),
        vpd: None,
        iommu_group: iommu_group(entry),
        numa_node: entry.number("numa_node").filter(|node: &i32| *node >= 0),
        express: express(&config),
    };
    Some(Capability::Pci(Box::new(pci)))
}

fn virtual_functions(entry: &Entry<'_>) -> Option<(u32, Vec<PciAddress>)> {
    let most: u32 = entry.number("sriov_totalvfs")?;
    let links = (0..most).map_while(|number| entry.link(&format!("virtfn{number}")));
    let functions: Vec<_> = links.filter_map(|name| name.parse().ok()).collect();
    (most > 0).then_some((most, functions))
}

/// The number of the group of a device that only goes to a guest together with others, and these.
fn iommu_group(entry: &Entry<'_>) -> Option<IommuGroup> {
    let number = entry.link("iommu_group")?.parse().ok()?;
    let devices = entry.entries("iommu_group/devices");
    Some(IommuGroup { number, devices: devices.iter().filter_map(|name| name.parse().ok()).collect() })
}

/// The types of mediated devices that can be made of it.
fn mdev_types(entry: &Entry<'_>) -> Option<Vec<MdevType>> {
    let dir = entry.dir().join("mdev_supported_types");
    let ids = names_in(&dir);
    if ids.is_empty() {
        return None;
    }
    let types = ids.into_iter().filter_map(|id| {
        let of = |name: &str| entry.attribute(&format!("mdev_supported_types/{id}/{name}"));
        let available_instances = of("available_instances")?.parse().ok()?;
        let (name, device_api) = (of("name"), of("device_api")?);
        Some(MdevType { id, name, device_api, available_instances })
    });
    Some(types.collect())
}

/// The links of a device of PCI Express, as its configuration space tells them; without privileges too little of that can be
/// read.
fn express(config: &[u8]) -> Option<PciExpress> {
    let place = find_express(config)?;
    let kind = word(config, place + 0x2)? >> 4 & 0xf;
    if WITHOUT_LINK.contains(&kind) {
        return Some(PciExpress::default());
    }
    let able = u32::from(word(config, place + 0xc)?) | u32::from(word(config, place + 0xe)?) << 16;
    let does = word(config, place + 0x12)?;
    let link = |bits: u32, port| PciLink { port, speed: speed(bits & 0xf), width: bits >> 4 & 0x3f };
    Some(PciExpress {
        capability: Some(link(able, i32::try_from(able >> 24).ok())),
        state: Some(link(does.into(), None)),
    })
}

fn find_express(config: &[u8]) -> Option<usize> {
    if word(config, STATUS)? & HAS_LIST == 0 {
        return None;
    }
    let mut place = usize::from(*config.get(CAPABILITIES)? & !3);
    for _ in 0..LONGEST_LIST {
        if place < 0x40 {
            return None;
        }
        if *config.get(place)? == EXPRESS {
            return Some(place);
        }
        place = usize::from(*config.get(place + 1)? & !3);
    }
    None
}

fn word(config: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(config.get(at..at + 2)?.try_into().ok()?))
}

/// The speed with this number: the first is 2.5 GT/s.
fn speed(number: u32) -> Option<LinkSpeed> {
    let position = usize::try_from(number).ok()?.checked_sub(1)?;
    LinkSpeed::SPELLINGS.get(position).map(|(speed, _)| *speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: u16) -> Vec<u8> {
        let mut config = vec![0; 256];
        config[STATUS] = 0x10;
        config[CAPABILITIES] = 0x40;
        // Another capability, and behind it that of PCI Express.
        config[0x40..0x42].copy_from_slice(&[0x01, 0x50]);
        config[0x50] = EXPRESS;
        config[0x52..0x54].copy_from_slice(&(kind << 4).to_le_bytes());
        config[0x5c..0x60].copy_from_slice(&(7u32 << 24 | 16 << 4 | 3).to_le_bytes());
        config[0x62..0x64].copy_from_slice(&(8u16 << 4 | 2).to_le_bytes());
        config
    }

    #[test]
    fn links_of_express_are_read() {
        let link = |port, speed, width| Some(PciLink { port, speed: Some(speed), width });
        assert_eq!(
            express(&config(0)),
            Some(PciExpress {
                capability: link(Some(7), LinkSpeed::S8, 16),
                state: link(None, LinkSpeed::S5, 8)
            })
        );
        assert_eq!(express(&config(9)), Some(PciExpress::default()));
        assert_eq!(express(&config(0)[..64]), None);
        let mut without = config(0);
        without[STATUS] = 0;
        assert_eq!(express(&without), None);
        let mut endless = config(0);
        endless[0x41] = 0x40;
        assert_eq!(express(&endless), None);
    }
}
