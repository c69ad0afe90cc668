//! `<guest>`: what guests of one architecture may have.

use virt_types::{Arch, TextEnum, text_enum};
use virt_xml::Writer;

use crate::domain::VirtType;

/// `<guest>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guest {
    /// `<os_type>`: `hvm`, `exe`, `xen` and others.
    pub os_type: &'static str,
    /// `<arch name='…'>`
    pub arch: Arch,
    /// `<emulator>`
    pub emulator: Option<String>,
    /// `<loader>`
    pub loader: Option<String>,
    /// `<machine>`
    pub machines: Vec<GuestMachine>,
    /// `<domain>`
    pub domains: Vec<GuestDomain>,
    /// `<features>`, in any order.
    pub features: Vec<GuestFeature>,
}

/// `<domain>`: a type of domain that can run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestDomain {
    /// `type`
    pub virt_type: VirtType,
    /// `<emulator>`, where it is another one than the guest's.
    pub emulator: Option<String>,
    /// `<machine>`, where they are others than the guest's.
    pub machines: Vec<GuestMachine>,
}

/// `<machine>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestMachine {
    /// What a document may call it.
    pub name: String,
    /// `canonical`: the name behind an alias.
    pub canonical: Option<String>,
    /// `maxCpus`; 0 where unknown.
    pub max_cpus: u32,
    /// `deprecated`: whether the hypervisor will drop it.
    pub deprecated: bool,
}

text_enum! {
    /// `<features>`: what guests may ask for, in libvirt's order.
    pub enum FeatureName {
        Pae = "pae", NonPae = "nonpae", Ia64Be = "ia64_be", Acpi = "acpi", Apic = "apic",
        CpuSelection = "cpuselection", DeviceBoot = "deviceboot", DiskSnapshot = "disksnapshot", Hap = "hap",
    }
}

/// A feature and whether it is there without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestFeature {
    name: FeatureName,
    /// `default` and `toggle`.
    toggle: Option<(bool, bool)>,
}

impl GuestFeature {
    /// Physical address extension.
    pub const PAE: Self = Self::plain(FeatureName::Pae);
    /// No physical address extension.
    pub const NON_PAE: Self = Self::plain(FeatureName::NonPae);
    /// ACPI tables, which a domain may do without.
    pub const ACPI: Self = Self::toggled(FeatureName::Acpi, true, true);
    /// An APIC, always.
    pub const APIC: Self = Self::toggled(FeatureName::Apic, true, false);
    /// A choice of CPU.
    pub const CPU_SELECTION: Self = Self::plain(FeatureName::CpuSelection);
    /// `<boot order='…'>` for devices.
    pub const DEVICE_BOOT: Self = Self::plain(FeatureName::DeviceBoot);
    /// Snapshots of disks.
    pub const DISK_SNAPSHOT: Self = Self::toggled(FeatureName::DiskSnapshot, true, false);

    const fn plain(name: FeatureName) -> Self {
        Self { name, toggle: None }
    }

    /// A feature that is on or off where nothing is said, and may be switched or not.
    #[must_use]
    pub const fn toggled(name: FeatureName, default: bool, toggle: bool) -> Self {
        Self { name, toggle: Some((default, toggle)) }
    }
}

/// Bits of a pointer.
const fn wordsize(arch: Arch) -> u32 {
    match arch {
        Arch::Alpha
        | Arch::Aarch64
        | Arch::Ia64
        | Arch::Loongarch64
        | Arch::Mips64
        | Arch::Mips64el
        | Arch::Parisc64
        | Arch::Ppc64
        | Arch::Ppc64le
        | Arch::Riscv64
        | Arch::S390x
        | Arch::Sparc64
        | Arch::X86_64 => 64,
        Arch::None => 0,
        _ => 32,
    }
}

impl Guest {
    pub(super) fn format(&self, w: &mut Writer) {
        w.element("guest", |w| {
            w.text_element("os_type", self.os_type);
            w.element("arch", |w| {
                w.attr("name", self.arch);
                w.text_element("wordsize", wordsize(self.arch));
                w.text_element_opt("emulator", self.emulator.as_ref());
                w.text_element_opt("loader", self.loader.as_ref());
                self.machines.iter().for_each(|machine| machine.format(w));
                for domain in &self.domains {
                    w.element("domain", |w| {
                        w.attr("type", domain.virt_type);
                        w.text_element_opt("emulator", domain.emulator.as_ref());
                        domain.machines.iter().for_each(|machine| machine.format(w));
                    });
                }
            });
            w.element_if_any("features", |w| {
                for (name, _) in FeatureName::SPELLINGS {
                    let known = self.features.iter().find(|feature| feature.name == *name);
                    known.into_iter().for_each(|feature| feature.format(w));
                }
            });
        });
    }
}

impl GuestMachine {
    fn format(&self, w: &mut Writer) {
        let attributes = |w: &mut Writer| {
            w.attr_opt("canonical", self.canonical.as_ref());
            w.attr_opt("maxCpus", Some(self.max_cpus).filter(|count| *count > 0));
            w.attr_opt("deprecated", self.deprecated.then_some("yes"));
        };
        w.text_element_with("machine", attributes, &self.name);
    }
}

impl GuestFeature {
    fn format(self, w: &mut Writer) {
        w.element(self.name.text(), |w| {
            if let Some((default, toggle)) = self.toggle {
                w.attr_on_off("default", Some(default));
                w.attr_yes_no("toggle", Some(toggle));
            }
        });
    }
}
