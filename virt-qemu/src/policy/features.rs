//! Features that a machine has without being asked, and their versions.

use virt_conf::Result;
use virt_conf::domain::{Domain, GicVersion, VirtType};

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;

/// Gives ARM's `virt` board the interrupt controller that it always has.
pub(super) fn complete(domain: &mut Domain, caps: &Capabilities) {
    if domain.features.gic.is_none() && !machine::is_arm_virt(domain) {
        return;
    }
    let gic = domain.features.gic.get_or_insert_default();
    if gic.version.is_some() {
        return;
    }
    // The emulated version 3 has no MSI controller, which PCI Express needs.
    let kernel = domain.virt_type == VirtType::Kvm && caps.kvm_gic_versions.contains(&3);
    gic.version = Some(if kernel { GicVersion::V3 } else { GicVersion::V2 });
}

/// Refuses sizes of the memory for system management that the machine can not have.
pub(super) fn check_tseg(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let Some(bytes) = domain.features.smm.filter(|smm| smm.state).and_then(|smm| smm.tseg) else {
        return Ok(());
    };
    if !machine::is_q35(domain) {
        return Err(unsupported("SMM TSEG is only supported with q35 machine type"));
    }
    if !caps.has(Cap::MchExtendedTsegMbytes) {
        return Err(unsupported("Setting TSEG size is not supported with this QEMU binary"));
    }
    if bytes % (1 << 20) != 0 {
        return Err(unsupported("SMM TSEG size must be divisible by 1 MiB"));
    }
    Ok(())
}
