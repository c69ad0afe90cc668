//! One PCI bus of a guest.

use virt_types::PciAddress;

use super::Connect;
use crate::domain::device::PciModel;

/// The last slot of a bus that has them all.
const LAST_SLOT: u32 = 31;

/// What a PCI controller itself connects to.
#[must_use]
pub const fn connects_to(model: PciModel) -> Connect {
    match model {
        // Roots are part of the machine.
        PciModel::PciRoot | PciModel::PcieRoot => Connect::empty(),
        PciModel::PciBridge => Connect::PCI_BRIDGE,
        PciModel::DmiToPciBridge => Connect::DMI_TO_PCI_BRIDGE,
        PciModel::PcieToPciBridge => Connect::PCIE_TO_PCI_BRIDGE,
        PciModel::PcieRootPort => Connect::PCIE_ROOT_PORT.union(Connect::AGGREGATE_SLOT),
        PciModel::PcieSwitchUpstreamPort => Connect::PCIE_SWITCH_UPSTREAM_PORT,
        PciModel::PcieSwitchDownstreamPort => Connect::PCIE_SWITCH_DOWNSTREAM_PORT,
        PciModel::PciExpanderBus => Connect::PCI_EXPANDER_BUS,
        PciModel::PcieExpanderBus => Connect::PCIE_EXPANDER_BUS,
    }
}

/// What fits into the bus, its first and last slot; `hotplug` says whether the bus takes part in it.
const fn offers(model: PciModel, hotplug: bool) -> (Connect, u32, u32) {
    let plug = if hotplug { Connect::HOTPLUGGABLE } else { Connect::empty() };
    let conventional = Connect::PCI_DEVICE.union(Connect::PCI_BRIDGE);
    let pluggable = conventional.union(Connect::AUTOASSIGN).union(plug);
    match model {
        PciModel::PciRoot => (pluggable.union(Connect::PCI_EXPANDER_BUS), 1, LAST_SLOT),
        PciModel::PciBridge | PciModel::PcieToPciBridge => (pluggable, 1, LAST_SLOT),
        PciModel::PciExpanderBus => (pluggable, 0, LAST_SLOT),
        PciModel::PcieRoot => (
            Connect::PCIE_DEVICE
                .union(Connect::PCIE_ROOT_PORT)
                .union(Connect::DMI_TO_PCI_BRIDGE)
                .union(Connect::PCIE_EXPANDER_BUS),
            1,
            LAST_SLOT,
        ),
        PciModel::DmiToPciBridge => (conventional, 0, LAST_SLOT),
        PciModel::PcieRootPort | PciModel::PcieSwitchDownstreamPort => (
            Connect::AUTOASSIGN
                .union(Connect::PCIE_DEVICE)
                .union(Connect::PCIE_SWITCH_UPSTREAM_PORT)
                .union(Connect::PCIE_TO_PCI_BRIDGE)
                .union(plug),
            0,
            0,
        ),
        PciModel::PcieSwitchUpstreamPort => (Connect::PCIE_SWITCH_DOWNSTREAM_PORT, 0, LAST_SLOT),
        PciModel::PcieExpanderBus => {
            (Connect::PCIE_ROOT_PORT.union(Connect::DMI_TO_PCI_BRIDGE), 0, LAST_SLOT)
        }
    }
}

/// What is taken of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Slot {
    /// One bit for each function.
    pub(super) functions: u8,
    /// Whether more devices of the kind may join.
    pub(super) aggregate: bool,
}

/// One PCI bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PciBus {
    /// The controller that provides it.
    pub model: PciModel,
    /// What fits into it.
    pub offers: Connect,
    /// The first slot that devices may use.
    pub first_slot: u32,
    /// The last slot that devices may use.
    pub last_slot: u32,
    /// Only devices of this group are put here automatically.
    pub isolation_group: u32,
    /// Whether the group stays, whatever is put here first.
    pub isolation_group_locked: bool,
    pub(super) slots: [Slot; LAST_SLOT as usize + 1],
}

impl PciBus {
    /// An empty bus.
    #[must_use]
    pub fn new(model: PciModel, hotplug: bool) -> Self {
        let (offers, first_slot, last_slot) = offers(model, hotplug);
        Self {
            model,
            offers,
            first_slot,
            last_slot,
            isolation_group: 0,
            isolation_group_locked: false,
            slots: Default::default(),
        }
    }

    /// Whether no slot is free.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.usable().iter().all(|slot| slot.functions != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.usable().iter().all(|slot| slot.functions == 0)
    }

    pub(super) fn slot(&self, slot: u32) -> Slot {
        self.slots.get(slot as usize).copied().unwrap_or_default()
    }

    /// Moves `at` to the first free place from it on; `any_function` lets a device join a slot of its kind.
    pub(super) fn find_free(&self, at: &mut PciAddress, flags: Connect, any_function: bool) -> bool {
        while at.slot <= self.last_slot {
            let slot = self.slot(at.slot);
            if slot.functions == 0 {
                return true;
            }
            if flags.contains(Connect::AGGREGATE_SLOT) && slot.aggregate {
                let candidates = if any_function { at.function..8 } else { at.function..at.function + 1 };
                if let Some(free) = candidates.into_iter().find(|f| slot.functions & (1 << f) == 0) {
                    at.function = free;
                    return true;
                }
            }
            at.slot += 1;
        }
        false
    }

    fn usable(&self) -> &[Slot] {
        &self.slots[self.first_slot as usize..=self.last_slot as usize]
    }
}
