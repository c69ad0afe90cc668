//! The names of virtio devices, and their transport options as properties.

use virt_conf::common::address::AddressType;
use virt_conf::common::{DeviceInfo, VirtioDriver};
use virt_types::Result;

use crate::error::{internal, unsupported};
use crate::plan::Props;

/// Which revisions of the virtio standard a PCI device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revision {
    /// Depends on the bus: old and new on a conventional one, new only on PCI Express.
    #[default]
    Any,
    /// Old and new.
    Transitional,
    /// New only.
    NonTransitional,
}

/// Driver name and transport options of a virtio device, the first properties of each; `base` is the name without
/// the transport, such as `virtio-blk`.
///
/// # Errors
/// For an address that no virtio device has.
pub fn props(base: &str, revision: Revision, info: &DeviceInfo, options: &VirtioDriver) -> Result<Props> {
    Ok(Props::new().str("driver", driver(base, revision, info)?).extend(option_props(options)))
}

/// The transport options alone, for a virtio device whose driver name has no transport.
#[must_use]
pub fn option_props(options: &VirtioDriver) -> Props {
    Props::new()
        .opt_bool("iommu_platform", options.iommu)
        .opt_bool("ats", options.ats)
        .opt_bool("packed", options.packed)
        .opt_bool("page-per-vq", options.page_per_vq)
}

/// The name of the driver, such as `virtio-blk-pci-transitional`.
///
/// # Errors
/// For an address that no virtio device has.
pub fn driver(base: &str, revision: Revision, info: &DeviceInfo) -> Result<String> {
    let kind = info.address.kind();
    let transport = match kind {
        AddressType::Pci => "pci",
        AddressType::VirtioMmio => "device",
        AddressType::Ccw => "ccw",
        AddressType::None
        | AddressType::Drive
        | AddressType::VirtioSerial
        | AddressType::Ccid
        | AddressType::Usb
        | AddressType::SpaprVio
        | AddressType::VirtioS390
        | AddressType::Isa
        | AddressType::Dimm
        | AddressType::Unassigned => {
            return Err(internal(format!("Unexpected address type for '{base}'")));
        }
    };
    let suffix = match revision {
        Revision::Any => "",
        Revision::Transitional => "-transitional",
        Revision::NonTransitional => "-non-transitional",
    };
    if revision != Revision::Any && kind != AddressType::Pci {
        return Err(unsupported(format!(
            "virtio (non-)transitional models are not supported for address type={kind}"
        )));
    }
    Ok(format!("{base}-{transport}{suffix}"))
}

#[cfg(test)]
mod tests {
    use virt_conf::common::Address;
    use virt_conf::common::address::{Ccw, Pci};

    use super::*;

    #[test]
    fn the_transport_follows_from_the_address() {
        let pci = || Address::Pci(Pci::new(0, 3, 0));
        for (address, revision, expected) in [
            (pci(), Revision::Any, Ok("virtio-blk-pci")),
            (pci(), Revision::Transitional, Ok("virtio-blk-pci-transitional")),
            (pci(), Revision::NonTransitional, Ok("virtio-blk-pci-non-transitional")),
            (Address::Ccw(Ccw { at: Some((0xfe, 0, 1)) }), Revision::Any, Ok("virtio-blk-ccw")),
            (Address::VirtioMmio, Revision::Any, Ok("virtio-blk-device")),
            (
                Address::VirtioMmio,
                Revision::Transitional,
                Err("virtio (non-)transitional models are not supported for address type=virtio-mmio"),
            ),
            (Address::None, Revision::Any, Err("Unexpected address type for 'virtio-blk'")),
        ] {
            let info = DeviceInfo { address, ..DeviceInfo::default() };
            let found = driver("virtio-blk", revision, &info);
            match expected {
                Ok(name) => assert_eq!(found.unwrap(), name),
                Err(detail) => assert_eq!(found.unwrap_err().detail(), detail),
            }
        }
    }
}
