//! CPUs of ARM, which are told by their main identification register; what a guest's can have QEMU checks.

use virt_conf::domain::{Cpu, CpuFeature, CpuMatch, FeaturePolicy};

use crate::{Comparison, Description, Error, HypervisorModel, Result};

/// Makers, with the byte that shows them.
const VENDORS: &[(&str, u8)] = &[
    ("ARM", 0x41),
    ("Broadcom", 0x42),
    ("Cavium", 0x43),
    ("DigitalEquipment", 0x44),
    ("Fujitsu", 0x46),
    ("HiSilicon", 0x48),
    ("Infineon", 0x49),
    ("Freescale", 0x4d),
    ("NVIDIA", 0x4e),
    ("APM", 0x50),
    ("Qualcomm", 0x51),
    ("Marvell", 0x56),
    ("Intel", 0x69),
    ("Phytium", 0x70),
];

/// Models, with the part number that shows them.
const MODELS: &[(&str, u16)] = &[
    ("cortex-a53", 0xd03),
    ("cortex-a57", 0xd07),
    ("cortex-a72", 0xd08),
    ("Neoverse-N1", 0xd0c),
    ("Neoverse-N2", 0xd49),
    ("Neoverse-V1", 0xd40),
    ("Falkor", 0xc00),
    ("ThunderX2 99xx", 0x0af),
    ("a64fx", 0x001),
    ("Kunpeng-920", 0xd01),
    ("FT-2000+", 0x662),
    ("Tengyun-S2500", 0x663),
];

/// What the kernel tells of a processor that libvirt tells too: the first word of its capabilities (`AT_HWCAP`).
const HWCAPS: [&str; 32] = [
    "fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid",
    "asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512", "sve",
    "asimdfhm", "dit", "uscat", "ilrcpc", "flagm", "ssbs", "sb", "paca", "pacg",
];

/// The longest vector of SVE, and the step between lengths, in bits.
const SVE: (u32, u32) = (2048, 128);

/// Names of all models.
pub fn model_names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name)
}

/// A host's CPU from its main identification register (`MIDR_EL1`) and the kernel's names of what it can do: model, maker,
/// features.
///
/// # Errors
/// [`Error::UnknownPart`], [`Error::UnknownVendorId`], [`Error::NotOfHypervisor`]
pub fn decode<'a>(
    midr: u64,
    features: impl Iterator<Item = &'a str>,
    models: Option<&[HypervisorModel]>,
) -> Result<Cpu> {
    let (part, maker) = ((midr >> 4 & 0xfff) as u16, (midr >> 24 & 0xff) as u8);
    let (model, _) = MODELS.iter().find(|(_, known)| *known == part).ok_or(Error::UnknownPart(part))?;
    if models.is_some_and(|models| models.iter().all(|offered| offered.name != *model)) {
        return Err(Error::NotOfHypervisor((*model).to_owned()));
    }
    let vendor = match maker {
        0 => None,
        maker => {
            let known = VENDORS.iter().find(|(_, id)| *id == maker);
            Some(known.ok_or(Error::UnknownVendorId(maker))?.0.to_owned())
        }
    };
    let features = features.filter(|name| HWCAPS.contains(name));
    Ok(Cpu {
        model: Some((*model).to_owned()),
        vendor,
        features: features
            .map(|name| CpuFeature { name: name.to_owned(), policy: FeaturePolicy::Require })
            .collect(),
        ..Cpu::default()
    })
}

/// Hosts are compared by name; a guest's CPU is QEMU's matter.
pub(crate) fn compare(host: &Description, wanted: &Description) -> (Comparison, Option<String>) {
    if host.cpu.vendor == wanted.cpu.vendor && host.cpu.model == wanted.cpu.model {
        return (Comparison::Identical, None);
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "(null)".to_owned());
    let (vendor, model) = (text(&wanted.cpu.vendor), text(&wanted.cpu.model));
    let why = format!("Host CPU model does not match required CPU vendor {vendor} or(and) model {model}");
    (Comparison::Incompatible, Some(why))
}

/// The first CPU's model: hosts of one kind are all that is compared.
pub(crate) fn baseline(cpus: &[Description]) -> Result<Cpu> {
    let first = cpus.first().ok_or(Error::NoCpus)?;
    Ok(Cpu { matching: Some(CpuMatch::Exact), model: first.cpu.model.clone(), ..Cpu::default() })
}

/// Whether a guest's feature of this name is known: the vector lengths of SVE.
pub(crate) fn is_feature(name: &str) -> bool {
    let (longest, step) = SVE;
    match name.strip_prefix("sve") {
        Some("") => true,
        Some(bits) => bits.parse().is_ok_and(|bits: u32| {
            bits.to_string() == name[3..] && bits > 0 && bits <= longest && bits.is_multiple_of(step)
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_known_by_their_registers() {
        let cpu = decode(0x481f_d010, ["fp", "asimd", "sve2"].into_iter(), None).unwrap();
        assert_eq!((cpu.model.as_deref(), cpu.vendor.as_deref()), (Some("Kunpeng-920"), Some("HiSilicon")));
        assert_eq!(cpu.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["fp", "asimd"]);
        assert_eq!(decode(0x41 << 24, [].into_iter(), None).unwrap_err(), Error::UnknownPart(0));
        assert_eq!(
            decode(0x99 << 24 | 0xd03 << 4, [].into_iter(), None).unwrap_err(),
            Error::UnknownVendorId(0x99)
        );
    }

    #[test]
    fn vector_lengths_are_features() {
        for (name, expected) in [
            ("sve", true),
            ("sve128", true),
            ("sve2048", true),
            ("sve2176", false),
            ("sve100", false),
            ("sve0", false),
            ("sve0128", false),
            ("neon", false),
        ] {
            assert_eq!(is_feature(name), expected, "{name}");
        }
    }
}
