//! CPUs of x86, which tell their features by CPUID.

mod baseline;
mod compare;
mod data;
mod decode;
mod expand;
mod features;
mod map;
mod models;
mod update;
mod vendor;

pub(crate) use baseline::{Bounds, baseline};
pub(crate) use compare::compare;
pub use data::{CpuData, Leaf};
pub use decode::{Choice, Decoded, is_migratable};
pub(crate) use expand::expand;
pub(crate) use update::{has_feature, translate, update, update_live};

use models::MODELS;

/// Names of all models.
pub(crate) fn model_names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.name)
}

/// Whether a feature is known.
pub(crate) fn is_feature(name: &str) -> bool {
    features::Feature::find(name).is_some()
}

/// Whether a feature is shown by a model specific register.
#[must_use]
pub fn is_in_register(name: &str) -> bool {
    features::Feature::find(name).is_some_and(|feature| matches!(feature.leaf, Leaf::Msr(_)))
}

/// The features that model specific registers show.
pub fn register_features() -> impl Iterator<Item = &'static str> {
    let shown = features::FEATURES.iter().filter(|feature| matches!(feature.leaf, Leaf::Msr(_)));
    shown.map(|feature| feature.name)
}

/// The processors that a model stands for: family, model, and a mask of steppings. None where it stands for no particular one, or
/// is not known.
#[must_use]
pub fn signatures_of_model(name: &str) -> &'static [(u32, u32, u16)] {
    MODELS.iter().find(|model| model.name == name).map_or(&[], |model| model.signatures)
}

/// The maker of a model's processors, if it is one's only.
pub(crate) fn vendor_of_model(name: &str) -> Option<&'static str> {
    MODELS.iter().find(|model| model.name == name)?.vendor.map(|vendor| vendor.name)
}
