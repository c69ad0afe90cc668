//! Isolation groups of pseries guests: error recovery works on a whole host bridge, so passed-through devices of
//! different host groups do not share one.

use virt_conf::common::Address;
use virt_conf::domain::device::{HostdevSource, InterfaceSource};
use virt_conf::domain::{DeviceRef, Domain};
use virt_types::PciAddress;

use crate::machine;
use crate::policy::QemuPolicy;

/// Gives passed-through devices the group that their host devices are in.
pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>) {
    if !machine::is_pseries(domain) {
        return;
    }
    for (kind, position) in domain.devices.visits() {
        let source = domain.devices.get(kind, position).and_then(source);
        let device = source.and_then(|source| policy.host.pci_devices.get(&source));
        if let Some(group) = device.and_then(|device| device.iommu_group)
            && let Some(info) = domain.devices.info_mut(kind, position)
            && info.isolation_group == 0
        {
            // Group 0 exists on hosts; here it is that of all emulated devices.
            info.isolation_group = group + 1;
        }
    }
}

/// The host's PCI device that is handed to the guest.
fn source(device: DeviceRef<'_>) -> Option<PciAddress> {
    match device {
        DeviceRef::Hostdev(hostdev) => match &hostdev.source {
            HostdevSource::Pci(pci) => Some(pci.address.at),
            _ => None,
        },
        DeviceRef::Interface(interface) => match &interface.source {
            InterfaceSource::Hostdev(hostdev) => match hostdev.address {
                Address::Pci(pci) => Some(pci.at),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
