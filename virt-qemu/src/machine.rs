//! What follows from the name of a machine type.

use virt_conf::domain::Domain;
use virt_types::Arch;

/// The machine type, `""` where none is chosen yet.
fn name(domain: &Domain) -> &str {
    domain.os.machine.as_deref().unwrap_or_default()
}

fn is_or_versioned(machine: &str, family: &str) -> bool {
    machine.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// x86 with the Q35 chipset.
#[must_use]
pub fn is_q35(domain: &Domain) -> bool {
    domain.os.arch.is_x86() && (name(domain) == "q35" || name(domain).starts_with("pc-q35-"))
}

/// x86 with the i440FX chipset.
#[must_use]
pub fn is_i440fx(domain: &Domain) -> bool {
    let machine = name(domain);
    let prefixes = ["pc-0.", "pc-1.", "pc-i440fx-", "rhel"];
    domain.os.arch.is_x86() && (machine == "pc" || prefixes.iter().any(|prefix| machine.starts_with(prefix)))
}

/// x86 without PCI or legacy devices by default.
#[must_use]
pub fn is_microvm(domain: &Domain) -> bool {
    domain.os.arch.is_x86() && name(domain) == "microvm"
}

/// s390 with channel devices.
#[must_use]
pub fn is_s390_ccw(domain: &Domain) -> bool {
    domain.os.arch.is_s390() && name(domain).starts_with("s390-ccw")
}

/// ARM's `virt`.
#[must_use]
pub fn is_arm_virt(domain: &Domain) -> bool {
    matches!(domain.os.arch, Arch::Armv6l | Arch::Armv7l | Arch::Aarch64)
        && is_or_versioned(name(domain), "virt")
}

/// RISC-V's `virt`.
#[must_use]
pub fn is_riscv_virt(domain: &Domain) -> bool {
    domain.os.arch.is_riscv() && is_or_versioned(name(domain), "virt")
}

/// POWER's `pseries`.
#[must_use]
pub fn is_pseries(domain: &Domain) -> bool {
    domain.os.arch.is_ppc64() && is_or_versioned(name(domain), "pseries")
}

/// MIPS' `malta`.
#[must_use]
pub fn is_malta(domain: &Domain) -> bool {
    domain.os.arch.is_mips() && name(domain) == "malta"
}

/// The board has an IDE controller.
#[must_use]
pub fn has_builtin_ide(domain: &Domain) -> bool {
    is_i440fx(domain) || matches!(name(domain), "malta" | "sun4u" | "g3beige")
}

/// The board has an ESP SCSI controller.
#[must_use]
pub fn has_builtin_esp(domain: &Domain) -> bool {
    match domain.os.arch {
        Arch::Sparc => true,
        Arch::Mips64 | Arch::Mips64el => matches!(name(domain), "magnum" | "pica61"),
        Arch::M68k => name(domain) == "q800",
        _ => false,
    }
}

/// Floppy drives need a controller of their own: Q35 boards have none since QEMU 2.4.
#[must_use]
pub fn needs_fdc(domain: &Domain) -> bool {
    is_q35(domain)
}

/// PCI buses are numbered, so that there may be several; where they are not, the only bus is `pci`.
#[must_use]
pub fn has_numbered_pci_buses(domain: &Domain) -> bool {
    let arch = domain.os.arch;
    arch.is_x86()
        || arch == Arch::Ppc
        || arch.is_ppc64()
        || arch.is_s390()
        || is_arm_virt(domain)
        || is_riscv_virt(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(arch: Arch, machine: &str) -> Domain {
        let mut domain = Domain::default();
        domain.os.arch = arch;
        domain.os.machine = Some(machine.to_owned());
        domain
    }

    #[test]
    fn families_are_told_by_name_and_architecture() {
        assert!(is_q35(&domain(Arch::X86_64, "pc-q35-7.2")));
        assert!(!is_q35(&domain(Arch::Aarch64, "q35")));
        assert!(is_i440fx(&domain(Arch::I686, "pc")));
        assert!(is_i440fx(&domain(Arch::X86_64, "pc-1.2")));
        assert!(!is_i440fx(&domain(Arch::X86_64, "pc-q35-7.2")));
        assert!(is_arm_virt(&domain(Arch::Aarch64, "virt-7.2")));
        assert!(!is_arm_virt(&domain(Arch::Aarch64, "virtual")));
        assert!(is_pseries(&domain(Arch::Ppc64, "pseries-2.1")));
        assert!(has_builtin_ide(&domain(Arch::Ppc, "g3beige")));
        assert!(!has_numbered_pci_buses(&domain(Arch::Mips, "malta")));
    }
}
