//! From bits to a model and the features in which a CPU differs from it.

use virt_conf::domain::{CpuFeature, FeaturePolicy};

use super::data::CpuData;
use super::map;
use super::models::Model;
use super::vendor::{self, Vendor};
use crate::{Error, HypervisorModel, Result};

/// What a CPU was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Name of the model.
    pub model: String,
    /// Name of the maker, if it is known.
    pub vendor: Option<&'static str>,
    /// What it has beyond the model, and what of the model it has not.
    pub features: Vec<CpuFeature>,
    /// Family, model and stepping, if the CPU tells them.
    pub signature: Option<(u32, u32, u32)>,
}

/// Which model may be chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// Whether a host is described, whose models never have a feature that it has not.
    pub host: bool,
    /// The models that the hypervisor has; absent for any.
    pub models: Option<&'a [HypervisorModel]>,
    /// Models to take rather than others. A single one is taken however little it fits.
    pub preferred: &'a [&'a str],
    /// Whether a single preferred model that the hypervisor lacks may be replaced.
    pub fallback: bool,
    /// Leaves features out that bind a guest to its host.
    pub migratable: bool,
}

/// A model that might fit, with what separates the CPU from it.
struct Candidate {
    model: &'static Model,
    features: Vec<CpuFeature>,
}

impl CpuData {
    /// The model that fits best: of those with the CPU's family and model, if there are such, the one with the shortest
    /// list of differences.
    ///
    /// # Errors
    /// [`Error::NoModel`] where none can be chosen, [`Error::NotOfHypervisor`] where the only preferred one can not.
    pub fn decode(&self, choice: Choice<'_>) -> Result<Decoded> {
        let mut data = self.clone();
        let maker = data.take_vendor();
        let signature = data.signature().filter(|(family, model, stepping)| family + model + stepping > 0);
        if maker == Some(&vendor::INTEL) {
            data.drop_broken_tsx();
        }
        let mut best: Option<Candidate> = None;
        for (model, bits) in map::newest_first() {
            let offered = match choice.models {
                None => None,
                Some(models) => match models.iter().find(|offered| offered.name == model.name) {
                    Some(offered) => Some(offered),
                    None if choice.preferred == [model.name] && !choice.fallback => {
                        return Err(Error::NotOfHypervisor(model.name.to_owned()));
                    }
                    None => continue,
                },
            };
            if maker.is_some() && model.vendor.is_some() && maker != model.vendor {
                continue;
            }
            let candidate =
                Candidate { model, features: differences(&data, model, bits, offered, choice.host) };
            match rank(best.as_ref(), &candidate, signature, choice) {
                Rank::Worse => {}
                Rank::Better => best = Some(candidate),
                Rank::Final => {
                    best = Some(candidate);
                    break;
                }
            }
        }
        let Candidate { model, mut features } = best.ok_or(Error::NoModel)?;
        if choice.migratable {
            features.retain(|feature| is_migratable(&feature.name));
        }
        Ok(Decoded {
            model: model.name.to_owned(),
            vendor: maker.map(|maker: &Vendor| maker.name),
            features,
            signature: self.signature(),
        })
    }

    /// Transactional memory does not work on these processors of Intel's, whatever they say.
    fn drop_broken_tsx(&mut self) {
        let broken = self.signature().is_some_and(|(family, model, stepping)| {
            family == 6 && (matches!(model, 60 | 69 | 70) || (model == 63 && stepping < 4))
        });
        if broken {
            ["hle", "rtm"]
                .into_iter()
                .filter_map(|name| map::feature(name).ok())
                .for_each(|f| self.remove(f));
        }
    }
}

/// Whether a guest with this feature can be moved to another host.
#[must_use]
pub fn is_migratable(name: &str) -> bool {
    map::feature(name).map_or(true, |feature| feature.migratable)
}

/// The features of these bits beyond the model's, and the model's that are missing.
fn differences(
    data: &CpuData,
    model: &Model,
    bits: &CpuData,
    offered: Option<&HypervisorModel>,
    host: bool,
) -> Vec<CpuFeature> {
    let mut more = data.clone();
    more.subtract(bits);
    let mut less = bits.clone();
    less.subtract(data);
    // What the hypervisor's model has beyond ours and this host can not have must be off, or it could not start.
    for name in offered.into_iter().flat_map(|offered| &offered.blockers) {
        if let Ok(feature) = map::feature(name)
            && !more.has(feature)
        {
            less.add(feature);
        }
    }
    let named =
        |data: CpuData, policy| data.features().map(move |name| feature(name, policy)).collect::<Vec<_>>();
    let mut features = named(more, FeaturePolicy::Require);
    features.extend(named(less, FeaturePolicy::Disable));
    if !host {
        add_removed(&mut features, model);
    }
    features
}

/// Says of features that the model once had that they are off, unless something is said of them.
pub(super) fn add_removed(features: &mut Vec<CpuFeature>, model: &Model) {
    for name in model.removed {
        if features.iter().all(|feature| feature.name != *name) {
            features.push(feature(name, FeaturePolicy::Disable));
        }
    }
}

pub(super) fn feature(name: &str, policy: FeaturePolicy) -> CpuFeature {
    CpuFeature { name: name.to_owned(), policy }
}

enum Rank {
    Worse,
    Better,
    Final,
}

fn rank(
    best: Option<&Candidate>,
    candidate: &Candidate,
    signature: Option<(u32, u32, u32)>,
    choice: Choice<'_>,
) -> Rank {
    let model = candidate.model;
    if choice.host {
        if !model.host || candidate.features.iter().any(|feature| feature.policy == FeaturePolicy::Disable) {
            return Rank::Worse;
        }
    } else if !model.guest {
        return Rank::Worse;
    }
    let preferred = choice.preferred.contains(&model.name);
    if preferred && choice.preferred.len() == 1 {
        return Rank::Final;
    }
    let Some(best) = best else { return Rank::Better };
    if let Some(signature) = signature {
        match (best.model.is_of(signature), model.is_of(signature)) {
            (true, false) => return Rank::Worse,
            (false, true) => return Rank::Better,
            _ => {}
        }
    }
    let (ours, theirs) = (weigh(&candidate.features, choice.host), weigh(&best.features, choice.host));
    let shorter =
        ours.total < theirs.total || (ours.total == theirs.total && ours.disabled < theirs.disabled);
    if shorter || (preferred && ours.disabled < theirs.disabled) { Rank::Better } else { Rank::Worse }
}

/// How far a CPU is from a model.
struct Weight {
    total: usize,
    disabled: usize,
}

/// Each further feature that the CPU lacks weighs more than the one before.
///
/// The list is read as far as it would reach if those that were lacking so far were not in it: this is how libvirt
/// counts since 9.0.0, and its choice depends on it.
fn weigh(features: &[CpuFeature], host: bool) -> Weight {
    let (mut enabled, mut disabled) = (features.len(), 0);
    if !host {
        let (mut at, mut penalty) = (0, 2);
        while at < enabled {
            if features[at].policy == FeaturePolicy::Disable {
                enabled -= 1;
                disabled += penalty;
                penalty += 1;
            }
            at += 1;
        }
    }
    Weight { total: enabled + disabled, disabled }
}
