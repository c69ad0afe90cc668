//! Whether a binary can run a domain at all.

use virt_conf::Result;
use virt_conf::domain::{Domain, OsType};
use virt_types::Arch;

use super::QemuPolicy;
use crate::error::unsupported;
use crate::planner::refuse_virt_type;

/// Refuses a domain that the binary can not run.
pub(super) fn check(domain: &Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let caps = policy.caps;
    let binary = domain.emulator.as_deref().unwrap_or(&caps.binary);
    let refuse = |what: &str, value: &str| {
        Err(unsupported(format!("Emulator '{binary}' does not support {what} '{value}'")))
    };
    if domain.os.os_type != OsType::Hvm {
        return refuse("os type", &domain.os.os_type.to_string());
    }
    if !runs_arch(caps.arch, domain.os.arch) {
        return refuse("arch", &domain.os.arch.to_string());
    }
    if !caps.supports(domain.virt_type) {
        return Err(refuse_virt_type(binary, domain.virt_type, policy.host));
    }
    let machine = domain.os.machine.as_deref().unwrap_or_default();
    if caps.machine(domain.virt_type, machine).is_none() {
        return refuse("machine type", machine);
    }
    Ok(())
}

/// Whether a binary for one architecture runs guests of another.
fn runs_arch(binary: Arch, guest: Arch) -> bool {
    binary == guest
        || matches!(
            (binary, guest),
            (Arch::X86_64, Arch::I686)
                | (Arch::Aarch64, Arch::Armv7l)
                | (Arch::Armv7l, Arch::Armv6l)
                | (Arch::Ppc64, Arch::Ppc64le)
        )
}
