//! CPUs of POWER, which are told by their version register and have no features to choose.

use virt_conf::domain::{Cpu, CpuFallback, CpuMatch, CpuMode};

use crate::{Comparison, Description, Error, HypervisorModel, Result};

/// A model: its name, who makes it, and values of the upper half of the version register.
struct Model {
    name: &'static str,
    vendor: &'static str,
    versions: &'static [u16],
}

/// Every model.
const MODELS: &[Model] = &[
    Model { name: "POWER6", vendor: "IBM", versions: &[0x003e] },
    Model { name: "POWER7", vendor: "IBM", versions: &[0x003f, 0x004a] },
    Model { name: "POWER8", vendor: "IBM", versions: &[0x004b, 0x004c, 0x004d] },
    Model { name: "POWER9", vendor: "IBM", versions: &[0x004e] },
    Model { name: "POWER10", vendor: "IBM", versions: &[0x0080] },
    Model { name: "POWERPC_e5500", vendor: "Freescale", versions: &[0x8024] },
    Model { name: "POWERPC_e6500", vendor: "Freescale", versions: &[0x8040] },
];

/// Names that older documents use for revisions of a generation.
const LEGACY: &[(&str, &str)] = &[
    ("POWER7_v2.1", "POWER7"),
    ("POWER7_v2.3", "POWER7"),
    ("POWER7+_v2.1", "POWER7"),
    ("POWER8_v1.0", "POWER8"),
];

/// Generations that have modes in which they are an older one.
const COMPATIBLE: std::ops::RangeInclusive<u32> = 6..=10;

/// Names of all models.
pub(crate) fn model_names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.name)
}

fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

fn known(name: Option<&str>) -> Result<&'static Model> {
    let name = name.ok_or(Error::NoModelSaid)?;
    find(name).ok_or_else(|| Error::UnknownModel(name.to_owned()))
}

/// The maker of a model's processors.
pub(crate) fn vendor_of_model(name: &str) -> Option<&'static str> {
    find(name).map(|model| model.vendor)
}

/// The model and maker of a processor by its version register; only a model that the hypervisor has will do.
///
/// # Errors
/// [`Error::UnknownVersion`], [`Error::NotOfHypervisor`]
pub fn decode(version: u32, models: Option<&[HypervisorModel]>) -> Result<(&'static str, &'static str)> {
    let upper = version >> 16;
    let model = MODELS.iter().find(|model| model.versions.iter().any(|known| u32::from(*known) == upper));
    let model = model.ok_or(Error::UnknownVersion(version))?;
    if models.is_some_and(|models| models.iter().all(|offered| offered.name != model.name)) {
        return Err(Error::NotOfHypervisor(model.name.to_owned()));
    }
    Ok((model.name, model.vendor))
}

/// Gives a generation its present name.
pub(crate) fn convert_legacy(cpu: &mut Cpu) {
    let name = cpu.model.as_deref().and_then(|name| LEGACY.iter().find(|(old, _)| *old == name));
    if let Some((_, new)) = name {
        cpu.model = Some((*new).to_owned());
    }
}

/// Only the same model is the same; a host's own can be an older generation if it is told so.
pub(crate) fn compare(host: &Description, wanted: &Description) -> Result<(Comparison, Option<String>)> {
    let incompatible = |why: String| Ok((Comparison::Incompatible, Some(why)));
    let mut cpu = wanted.cpu.clone();
    convert_legacy(&mut cpu);
    if wanted.arch != virt_types::Arch::None && !wanted.arch.is_ppc64() {
        return incompatible(format!("CPU arch {} does not match host arch", wanted.arch));
    }
    if let Some(vendor) = &cpu.vendor
        && host.cpu.vendor.as_ref() != Some(vendor)
    {
        return incompatible(format!("host CPU vendor does not match required CPU vendor {vendor}"));
    }
    let of_host = known(host.cpu.model.as_deref())?;
    if !wanted.host && cpu.mode != CpuMode::Custom {
        let mode = cpu.model.as_deref().filter(|_| cpu.mode == CpuMode::HostModel);
        return Ok(match mode.map(|mode| can_be(of_host.name, mode)).transpose()? {
            Some(false) => (Comparison::Incompatible, None),
            Some(true) | None => (Comparison::Identical, None),
        });
    }
    let model = known(cpu.model.as_deref())?;
    if model.name == of_host.name {
        return Ok((Comparison::Identical, None));
    }
    incompatible(format!("host CPU model does not match required CPU model {}", model.name))
}

/// Whether a host can run guests as if it were of another generation (`power8`).
fn can_be(host: &str, mode: &str) -> Result<bool> {
    let generation = |text: &str, prefix: &str| {
        text.strip_prefix(prefix)?.parse::<u32>().ok().filter(|generation| COMPATIBLE.contains(generation))
    };
    let host = generation(host, "POWER").ok_or(Error::NoCompatibility)?;
    let mode = generation(mode, "power").ok_or_else(|| Error::UnknownCompatibility(mode.to_owned()))?;
    Ok(mode <= host)
}

/// There is nothing to decide: a host's own CPU stays so, another is that very one.
pub(crate) fn update(cpu: &mut Cpu) {
    if cpu.mode == CpuMode::Custom {
        cpu.matching = Some(CpuMatch::Exact);
    }
}

/// The one model that all are, if they are: nothing is known of what different ones have in common.
pub(crate) fn baseline(cpus: &[Description]) -> Result<Cpu> {
    let name = |description: &Description| description.cpu.model.clone().unwrap_or_default();
    let first = cpus.first().map(name).ok_or(Error::NoCpus)?;
    let model = find(&first).ok_or(Error::UnknownModel(first))?;
    for description in cpus {
        if name(description) != model.name {
            return Err(Error::Incompatible);
        }
        match &description.cpu.vendor {
            None => {}
            Some(named) if MODELS.iter().all(|known| known.vendor != named) => {
                return Err(Error::UnknownVendor(named.clone()));
            }
            Some(named) if named != model.vendor => {
                return Err(Error::OtherVendor {
                    model: model.name,
                    of_model: model.vendor,
                    vendor: named.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(Cpu {
        mode: CpuMode::Custom,
        matching: Some(CpuMatch::Exact),
        fallback: CpuFallback::Forbid,
        model: Some(model.name.to_owned()),
        ..Cpu::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Description {
        Description::parse("<cpu><arch>ppc64</arch><model>POWER7</model><vendor>IBM</vendor></cpu>").unwrap()
    }

    #[test]
    fn processors_are_known_by_their_version() {
        assert_eq!(decode(0x004d_0200, None).unwrap(), ("POWER8", "IBM"));
        assert_eq!(decode(0x8040_0010, None).unwrap().0, "POWERPC_e6500");
        assert_eq!(decode(0x1234_0000, None).unwrap_err(), Error::UnknownVersion(0x1234_0000));
        let other = [HypervisorModel { name: "POWER9".to_owned(), blockers: Vec::new() }];
        assert_eq!(
            decode(0x003e_0000, Some(&other)).unwrap_err(),
            Error::NotOfHypervisor("POWER6".to_owned())
        );
    }

    #[test]
    fn a_host_is_itself_and_what_came_before() {
        for (xml, expected) in [
            ("<cpu><model>POWER7_v2.1</model></cpu>", Ok(Comparison::Identical)),
            ("<cpu><model>POWER8</model></cpu>", Ok(Comparison::Incompatible)),
            ("<cpu mode='host-model'><model>power6</model></cpu>", Ok(Comparison::Identical)),
            ("<cpu mode='host-model'><model>power8</model></cpu>", Ok(Comparison::Incompatible)),
            ("<cpu mode='host-model'/>", Ok(Comparison::Identical)),
            (
                "<cpu mode='host-model'><model>power99</model></cpu>",
                Err(Error::UnknownCompatibility("power99".to_owned())),
            ),
            ("<cpu><model>POWER5</model></cpu>", Err(Error::UnknownModel("POWER5".to_owned()))),
        ] {
            let wanted = Description::parse(xml).unwrap();
            assert_eq!(compare(&host(), &wanted).map(|(comparison, _)| comparison), expected, "{xml}");
        }
    }
}
