//! Slots of memory modules.

use std::collections::BTreeSet;

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::Dimm;
use virt_conf::domain::Domain;
use virt_conf::domain::device::MemoryModel;

use crate::error::internal;

/// Gives the first free slot to each module that has none.
pub(super) fn assign(domain: &mut Domain) -> Result<()> {
    if !domain.memory.has_hotplug() {
        return Ok(());
    }
    let slots = domain.memory.slots;
    let modules = &mut domain.devices.memories;
    let taken = |address: &Address| match address {
        Address::Dimm(dimm) => Some(dimm.slot),
        _ => None,
    };
    let mut used: BTreeSet<u32> = modules.iter().filter_map(|module| taken(&module.info.address)).collect();
    for module in modules {
        let in_slot = matches!(module.model(), MemoryModel::Dimm | MemoryModel::Nvdimm);
        if in_slot && taken(&module.info.address).is_none() {
            let slot = (0..slots).find(|slot| !used.contains(slot));
            let slot = slot.ok_or_else(|| internal("failed to find an empty memory slot"))?;
            used.insert(slot);
            module.info.address = Address::Dimm(Dimm { slot, base: 0 });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::device::MemoryDevice;

    use super::*;

    #[test]
    fn free_slots_are_taken_in_order_until_none_is_left() {
        let module = |slot: Option<u32>| {
            let mut module = MemoryDevice::default();
            if let Some(slot) = slot {
                module.info.address = Address::Dimm(Dimm { slot, base: 0 });
            }
            module
        };
        let mut domain = Domain::default();
        domain.memory.max = 4096;
        domain.memory.slots = 3;
        domain.devices.memories = vec![module(None), module(Some(0)), module(None)];
        assign(&mut domain).unwrap();
        let slots: Vec<_> =
            domain.devices.memories.iter().map(|module| module.info.address.clone()).collect();
        assert_eq!(slots, [1, 0, 2].map(|slot| Address::Dimm(Dimm { slot, base: 0 })));
        domain.devices.memories.push(module(None));
        assert_eq!(assign(&mut domain).unwrap_err().detail(), "failed to find an empty memory slot");
    }
}
