//! The bus of virtio devices where the machine leaves a choice.

use virt_conf::common::Address;
use virt_conf::common::address::Pci;
use virt_conf::domain::Domain;
use virt_types::Arch;

use super::{AttachContext, Virtio};
use crate::caps::Cap;
use crate::device;
use crate::machine;
use crate::policy::{QemuPolicy, topology};

/// Chooses between PCI and MMIO for the virtio devices of ARM and RISC-V boards.
pub(super) fn choose_transport(domain: &mut Domain, policy: &QemuPolicy<'_>) {
    let arch = domain.os.arch;
    let arm = matches!(arch, Arch::Armv6l | Arch::Armv7l | Arch::Aarch64);
    let vexpress = domain.os.machine.as_deref().is_some_and(|name| name.starts_with("vexpress-"));
    let board = vexpress || machine::is_arm_virt(domain) || machine::is_riscv_virt(domain);
    if !board || !(arm || arch.is_riscv()) {
        return;
    }
    let caps = policy.caps;
    let ports = caps.has(Cap::PcieRootPort) || caps.has(Cap::Ioh3420);
    // A guest that has MMIO devices already goes on with them.
    let mmio = domain
        .devices
        .iter()
        .filter_map(|device| device.info())
        .any(|info| matches!(info.address, Address::VirtioMmio));
    if topology::has_pcie_root(domain) && ports && !mmio {
        attach(domain, policy, &Address::Pci(Pci::default()), false);
    } else if caps.has(Cap::VirtioMmio) {
        attach(domain, policy, &Address::VirtioMmio, false);
    }
}

/// Gives an address of this kind to every virtio device that has none.
pub(super) fn attach(domain: &mut Domain, policy: &QemuPolicy<'_>, address: &Address, ccw: bool) {
    for (kind, position) in domain.placed_visits() {
        let cx = AttachContext { domain, host: policy.host };
        let Some(device) = domain.devices.get(kind, position) else { continue };
        let wanted = match device::attachment(device, &cx).virtio {
            Virtio::No => false,
            Virtio::Any => true,
            Virtio::CcwOnly => ccw,
        };
        let open = device.info().is_some_and(|info| info.address == Address::None);
        if wanted
            && open
            && let Some(info) = domain.devices.info_mut(kind, position)
        {
            info.address = address.clone();
        }
    }
}
