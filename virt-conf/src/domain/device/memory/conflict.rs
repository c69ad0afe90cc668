//! Modules that want the same slot or the same guest addresses.

use super::{MemoryDevice, MemoryKind};
use crate::Result;
use crate::common::Address;
use crate::error::unsupported;

/// Slot of a module that has a dimm address.
fn slot(device: &MemoryDevice) -> Option<u32> {
    match (&device.kind, &device.info.address) {
        (MemoryKind::Dimm(_) | MemoryKind::Nvdimm { .. }, Address::Dimm(dimm)) => Some(dimm.slot),
        _ => None,
    }
}

/// First guest address of a module, where it was chosen.
fn base(device: &MemoryDevice) -> Option<u64> {
    let base = match (&device.kind, &device.info.address) {
        (MemoryKind::VirtioPmem { base, .. } | MemoryKind::VirtioMem { base, .. }, _) => *base,
        (MemoryKind::Dimm(_) | MemoryKind::Nvdimm { .. }, Address::Dimm(dimm)) => dimm.base,
        (MemoryKind::Dimm(_) | MemoryKind::Nvdimm { .. } | MemoryKind::SgxEpc { .. }, _) => 0,
    };
    Some(base).filter(|base| *base > 0)
}

/// Whether two modules are the same one, in an old and a new form.
fn same(one: &MemoryDevice, other: &MemoryDevice) -> bool {
    let alias = one.info.alias.is_some() && one.info.alias == other.info.alias;
    std::ptr::eq(one, other) || one.info.address == other.info.address || alias
}

pub(super) fn check(device: &MemoryDevice, all: &[MemoryDevice]) -> Result<()> {
    let (slot_wanted, start) = (slot(device), base(device));
    for other in all {
        if std::ptr::eq(other, device) || (slot_wanted.is_none() && same(device, other)) {
            continue;
        }
        if let Some(slot_wanted) = slot_wanted
            && slot(other) == Some(slot_wanted)
        {
            return Err(unsupported(format!(
                "memory device slot '{slot_wanted}' is already being used by another memory device"
            )));
        }
        if let (Some(start), Some(taken)) = (start, base(other)) {
            let end = start.saturating_add(device.size.saturating_mul(1024));
            if (start..end).contains(&taken) {
                return Err(unsupported(format!(
                    "memory device address [0x{start:x}:0x{end:x}] overlaps with other memory device (0x{taken:x})"
                )));
            }
        }
    }
    Ok(())
}
