//! The best CPU that several hosts can all be.

use virt_conf::domain::{Cpu, CpuFallback, CpuMatch, CpuMode};

use super::data::CpuData;
use super::decode::Choice;
use super::map;
use super::vendor::{self, Vendor};
use crate::{Description, Error, HypervisorModel, Result};

/// What the CPU that is found may be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds<'a> {
    /// The models that the hypervisor has; absent for any.
    pub(crate) models: Option<&'a [HypervisorModel]>,
    /// The features that the hypervisor has; absent for any.
    pub(crate) features: Option<&'a [String]>,
    /// Leaves out what binds a guest to its host.
    pub(crate) migratable: bool,
}

pub(crate) fn baseline(cpus: &[Description], bounds: Bounds<'_>) -> Result<Cpu> {
    let first = cpus.first().ok_or(Error::NoCpus)?;
    let mut common = map::whole(first)?;
    let mut maker = match &first.cpu.vendor {
        Some(name) => Some(Vendor::find(name).ok_or_else(|| Error::UnknownVendor(name.clone()))?),
        None => None,
    };
    let mut names: Vec<&str> = first.cpu.model.as_deref().into_iter().collect();
    for description in &cpus[1..] {
        let cpu = &description.cpu;
        if let Some(name) = cpu.model.as_deref()
            && !names.contains(&name)
        {
            names.push(name);
        }
        let bits = map::whole(description)?;
        let model = cpu.model.as_deref().map(map::find).transpose()?.map(|(model, _)| model);
        let of_model = model.and_then(|model| model.vendor);
        if let (Some(said), Some(of_model), Some(model)) = (&cpu.vendor, of_model, model)
            && said != of_model.name
        {
            return Err(Error::OtherVendor {
                model: model.name,
                of_model: of_model.name,
                vendor: said.clone(),
            });
        }
        let name = cpu.vendor.as_deref().or_else(|| of_model.map(|maker| maker.name));
        if let Some(name) = name {
            match maker {
                None => {
                    maker = Some(Vendor::find(name).ok_or_else(|| Error::UnknownVendor(name.to_owned()))?)
                }
                Some(maker) if maker.name != name => return Err(Error::VendorsDiffer),
                Some(_) => {}
            }
        }
        common.intersect(&bits);
    }
    if let Some(features) = bounds.features {
        let mut offered = CpuData::default();
        features.iter().for_each(|name| {
            offered.add_feature(name);
        });
        common.intersect(&offered);
    }
    if common.is_empty() {
        return Err(Error::Incompatible);
    }
    if let Some(maker) = maker {
        common.set(vendor::LEAF, maker.registers());
    }
    let decoded = common.decode(Choice {
        host: false,
        models: bounds.models,
        preferred: &names,
        fallback: true,
        migratable: bounds.migratable,
    })?;
    let alone = names == [decoded.model.as_str()];
    let all_say_vendor = cpus.iter().all(|description| description.cpu.vendor.is_some());
    Ok(Cpu {
        mode: CpuMode::Custom,
        matching: Some(CpuMatch::Exact),
        fallback: if alone { CpuFallback::Forbid } else { CpuFallback::Allow },
        vendor: decoded.vendor.filter(|_| all_say_vendor).map(str::to_owned),
        model: Some(decoded.model),
        features: decoded.features,
        ..Cpu::default()
    })
}
