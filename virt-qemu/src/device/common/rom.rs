//! `<rom>` as device properties.

use virt_conf::common::{Address, DeviceInfo};
use virt_types::Result;

use crate::error::unsupported;
use crate::plan::Props;

/// The properties of a device's option ROM.
///
/// # Errors
/// For a device that is not on a PCI bus.
pub fn rom_props(info: &DeviceInfo) -> Result<Props> {
    let Some(rom) =
        info.rom.as_ref().filter(|rom| rom.enabled.is_some() || rom.bar.is_some() || rom.file.is_some())
    else {
        return Ok(Props::new());
    };
    if !matches!(info.address, Address::Pci(_)) {
        return Err(unsupported("ROM tuning is only supported for PCI devices"));
    }
    Ok(match rom.enabled {
        // An empty file name is how QEMU spells "no ROM".
        Some(false) => Props::new().str("romfile", ""),
        _ => Props::new().opt_u64("rombar", rom.bar.map(u32::from)).opt_str("romfile", rom.file.clone()),
    })
}
