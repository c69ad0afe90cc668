//! What the processor says of itself (the CPUID instruction of x86).

/// EAX and ECX of a question, and EAX, EBX, ECX and EDX of the answer.
pub type Leaf = (u32, u32, [u32; 4]);

/// Every leaf and subleaf that the processor has, asked on the CPU that this runs on; `None` on processors that have no
/// CPUID.
///
/// The rules by which subleaves end are those of Intel's Software Developer's Manual, volume 2A, "CPUID".
pub fn leaves() -> Option<Vec<Leaf>> {
    #[cfg(target_arch = "x86_64")]
    return Some(x86::leaves());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Leaf;

    fn ask(eax: u32, ecx: u32) -> [u32; 4] {
        // SAFETY: every processor of this architecture has the instruction, which touches no memory. Newer compilers
        // know that it is safe.
        #[allow(unused_unsafe)]
        let answer = unsafe { std::arch::x86_64::__cpuid_count(eax, ecx) };
        [answer.eax, answer.ebx, answer.ecx, answer.edx]
    }

    pub(super) fn leaves() -> Vec<Leaf> {
        let mut found = Vec::new();
        for base in [0, 0x8000_0000] {
            let [highest, ..] = ask(base, 0);
            // What answers with less than its own range has nothing there; no processor has hundreds of leaves.
            for leaf in base..=highest.clamp(base, base + 0xff) {
                let first = ask(leaf, 0);
                found.push((leaf, 0, first));
                found.extend(subleaves(leaf, first).into_iter().map(|sub| (leaf, sub, ask(leaf, sub))));
            }
        }
        found
    }

    /// The subleaves after the first one.
    fn subleaves(leaf: u32, [eax, ebx, _, edx]: [u32; 4]) -> Vec<u32> {
        let bit = |bits: u32, at: u32| bits >> at & 1 == 1;
        match leaf {
            // Caches, until there is none.
            0x4 => (1..32).take_while(|sub| ask(leaf, sub - 1)[0] & 0x1f != 0).collect(),
            // The first tells the last.
            0x7 | 0x14 => (1..=eax.min(64)).collect(),
            0x17 if eax >= 3 => (1..=eax.min(64)).collect(),
            // Levels of topology, until there is none.
            0xb => (1..32).take_while(|sub| ask(leaf, *sub)[2] & 0xff00 != 0).collect(),
            // Parts of the extended state, by bits of the first two.
            0xd => {
                let [_, _, more_low, more_high] = ask(leaf, 1);
                let valid = |sub: &u32| match sub {
                    0..32 => bit(eax | more_low, *sub),
                    _ => bit(edx | more_high, *sub - 32),
                };
                std::iter::once(1).chain((2..64).filter(valid)).collect()
            }
            // Resources that can be watched or divided, by bits of the first.
            0xf => (1..32).filter(|sub| bit(edx, *sub)).collect(),
            0x10 => (1..32).filter(|sub| bit(ebx, *sub)).collect(),
            // Enclaves, where the processor has them.
            0x12 if bit(ask(0x7, 0)[1], 2) => {
                std::iter::once(1).chain((2..32).take_while(|sub| ask(leaf, *sub)[0] & 0xf != 0)).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_names_its_maker() {
        let Some(leaves) = leaves() else { return };
        let (_, _, [_, ebx, ecx, edx]) = leaves[0];
        let name: Vec<u8> = [ebx, edx, ecx].into_iter().flat_map(u32::to_le_bytes).collect();
        assert!(name.iter().all(u8::is_ascii_graphic), "{name:?}");
        let mut asked: Vec<_> = leaves.iter().map(|(eax, ecx, _)| (*eax, *ecx)).collect();
        let count = asked.len();
        asked.dedup();
        assert_eq!(asked.len(), count);
        assert!(asked.contains(&(1, 0)) && asked.contains(&(0x8000_0001, 0)));
    }
}
