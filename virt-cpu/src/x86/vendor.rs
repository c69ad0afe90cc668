//! Who makes x86 CPUs.

use super::data::Leaf;

/// A maker, and the text by which its CPUs name it (CPUID leaf 0).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    /// libvirt's name.
    pub(super) name: &'static str,
    id: &'static [u8; 12],
}

pub(super) static INTEL: Vendor = Vendor { name: "Intel", id: b"GenuineIntel" };
pub(super) static AMD: Vendor = Vendor { name: "AMD", id: b"AuthenticAMD" };
pub(super) static HYGON: Vendor = Vendor { name: "Hygon", id: b"HygonGenuine" };

static VENDORS: [&Vendor; 3] = [&INTEL, &AMD, &HYGON];

/// The leaf that names the maker.
pub(super) const LEAF: Leaf = Leaf::Cpuid(0, 0);

impl Vendor {
    /// The maker of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        VENDORS.into_iter().find(|vendor| vendor.name == name)
    }

    /// The maker that the registers of leaf 0 name.
    pub(super) fn of_registers(registers: [u32; 4]) -> Option<&'static Self> {
        let [_, ebx, ecx, edx] = registers;
        VENDORS.into_iter().find(|vendor| vendor.registers() == [0, ebx, ecx, edx])
    }

    /// The registers of leaf 0, without the highest leaf.
    pub(super) fn registers(&self) -> [u32; 4] {
        registers_of(self.id)
    }
}

/// A maker's text as leaf 0 has it.
pub(super) fn registers_of(id: &[u8; 12]) -> [u32; 4] {
    let word = |at: usize| u32::from_le_bytes([id[at], id[at + 1], id[at + 2], id[at + 3]]);
    [0, word(0), word(8), word(4)]
}
