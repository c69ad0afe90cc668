//! Which binary runs guests of an architecture.

use virt_types::Arch;

use super::machine::target_of_arch;

/// Whether the host's processors run guests of an architecture themselves.
#[must_use]
pub fn is_native(host: Arch, guest: Arch) -> bool {
    host == guest
        || matches!((host, guest), (Arch::X86_64, Arch::I686) | (Arch::Aarch64, Arch::Armv7l))
        || (host.is_ppc64() && guest.is_ppc64())
}

/// The installed binary that runs guests of an architecture, as libvirt looks for one: the one named after the guest's
/// architecture, then the host's own if it can, then the one that some distributions name after KVM.
#[must_use]
pub fn default_emulator(host: Arch, guest: Arch) -> Option<String> {
    let native = is_native(host, guest);
    let named = |arch| format!("qemu-system-{}", target_of_arch(arch));
    let mut names = Vec::new();
    // Only the 64-bit binary runs such guests on the processor.
    if (host, guest) == (Arch::Aarch64, Arch::Armv7l) {
        names.push(named(host));
    }
    names.push(named(guest));
    if native {
        names.extend([named(host), "/usr/libexec/qemu-kvm".to_owned()]);
    }
    names.iter().find_map(|name| virt_sys::find_program(name)?.into_os_string().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_guests() {
        for (host, guest, expected) in [
            (Arch::X86_64, Arch::X86_64, true),
            (Arch::X86_64, Arch::I686, true),
            (Arch::I686, Arch::X86_64, false),
            (Arch::Ppc64le, Arch::Ppc64, true),
            (Arch::Aarch64, Arch::Armv6l, false),
        ] {
            assert_eq!(is_native(host, guest), expected, "{guest} on {host}");
        }
    }

    #[test]
    fn nobody_runs_guests_of_no_architecture() {
        assert_eq!(default_emulator(Arch::X86_64, Arch::Unicore32), None);
    }
}
