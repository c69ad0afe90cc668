//! PCI devices of the host, on their own or as network interfaces.

use virt_conf::common::address::Pci;
use virt_conf::common::{Address, DeviceInfo};
use virt_conf::domain::device::{Hostdev, Interface, InterfaceSource, PciBackend, PciHostdev, TeamingType};
use virt_types::Result;

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::device::common::{address, rom_props};
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, PlanContext, Props};

pub(super) fn check(pci: &PciHostdev, cx: &QemuContext<'_>) -> Result<()> {
    if pci.backend == PciBackend::Vfio && !cx.caps.has(Cap::VfioPci) {
        return Err(unsupported("VFIO PCI device assignment is not supported by this version of qemu"));
    }
    if pci.write_filtering.is_some() {
        return Err(unsupported(
            "Write filtering of PCI device configuration space is not supported by qemu",
        ));
    }
    Ok(())
}

pub(super) fn props(hostdev: &Hostdev, pci: &PciHostdev, cx: &PlanContext<'_>) -> Result<Props> {
    let partner = teaming_partner(hostdev.teaming, hostdev.teaming_persistent.as_deref());
    device_props(&pci.address, pci.backend, partner, &hostdev.info, cx)
}

/// Plans a network interface that is a PCI device of the host.
///
/// # Errors
/// For a backend that QEMU does not have, and where the guest has no such place.
pub fn plan_interface(interface: &Interface, cx: &PlanContext<'_>) -> Result<DevicePlan> {
    let mut plan = DevicePlan::default();
    if let InterfaceSource::Hostdev(source) = &interface.source
        && let Address::Pci(host) = &source.address
    {
        let partner = teaming_partner(interface.teaming, interface.teaming_persistent.as_deref());
        plan.device(&interface.info, device_props(host, source.backend, partner, &interface.info, cx)?);
    }
    Ok(plan)
}

fn teaming_partner(teaming: TeamingType, persistent: Option<&str>) -> Option<&str> {
    persistent.filter(|_| teaming == TeamingType::Transient)
}

fn device_props(
    host: &Pci,
    backend: PciBackend,
    partner: Option<&str>,
    info: &DeviceInfo,
    cx: &PlanContext<'_>,
) -> Result<Props> {
    if backend != PciBackend::Vfio {
        return Err(internal(format!("invalid PCI passthrough type '{backend}'")));
    }
    Ok(Props::new()
        .str("driver", "vfio-pci")
        .str("host", host.at.to_string())
        .opt_str("id", info.alias.clone())
        .opt_u64("bootindex", info.effective_boot_order)
        .opt_str("failover_pair_id", partner)
        .extend(address::props(cx.domain, info)?)
        .extend(rom_props(info)?))
}
