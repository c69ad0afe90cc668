//! The PCI buses of a guest and what is taken on them.

mod bus;
mod connect;
#[cfg(test)]
mod tests;
mod zpci;

use virt_types::{Error, PciAddress};

pub use bus::{PciBus, connects_to};
pub use connect::Connect;
pub use zpci::ZpciIds;

use crate::Result;
use crate::domain::device::PciModel;
use crate::error::{internal, xml_error};

/// The PCI buses of a guest.
///
/// A set is used twice: once with [`growing`](PciSet::growing), to learn how many buses are needed, once for good.
///
/// ```
/// use virt_conf::domain::device::PciModel;
/// use virt_conf::domain::passes::address::pci::{Connect, PciBus, PciSet};
/// let mut set = PciSet::new([PciBus::new(PciModel::PciRoot, true)]);
/// let flags = Connect::PCI_DEVICE | Connect::AUTOASSIGN;
/// assert_eq!(set.reserve_next(flags, 0, None)?.to_string(), "0000:00:01.0");
/// assert_eq!(set.reserve_next(flags, 0, None)?.to_string(), "0000:00:02.0");
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PciSet {
    /// The buses, by index.
    pub buses: Vec<PciBus>,
    /// Whether a bus that is missing is added.
    pub growing: bool,
    /// Whether the machine may have more than one pci-root.
    pub multiple_roots: bool,
    /// Whether pcie-to-pci-bridge can be used; else dmi-to-pci-bridge is.
    pub pcie_to_pci_bridge: bool,
}

impl PciSet {
    /// A set of empty buses, which does not grow.
    #[must_use]
    pub fn new(buses: impl IntoIterator<Item = PciBus>) -> Self {
        Self { buses: buses.into_iter().collect(), ..Self::default() }
    }

    /// Whether any function of the slot is taken.
    #[must_use]
    pub fn slot_in_use(&self, at: PciAddress) -> bool {
        self.buses.get(at.bus as usize).is_some_and(|bus| bus.slot(at.slot).functions != 0)
    }

    /// Takes a place that the document names. A growing set may move it to a later bus.
    ///
    /// # Errors
    /// For a place that is taken, does not exist, or does not fit the device.
    pub fn reserve(&mut self, at: &mut PciAddress, flags: Connect, isolation_group: u32) -> Result<()> {
        self.take(at, flags, isolation_group, true)
    }

    /// Takes the next free place that fits. `function` asks for that function of a free slot; without it, the device
    /// may join a slot that devices of its kind share.
    ///
    /// # Errors
    /// Where no place is free, and none can be added.
    pub fn reserve_next(
        &mut self,
        flags: Connect,
        isolation_group: u32,
        function: Option<u32>,
    ) -> Result<PciAddress> {
        let mut at = self.next_free(flags, isolation_group, function)?;
        self.take(&mut at, flags, isolation_group, false)?;
        Ok(at)
    }

    /// Gives a place back.
    pub fn release(&mut self, at: PciAddress) {
        if let Some(slot) =
            self.buses.get_mut(at.bus as usize).and_then(|bus| bus.slots.get_mut(at.slot as usize))
        {
            slot.functions &= !(1 << at.function);
        }
    }

    /// Checks that a place exists and fits the device. `given` tells a place of the document from one chosen here.
    ///
    /// # Errors
    /// With the reason.
    pub fn validate(&self, at: PciAddress, flags: Connect, given: bool) -> Result<()> {
        let refusal = |detail: String| refuse(given, detail);
        let Some(last_bus) = self.buses.len().checked_sub(1) else {
            return Err(refusal("No PCI buses available".into()));
        };
        if at.domain != 0 {
            return Err(refusal(format!("Invalid PCI address {at}. Only PCI domain 0 is available")));
        }
        let Some(bus) = self.buses.get(at.bus as usize) else {
            return Err(refusal(format!(
                "Invalid PCI address {at}. Only PCI buses up to {last_bus} are available"
            )));
        };
        fits(at, bus.offers, flags, given)?;
        if at.slot < bus.first_slot {
            return Err(refusal(format!("Invalid PCI address {at}. slot must be >= {}", bus.first_slot)));
        }
        if at.slot > bus.last_slot {
            return Err(refusal(format!("Invalid PCI address {at}. slot must be <= {}", bus.last_slot)));
        }
        if at.function > 7 {
            return Err(refusal(format!("Invalid PCI address {at}. function must be <= 7")));
        }
        Ok(())
    }

    fn take(&mut self, at: &mut PciAddress, flags: Connect, group: u32, given: bool) -> Result<()> {
        let asked = *at;
        if self.growing {
            self.grow(at, flags)?;
        }
        self.validate(*at, flags, given)?;
        let bus = &mut self.buses[at.bus as usize];
        let slot = bus.slot(at.slot);
        if slot.functions & (1 << at.function) != 0 {
            return Err(refuse(given, format!("Attempted double use of PCI Address {asked}")));
        }
        if bus.is_empty() && !bus.isolation_group_locked {
            bus.isolation_group = group;
        } else if bus.isolation_group != group && given {
            // What was asked for is done, but isolation can no longer be promised here.
            bus.isolation_group = 0;
        }
        let slot = &mut bus.slots[at.slot as usize];
        if slot.functions == 0 && flags.contains(Connect::AGGREGATE_SLOT) {
            slot.aggregate = true;
        }
        slot.functions |= 1 << at.function;
        Ok(())
    }

    fn next_free(&mut self, flags: Connect, group: u32, function: Option<u32>) -> Result<PciAddress> {
        if self.buses.is_empty() {
            return Err(xml_error("No PCI buses available"));
        }
        // First the buses of the device's own group, then empty ones, which may change theirs.
        let own = |bus: &PciBus| bus.isolation_group == group;
        let empty = |bus: &PciBus| bus.is_empty() && !bus.isolation_group_locked;
        if let Some(at) = self.search(flags, function, own).or_else(|| self.search(flags, function, empty)) {
            return Ok(at);
        }
        if !self.growing {
            return Err(internal("No more available PCI slots"));
        }
        let mut at = PciAddress {
            bus: index(self.buses.len()),
            function: function.unwrap_or(0),
            ..PciAddress::default()
        };
        self.grow(&mut at, flags)?;
        at.slot = self.buses[at.bus as usize].first_slot;
        Ok(at)
    }

    fn search(
        &self,
        flags: Connect,
        function: Option<u32>,
        eligible: impl Fn(&PciBus) -> bool,
    ) -> Option<PciAddress> {
        self.buses.iter().enumerate().filter(|(_, bus)| eligible(bus)).find_map(|(i, bus)| {
            let mut at = PciAddress {
                domain: 0,
                bus: index(i),
                slot: bus.first_slot,
                function: function.unwrap_or(0),
            };
            let found = fits(at, bus.offers, flags, false).is_ok()
                && bus.find_free(&mut at, flags, function.is_none());
            found.then_some(at)
        })
    }

    /// Adds buses until the one of `at` exists. The kind follows from the device that is to be plugged in.
    fn grow(&mut self, at: &mut PciAddress, flags: Connect) -> Result<()> {
        let Some(mut missing) = (at.bus as usize + 1).checked_sub(self.buses.len()).filter(|n| *n > 0) else {
            return Ok(());
        };
        let mut first_conventional = false;
        let model = if flags.contains(Connect::PCI_DEVICE) {
            if self.multiple_roots {
                PciModel::PciRoot
            } else {
                // A guest of PCI Express only needs a way into conventional PCI first, on a bus of its own.
                first_conventional = !self.buses.iter().any(|bus| bus.offers.contains(Connect::PCI_BRIDGE));
                if first_conventional && missing == 1 {
                    missing += 1;
                    at.bus += 1;
                }
                PciModel::PciBridge
            }
        } else if flags.intersects(Connect::PCIE_DEVICE | Connect::PCIE_SWITCH_UPSTREAM_PORT) {
            PciModel::PcieRootPort
        } else {
            return Err(cannot_grow(flags));
        };
        let target = self.buses.len() + missing;
        if first_conventional {
            if self.pcie_to_pci_bridge {
                let mut port = PciBus::new(PciModel::PcieRootPort, true);
                // Kept for the bridge: nothing else may take this port.
                port.offers = Connect::PCIE_TO_PCI_BRIDGE;
                self.buses.push(port);
                self.buses.push(PciBus::new(PciModel::PcieToPciBridge, true));
            } else {
                self.buses.push(PciBus::new(PciModel::DmiToPciBridge, false));
            }
        }
        while self.buses.len() < target {
            self.buses.push(PciBus::new(model, true));
        }
        Ok(())
    }
}

/// Whether a device fits into a bus. `given` says that the document names the place: then more is allowed.
fn fits(at: PciAddress, mut offers: Connect, mut flags: Connect, given: bool) -> Result<()> {
    let refusal = |detail: String| Err(refuse(given, detail));
    if flags.contains(Connect::INTEGRATED) {
        if at.bus != 0 {
            return refusal(format!(
                "The device at PCI address {at} needs to be an integrated device (bus=0)"
            ));
        }
        offers |= Connect::PCI_DEVICE | Connect::AUTOASSIGN;
    }
    if given {
        if offers.intersects(Connect::ENDPOINT) {
            offers |= Connect::ENDPOINT;
        }
        if flags.contains(Connect::PCI_BRIDGE) {
            flags |= Connect::PCI_DEVICE;
        }
    } else if flags.contains(Connect::AUTOASSIGN) && !offers.contains(Connect::AUTOASSIGN) {
        return refusal(format!(
            "The device at PCI address {at} was auto-assigned this address, but the PCI controller with index='{}' doesn't allow auto-assignment",
            at.bus
        ));
    }
    if flags.contains(Connect::HOTPLUGGABLE) && !offers.contains(Connect::HOTPLUGGABLE) {
        return refusal(format!(
            "The device at PCI address {at} requires hotplug capability, but the PCI controller with index='{}' doesn't support hotplug",
            at.bus
        ));
    }
    if flags.intersects(offers & Connect::KINDS) {
        return Ok(());
    }
    refusal(match flags.name() {
        Some(name) => format!(
            "The device at PCI address {at} cannot be plugged into the PCI controller with index='{}'. It requires a controller that accepts a {name}.",
            at.bus
        ),
        None => format!(
            "The device at PCI address {at} has unrecognized connection type flags 0x{:02x}",
            (flags & Connect::KINDS).bits()
        ),
    })
}

fn cannot_grow(flags: Connect) -> Error {
    internal(match flags.controller_name() {
        Some(name) => format!(
            "a PCI slot is needed to connect a PCI controller model='{name}', but none is available, and it cannot be automatically added"
        ),
        None => format!(
            "Cannot automatically add a new PCI bus for a device with connect flags {:02x}",
            flags.bits()
        ),
    })
}

/// A place that the document names is its author's mistake, one that was chosen here is ours.
fn refuse(given: bool, detail: String) -> Error {
    if given { xml_error(detail) } else { internal(detail) }
}

/// Bus numbers come from 32-bit indexes, so the count of buses fits.
fn index(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX)
}
