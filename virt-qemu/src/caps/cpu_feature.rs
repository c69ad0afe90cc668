//! QEMU's names of CPU features, where they are not libvirt's.

use virt_types::Arch;

/// libvirt's name and QEMU's, of x86.
const X86: &[(&str, &str)] = &[
    ("cmp_legacy", "cmp-legacy"),
    ("ds_cpl", "ds-cpl"),
    ("fxsr_opt", "fxsr-opt"),
    ("kvm_pv_eoi", "kvm-pv-eoi"),
    ("kvm_pv_unhalt", "kvm-pv-unhalt"),
    ("lahf_lm", "lahf-lm"),
    ("nodeid_msr", "nodeid-msr"),
    ("pclmuldq", "pclmulqdq"),
    ("perfctr_core", "perfctr-core"),
    ("perfctr_nb", "perfctr-nb"),
    ("tsc_adjust", "tsc-adjust"),
];

/// QEMU's name of libvirt's feature.
#[must_use]
pub fn to_qemu(arch: Arch, name: &str) -> &str {
    let known = X86.iter().find(|(libvirt, _)| arch.is_x86() && *libvirt == name);
    known.map_or(name, |(_, qemu)| qemu)
}

/// libvirt's name of QEMU's feature.
#[must_use]
pub fn from_qemu(arch: Arch, name: &str) -> &str {
    let known = X86.iter().find(|(_, qemu)| arch.is_x86() && *qemu == name);
    known.map_or(name, |(libvirt, _)| libvirt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        assert_eq!(to_qemu(Arch::X86_64, "pclmuldq"), "pclmulqdq");
        assert_eq!(from_qemu(Arch::I686, "tsc-adjust"), "tsc_adjust");
        assert_eq!(from_qemu(Arch::S390x, "tsc-adjust"), "tsc-adjust");
        assert_eq!(to_qemu(Arch::X86_64, "avx"), "avx");
    }
}
