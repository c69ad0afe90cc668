//! What guests of an architecture may have, as a part of the host's capabilities.

use virt_conf::capabilities::{Guest, GuestDomain, GuestFeature, GuestMachine};
use virt_conf::domain::VirtType;
use virt_types::Arch;

use super::Capabilities;

impl Capabilities {
    /// What guests of an architecture may have that the binary runs.
    #[must_use]
    pub fn guest(&self, arch: Arch) -> Guest {
        // Of the accelerators' machine types, which are the same but for a few, libvirt tells the faster one's.
        let best = if self.supports(VirtType::Kvm) { VirtType::Kvm } else { VirtType::Qemu };
        let mut features =
            vec![GuestFeature::CPU_SELECTION, GuestFeature::DEVICE_BOOT, GuestFeature::DISK_SNAPSHOT];
        if arch.is_x86() || arch == Arch::Aarch64 {
            features.push(GuestFeature::ACPI);
        }
        if arch.is_x86() {
            features.push(GuestFeature::APIC);
        }
        if arch == Arch::I686 {
            features.extend([GuestFeature::PAE, GuestFeature::NON_PAE]);
        }
        let types = [VirtType::Qemu, VirtType::Kvm].into_iter().filter(|virt_type| self.supports(*virt_type));
        Guest {
            os_type: "hvm",
            arch,
            emulator: Some(self.binary.clone()),
            loader: None,
            machines: machines(self, best),
            domains: types.map(|virt_type| GuestDomain { virt_type, ..GuestDomain::default() }).collect(),
            features,
        }
    }
}

/// Machine types, the one first that a domain gets which names none; each alias follows its own.
fn machines(caps: &Capabilities, virt_type: VirtType) -> Vec<GuestMachine> {
    let default = caps.default_machine(virt_type);
    let others = caps.machines(virt_type).iter().filter(|machine| Some(*machine) != default);
    let mut named = Vec::new();
    for machine in default.into_iter().chain(others) {
        let canonical = GuestMachine {
            name: machine.name.clone(),
            canonical: None,
            max_cpus: machine.max_cpus,
            deprecated: machine.deprecated,
        };
        let alias = machine.alias.as_ref().map(|alias| GuestMachine {
            name: alias.clone(),
            canonical: Some(machine.name.clone()),
            ..canonical.clone()
        });
        named.push(canonical);
        named.extend(alias);
    }
    named
}
