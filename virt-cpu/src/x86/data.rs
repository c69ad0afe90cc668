//! What an x86 CPU tells of itself: CPUID leaves and model specific registers.

use std::collections::BTreeMap;

use super::features::{FEATURES, Feature};
use super::vendor::{self, Vendor};

/// Index of a register in a leaf.
pub(super) const EAX: usize = 0;
/// Index of a register in a leaf.
pub(super) const EBX: usize = 1;
/// Index of a register in a leaf.
pub(super) const ECX: usize = 2;
/// Index of a register in a leaf.
pub(super) const EDX: usize = 3;

/// The source of four registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// CPUID with these values of EAX and ECX.
    Cpuid(u32, u32),
    /// The model specific register of this number; its halves are EAX and EDX.
    Msr(u32),
}

/// What a CPU tells of itself: EAX, EBX, ECX and EDX of each leaf.
///
/// ```
/// use virt_cpu::x86::{CpuData, Leaf};
/// let mut data = CpuData::default();
/// data.set(Leaf::Cpuid(1, 0), [0x000106a5, 0, 1 << 0, 1 << 25]);
/// assert!(data.has_feature("sse") && data.has_feature("pni") && !data.has_feature("avx"));
/// assert_eq!(data.signature(), Some((6, 26, 5)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuData(BTreeMap<Leaf, [u32; 4]>);

impl CpuData {
    /// Sets bits in a leaf.
    pub fn set(&mut self, leaf: Leaf, registers: [u32; 4]) {
        let known = self.0.entry(leaf).or_default();
        known.iter_mut().zip(registers).for_each(|(known, bits)| *known |= bits);
    }

    /// The registers of a leaf, if it is there.
    #[must_use]
    pub fn get(&self, leaf: Leaf) -> Option<[u32; 4]> {
        self.0.get(&leaf).copied()
    }

    /// Adds a feature by libvirt's name; says whether there is such a feature.
    pub fn add_feature(&mut self, name: &str) -> bool {
        let feature = Feature::find(name);
        feature.into_iter().for_each(|feature| self.add(feature));
        feature.is_some()
    }

    /// Whether all bits of a feature are set.
    #[must_use]
    pub fn has_feature(&self, name: &str) -> bool {
        Feature::find(name).is_some_and(|feature| self.has(feature))
    }

    /// Writes the maker's text of twelve characters into leaf 0; says whether it has that length.
    pub fn set_vendor(&mut self, id: &str) -> bool {
        let id: Option<&[u8; 12]> = id.as_bytes().try_into().ok();
        id.into_iter().for_each(|id| self.set(vendor::LEAF, vendor::registers_of(id)));
        id.is_some()
    }

    /// Writes family, model and stepping into leaf 1.
    pub fn set_signature(&mut self, family: u32, model: u32, stepping: u32) {
        let extended = family.saturating_sub(0xf);
        let eax = (extended << 20)
            | ((model >> 4 & 0xf) << 16)
            | (family.min(0xf) << 8)
            | ((model & 0xf) << 4)
            | (stepping & 0xf);
        self.set(Leaf::Cpuid(1, 0), [eax, 0, 0, 0]);
    }

    /// Family, model and stepping, if leaf 1 is there.
    #[must_use]
    pub fn signature(&self) -> Option<(u32, u32, u32)> {
        let [eax, ..] = self.get(Leaf::Cpuid(1, 0))?;
        let family = (eax >> 20 & 0xff) + (eax >> 8 & 0xf);
        let model = (eax >> 12 & 0xf0) + (eax >> 4 & 0xf);
        Some((family, model, eax & 0xf))
    }

    pub(super) fn has(&self, feature: &Feature) -> bool {
        self.get(feature.leaf)
            .is_some_and(|registers| registers[feature.register] & feature.mask == feature.mask)
    }

    pub(super) fn add(&mut self, feature: &Feature) {
        self.0.entry(feature.leaf).or_default()[feature.register] |= feature.mask;
    }

    pub(super) fn remove(&mut self, feature: &Feature) {
        if let Some(registers) = self.0.get_mut(&feature.leaf) {
            registers[feature.register] &= !feature.mask;
        }
    }

    /// Takes the maker's text out of leaf 0.
    pub(super) fn take_vendor(&mut self) -> Option<&'static Vendor> {
        let known = self.0.get_mut(&vendor::LEAF)?;
        let found = Vendor::of_registers(*known)?;
        known[EBX..].fill(0);
        Some(found)
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        for (leaf, registers) in &mut self.0 {
            let gone = other.get(*leaf).unwrap_or_default();
            registers.iter_mut().zip(gone).for_each(|(bits, gone)| *bits &= !gone);
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        for (leaf, registers) in &mut self.0 {
            let kept = other.get(*leaf).unwrap_or_default();
            registers.iter_mut().zip(kept).for_each(|(bits, kept)| *bits &= kept);
        }
    }

    /// Whether every bit of another one is set.
    pub(super) fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|(leaf, registers)| {
            let ours = self.get(*leaf).unwrap_or_default();
            registers.iter().zip(ours).all(|(bits, ours)| bits & ours == *bits)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(|registers| *registers == [0; 4])
    }

    /// The features whose bits are set, in libvirt's order.
    pub fn features(&self) -> impl Iterator<Item = &'static str> {
        FEATURES.iter().filter(|feature| self.has(feature)).map(|feature| feature.name)
    }
}
