//! CPUs of POWER, which are told by their version register and have no features to choose.

use virt_conf::domain::{Cpu, CpuFallback, CpuMatch, CpuMode};

use crate::{Description, Error, Result};

/// Models and who makes them.
const MODELS: &[(&str, &str)] = &[
    ("POWER6", "IBM"),
    ("POWER7", "IBM"),
    ("POWER8", "IBM"),
    ("POWER9", "IBM"),
    ("POWER10", "IBM"),
    ("POWERPC_e5500", "Freescale"),
    ("POWERPC_e6500", "Freescale"),
];

/// Names of all models.
pub(crate) fn model_names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name)
}

fn find(name: &str) -> Option<(&'static str, &'static str)> {
    MODELS.iter().copied().find(|(model, _)| *model == name)
}

/// The maker of a model's processors.
pub(crate) fn vendor_of_model(name: &str) -> Option<&'static str> {
    find(name).map(|(_, vendor)| vendor)
}

/// The one model that all are, if they are: nothing is known of what different ones have in common.
pub(crate) fn baseline(cpus: &[Description]) -> Result<Cpu> {
    let name = |description: &Description| description.cpu.model.clone().unwrap_or_default();
    let first = cpus.first().map(name).ok_or(Error::NoCpus)?;
    let (model, vendor) = find(&first).ok_or(Error::UnknownModel(first))?;
    for description in cpus {
        if name(description) != model {
            return Err(Error::Incompatible);
        }
        match &description.cpu.vendor {
            None => {}
            Some(named) if MODELS.iter().all(|(_, known)| known != named) => {
                return Err(Error::UnknownVendor(named.clone()));
            }
            Some(named) if named != vendor => {
                return Err(Error::OtherVendor { model, of_model: vendor, vendor: named.clone() });
            }
            Some(_) => {}
        }
    }
    Ok(Cpu {
        mode: CpuMode::Custom,
        matching: Some(CpuMatch::Exact),
        fallback: CpuFallback::Forbid,
        model: Some(model.to_owned()),
        ..Cpu::default()
    })
}
