//! Models with all their features' bits.

use std::sync::OnceLock;

use virt_conf::domain::FeaturePolicy;

use super::data::CpuData;
use super::features::Feature;
use super::models::{MODELS, Model};
use crate::{Description, Error, Result};

/// The bits of each model, in the order of the table.
fn bits() -> &'static [CpuData] {
    static BITS: OnceLock<Vec<CpuData>> = OnceLock::new();
    BITS.get_or_init(|| {
        let mut known: Vec<CpuData> = Vec::with_capacity(MODELS.len());
        for model in MODELS {
            let base = model.base.and_then(|name| MODELS.iter().position(|model| model.name == name));
            let mut data = base.and_then(|at| known.get(at)).cloned().unwrap_or_default();
            model.less.iter().filter_map(|name| Feature::find(name)).for_each(|feature| data.remove(feature));
            model.more.iter().filter_map(|name| Feature::find(name)).for_each(|feature| data.add(feature));
            known.push(data);
        }
        known
    })
}

/// Models with their bits, the newest first.
pub(super) fn newest_first() -> impl Iterator<Item = (&'static Model, &'static CpuData)> {
    MODELS.iter().zip(bits()).rev()
}

/// The model of this name with its bits.
///
/// # Errors
/// [`Error::UnknownModel`]
pub(super) fn find(name: &str) -> Result<(&'static Model, &'static CpuData)> {
    let found = MODELS.iter().zip(bits()).find(|(model, _)| model.name == name);
    found.ok_or_else(|| Error::UnknownModel(name.to_owned()))
}

impl Model {
    /// Whether it stands for processors of this family, model and stepping.
    pub(super) fn is_of(&self, (family, model, stepping): (u32, u32, u32)) -> bool {
        let fits = |(f, m, steppings): &(u32, u32, u16)| {
            (*f, *m) == (family, model) && u32::from(*steppings) >> stepping & 1 == 1
        };
        self.signatures.iter().any(fits)
    }
}

/// The bits of a described CPU: its model's, with what is required and without what is disabled.
///
/// # Errors
/// [`Error::UnknownModel`], [`Error::UnknownFeature`]
pub(super) fn whole(description: &Description) -> Result<CpuData> {
    let cpu = &description.cpu;
    let mut data = match &cpu.model {
        Some(model) => find(model)?.1.clone(),
        None => CpuData::default(),
    };
    for (name, policy) in description.features() {
        match policy {
            FeaturePolicy::Force | FeaturePolicy::Require => data.add(feature(name)?),
            FeaturePolicy::Disable | FeaturePolicy::Forbid => data.remove(feature(name)?),
            FeaturePolicy::Optional => {}
        }
    }
    Ok(data)
}

/// The bits of the features that a description names with this policy; the model's belong to what is required.
///
/// # Errors
/// As [`whole`].
pub(super) fn part(description: &Description, policy: FeaturePolicy) -> Result<CpuData> {
    let mut data = match &description.cpu.model {
        Some(model) if policy == FeaturePolicy::Require => find(model)?.1.clone(),
        _ => CpuData::default(),
    };
    for (name, _) in description.features().filter(|(_, said)| *said == policy) {
        data.add(feature(name)?);
    }
    Ok(data)
}

pub(super) fn feature(name: &str) -> Result<&'static Feature> {
    Feature::find(name).ok_or_else(|| Error::UnknownFeature(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_tables_is_known_once() {
        for model in MODELS {
            for name in model.more.iter().chain(model.less).chain(model.removed) {
                assert!(Feature::find(name).is_some(), "{name} of {}", model.name);
            }
            let at = MODELS.iter().position(|other| other.name == model.name);
            let base = model.base.map(|base| MODELS.iter().position(|other| other.name == base));
            assert!(base.is_none_or(|base| base.is_some() && base < at), "base of {}", model.name);
        }
    }
}
