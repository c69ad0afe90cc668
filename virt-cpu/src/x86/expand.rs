//! A CPU with every feature of its model written out.

use virt_conf::domain::{Cpu, CpuFeature, FeaturePolicy};

use super::decode::{add_removed, feature};
use super::map;
use crate::{Error, Result};

pub(crate) fn expand(cpu: &mut Cpu, host: bool) -> Result<()> {
    let name = cpu.model.as_deref().unwrap_or_default();
    let (model, bits) = map::find(name).map_err(|_| Error::UnknownModelToExpand(name.to_owned()))?;
    let mut expanded: Vec<CpuFeature> =
        bits.features().map(|name| feature(name, FeaturePolicy::Require)).collect();
    let said = std::mem::take(&mut cpu.features);
    let counts = |said: &CpuFeature| matches!(said.policy, FeaturePolicy::Require | FeaturePolicy::Disable);
    for said in said.into_iter().filter(|said| host || counts(said)) {
        match expanded.iter_mut().find(|known| known.name == said.name) {
            Some(known) => known.policy = said.policy,
            None => expanded.push(said),
        }
    }
    if !host {
        add_removed(&mut expanded, model);
    }
    // The one list that libvirt writes by name.
    expanded.sort_by(|a, b| a.name.cmp(&b.name));
    cpu.features = expanded;
    Ok(())
}
