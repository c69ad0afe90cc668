//! What root buses a domain's machine has.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, PciModel};
use virt_types::Arch;

use crate::caps::{Cap, Capabilities};
use crate::machine;

/// The model of the root PCI bus, if the domain has one.
fn root(domain: &Domain) -> Option<PciModel> {
    domain.controller(ControllerType::Pci, 0)?.pci()?.model
}

/// Conventional PCI.
pub(crate) fn has_pci_root(domain: &Domain) -> bool {
    root(domain) == Some(PciModel::PciRoot)
}

/// PCI Express.
pub(crate) fn has_pcie_root(domain: &Domain) -> bool {
    root(domain) == Some(PciModel::PcieRoot)
}

/// Whether the machine can have PCI at all.
pub(crate) fn supports_pci(domain: &Domain, caps: &Capabilities) -> bool {
    let arch = domain.os.arch;
    let rarely = matches!(arch, Arch::Armv6l | Arch::Armv7l | Arch::Aarch64) || arch.is_riscv();
    if !rarely || domain.os.machine.as_deref() == Some("versatilepb") {
        return true;
    }
    (machine::is_arm_virt(domain) || machine::is_riscv_virt(domain)) && caps.has(Cap::Gpex)
}
