use virt_types::TextEnum;

use super::*;
use crate::common::address::Zpci;

const PCI: Connect = Connect::PCI_DEVICE.union(Connect::AUTOASSIGN);
const PCIE: Connect = Connect::PCIE_DEVICE.union(Connect::AUTOASSIGN);

fn set(models: &[PciModel]) -> PciSet {
    PciSet::new(models.iter().map(|model| PciBus::new(*model, true)))
}

fn growing(models: &[PciModel]) -> PciSet {
    PciSet { growing: true, pcie_to_pci_bridge: true, ..set(models) }
}

fn at(bus: u32, slot: u32, function: u32) -> PciAddress {
    PciAddress { domain: 0, bus, slot, function }
}

fn models(set: &PciSet) -> Vec<&'static str> {
    set.buses.iter().map(|bus| bus.model.text()).collect()
}

#[test]
fn a_full_conventional_bus_is_followed_by_a_bridge() {
    let mut set = growing(&[PciModel::PciRoot]);
    let last = (0..32).map(|_| set.reserve_next(PCI, 0, None).unwrap()).last().unwrap();
    assert_eq!((last, models(&set)), (at(1, 1, 0), vec!["pci-root", "pci-bridge"]));
}

#[test]
fn express_devices_get_root_ports_that_share_slots() {
    let mut set = growing(&[PciModel::PcieRoot]);
    let devices: Vec<_> = (0..3).map(|_| set.reserve_next(PCIE, 0, None).unwrap()).collect();
    assert_eq!(devices, [at(1, 0, 0), at(2, 0, 0), at(3, 0, 0)]);
    let port = connects_to(PciModel::PcieRootPort);
    let ports: Vec<_> = (0..9).map(|_| set.reserve_next(port, 0, None).unwrap()).collect();
    assert_eq!(ports[0], at(0, 1, 0));
    assert_eq!(ports[7], at(0, 1, 7));
    assert_eq!(ports[8], at(0, 2, 0));
}

#[test]
fn a_conventional_device_in_an_express_guest_gets_a_bridge_of_its_own() {
    let mut set = growing(&[PciModel::PcieRoot]);
    assert_eq!(set.reserve_next(PCI, 0, None).unwrap(), at(2, 1, 0));
    assert_eq!(models(&set), ["pcie-root", "pcie-root-port", "pcie-to-pci-bridge"]);
    // The port belongs to the bridge: an Express device gets another.
    assert_eq!(set.reserve_next(PCIE, 0, None).unwrap(), at(3, 0, 0));

    let mut set = PciSet { pcie_to_pci_bridge: false, ..growing(&[PciModel::PcieRoot]) };
    assert_eq!(set.reserve_next(PCI, 0, None).unwrap(), at(2, 1, 0));
    assert_eq!(models(&set), ["pcie-root", "dmi-to-pci-bridge", "pci-bridge"]);
}

#[test]
fn a_given_place_beyond_the_last_bus_is_moved_where_a_bridge_comes_first() {
    let mut set = growing(&[PciModel::PcieRoot]);
    let mut place = at(1, 5, 0);
    set.reserve(&mut place, PCI, 0).unwrap();
    assert_eq!(place, at(2, 5, 0));
}

#[test]
fn isolated_devices_share_buses_with_their_group_only() {
    let mut set = PciSet { multiple_roots: true, ..growing(&[PciModel::PciRoot]) };
    set.buses[0].isolation_group_locked = true;
    let places: Vec<_> = [0, 5, 5, 7, 0].map(|group| set.reserve_next(PCI, group, None).unwrap()).to_vec();
    assert_eq!(places, [at(0, 1, 0), at(1, 1, 0), at(1, 2, 0), at(2, 1, 0), at(0, 2, 0)]);
}

#[test]
fn refusals_name_the_place_and_the_reason() {
    let taken = |set: &mut PciSet| set.reserve(&mut at(0, 3, 0), PCI, 0).unwrap();
    for (model, place, flags, expected) in [
        (PciModel::PciRoot, at(0, 3, 0), PCI, "Attempted double use of PCI Address 0000:00:03.0"),
        (PciModel::PciRoot, at(0, 0, 0), PCI, "Invalid PCI address 0000:00:00.0. slot must be >= 1"),
        (
            PciModel::PciRoot,
            at(1, 1, 0),
            PCI,
            "Invalid PCI address 0000:01:01.0. Only PCI buses up to 0 are available",
        ),
        (
            PciModel::PciRoot,
            at(0, 4, 0),
            Connect::PCIE_ROOT_PORT,
            "The device at PCI address 0000:00:04.0 cannot be plugged into the PCI controller with index='0'. It requires a controller that accepts a pcie-root-port.",
        ),
        (
            PciModel::PcieRoot,
            at(0, 4, 0),
            PCI | Connect::HOTPLUGGABLE,
            "The device at PCI address 0000:00:04.0 requires hotplug capability, but the PCI controller with index='0' doesn't support hotplug",
        ),
    ] {
        let mut set = set(&[model]);
        taken(&mut set);
        let error = set.reserve(&mut place.clone(), flags, 0).unwrap_err();
        assert_eq!(error.to_string(), format!("XML error: {expected}"));
    }
}

#[test]
fn identifiers_of_s390x_are_the_lowest_free_ones() {
    let mut ids = ZpciIds::default();
    let given = Zpci { uid: Some(1), fid: None };
    assert_eq!(ids.ensure(given).unwrap(), Zpci { uid: Some(1), fid: Some(0) });
    assert_eq!(ids.ensure(Zpci::default()).unwrap(), Zpci { uid: Some(2), fid: Some(1) });
    let error = ids.ensure(Zpci { uid: Some(9), fid: Some(1) }).unwrap_err();
    assert_eq!(error.to_string(), "internal error: zPCI fid 1 is already reserved");
    // What was refused took nothing.
    assert!(ids.ensure(Zpci { uid: Some(9), fid: None }).is_ok());
}

#[test]
fn a_released_place_is_free_again() {
    let mut set = set(&[PciModel::PciRoot]);
    let place = set.reserve_next(PCI, 0, None).unwrap();
    set.release(place);
    assert!(!set.slot_in_use(place));
    assert_eq!(set.reserve_next(PCI, 0, None).unwrap(), place);
}
