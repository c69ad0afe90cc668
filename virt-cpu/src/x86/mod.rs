//! CPUs of x86, which tell their features by CPUID.

mod baseline;
mod compare;
mod data;
mod decode;
mod expand;
mod features;
mod map;
mod models;
mod vendor;

pub(crate) use baseline::{Bounds, baseline};
pub(crate) use compare::compare;
pub use data::{CpuData, Leaf};
pub use decode::{Choice, Decoded, is_migratable};
pub(crate) use expand::expand;

use models::MODELS;

/// Names of all models.
pub(crate) fn model_names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.name)
}

/// The maker of a model's processors, if it is one's only.
pub(crate) fn vendor_of_model(name: &str) -> Option<&'static str> {
    MODELS.iter().find(|model| model.name == name)?.vendor.map(|vendor| vendor.name)
}
