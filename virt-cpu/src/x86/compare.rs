//! Whether a host's CPU can be another one.

use virt_conf::domain::{CpuMatch, FeaturePolicy};
use virt_types::Arch;

use super::data::CpuData;
use super::map;
use crate::{Comparison, Description, Result};

/// Compares a described CPU with the host's; the second value says what is missing where they do not go together.
///
/// # Errors
/// For models and features that are not known.
pub(crate) fn compare(host: &Description, wanted: &Description) -> Result<(Comparison, Option<String>)> {
    let incompatible = |why: String| Ok((Comparison::Incompatible, Some(why)));
    if wanted.arch != Arch::None && !wanted.arch.is_x86() {
        return incompatible(format!("CPU arch {} does not match host arch", wanted.arch));
    }
    if let Some(vendor) = &wanted.cpu.vendor
        && host.cpu.vendor.as_ref() != Some(vendor)
    {
        return incompatible(format!("host CPU vendor does not match required CPU vendor {vendor}"));
    }
    let host = map::whole(host)?;
    let part = |policy| map::part(wanted, policy);
    let (forced, mut required) = (part(FeaturePolicy::Force)?, part(FeaturePolicy::Require)?);
    let (optional, disabled) = (part(FeaturePolicy::Optional)?, part(FeaturePolicy::Disable)?);

    let mut forbidden = part(FeaturePolicy::Forbid)?;
    forbidden.intersect(&host);
    if !forbidden.is_empty() {
        return incompatible(format!("Host CPU provides forbidden features: {}", names(&forbidden)));
    }
    // What the model has and the document says otherwise.
    [&forced, &optional, &disabled].into_iter().for_each(|said| required.subtract(said));
    if !host.contains(&required) {
        required.subtract(&host);
        return incompatible(format!("Host CPU does not provide required features: {}", names(&required)));
    }
    let mut extra = host;
    [&optional, &required, &disabled, &forced].into_iter().for_each(|said| extra.subtract(said));
    if extra.is_empty() {
        return Ok((Comparison::Identical, None));
    }
    if !wanted.host && wanted.cpu.matching == Some(CpuMatch::Strict) {
        let names = names(&extra);
        return incompatible(format!("Host CPU does not strictly match guest CPU: Extra features: {names}"));
    }
    Ok((Comparison::Superset, None))
}

fn names(data: &CpuData) -> String {
    data.features().collect::<Vec<_>>().join(", ")
}
