//! A guest's CPU made definite: by the host's before the start, by what the hypervisor really gave after it.

use virt_conf::domain::{Cpu, CpuCheck, CpuMatch, CpuMode, FeaturePolicy};

use super::data::CpuData;
use super::decode::{Choice, add_removed};
use super::features::FEATURES;
use super::map;
use super::vendor;
use crate::{Description, Error, HypervisorModel, Result, guest, say};

/// Decides what is left to the host: the whole model, or optional features.
pub(crate) fn update(cpu: &mut Cpu, host: Option<&Description>, relative: bool) -> Result<()> {
    if relative {
        let host = host.ok_or(Error::NoHostModel)?;
        let bits = map::whole(host)?;
        for feature in cpu.features.iter_mut().filter(|f| f.policy == FeaturePolicy::Optional) {
            feature.policy = match bits.has(map::feature(&feature.name)?) {
                true => FeaturePolicy::Require,
                false => FeaturePolicy::Disable,
            };
        }
        if cpu.mode == CpuMode::HostModel || cpu.matching == Some(CpuMatch::Minimum) {
            become_host_model(cpu, host);
        }
    }
    let (model, _) = map::find(cpu.model.as_deref().unwrap_or("(null)"))?;
    add_removed(&mut cpu.features, model);
    Ok(())
}

/// The host's model and features, changed by what the guest says of features.
fn become_host_model(cpu: &mut Cpu, host: &Description) {
    let mut features = host.required();
    cpu.features.iter().for_each(|feature| say(&mut features, &feature.name, feature.policy));
    cpu.features = features;
    cpu.model.clone_from(&host.cpu.model);
    if cpu.mode != CpuMode::Custom {
        cpu.vendor.clone_from(&host.cpu.vendor);
        if cpu.vendor_id.is_none() {
            cpu.vendor_id.clone_from(&host.cpu.vendor_id);
        }
    }
    cpu.mode = CpuMode::Custom;
    cpu.matching = Some(CpuMatch::Exact);
}

/// Notes what the hypervisor gave beyond the document, and what it did not give. A CPU that is checked in full must not
/// differ.
pub(crate) fn update_live(cpu: &mut Cpu, enabled: &CpuData, disabled: &CpuData) -> Result<()> {
    let description = guest(cpu.clone());
    let bits = map::whole(&description)?;
    // Of a host's own CPU only what is switched off is known before.
    let off = cpu.is_host().then(|| map::part(&description, FeaturePolicy::Disable)).transpose()?;
    let full = cpu.check == Some(CpuCheck::Full);
    let mut found = Vec::new();
    for feature in FEATURES {
        let expected = bits.has(feature);
        let unexpected = !expected && off.as_ref().is_none_or(|off| off.has(feature));
        if unexpected && enabled.has(feature) {
            found.push((feature.name, FeaturePolicy::Require));
        }
        if disabled.has(feature) || (expected && !enabled.has(feature)) {
            found.push((feature.name, FeaturePolicy::Disable));
        }
    }
    if full {
        let names = |said| {
            let some = found.iter().filter(move |(_, policy)| *policy == said);
            some.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        return refuse(&names(FeaturePolicy::Require), &names(FeaturePolicy::Disable), disabled);
    }
    found.iter().for_each(|(name, policy)| say(&mut cpu.features, name, *policy));
    if let Some(name) = &cpu.model {
        add_removed(&mut cpu.features, map::find(name)?.0);
    }
    Ok(())
}

fn refuse(added: &[&str], removed: &[&str], disabled: &CpuData) -> Result<()> {
    if added.is_empty() && removed.is_empty() && disabled.is_empty() {
        return Ok(());
    }
    let parts = [("extra", added), ("missing", removed)].into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> =
        parts.map(|(what, names)| format!("{what} features: {}", names.join(","))).collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    Err(Error::NotAsSpecified(format!("{colon}{}", parts.join(", "))))
}

/// Takes one of the hypervisor's models for one that it lacks.
pub(crate) fn translate(cpu: &mut Cpu, models: &[HypervisorModel]) -> Result<()> {
    let mut data = map::whole(&guest(cpu.clone()))?;
    let (model, _) = map::find(cpu.model.as_deref().unwrap_or_default())?;
    if let Some(maker) = model.vendor {
        data.set(vendor::LEAF, maker.registers());
    }
    if let Some((family, model, steppings)) = model.signatures.first() {
        data.set_signature(*family, *model, steppings.trailing_zeros() % u16::BITS);
    }
    let decoded = data.decode(Choice { models: Some(models), ..Choice::default() })?;
    let said = std::mem::replace(&mut cpu.features, decoded.features);
    said.iter().for_each(|feature| say(&mut cpu.features, &feature.name, feature.policy));
    cpu.model = Some(decoded.model);
    Ok(())
}

/// Whether a described CPU has a feature.
pub(crate) fn has_feature(description: &Description, name: &str) -> Result<bool> {
    Ok(map::whole(description)?.has(map::feature(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(xml: &str) -> Cpu {
        Description::parse(xml).unwrap().cpu
    }

    const HOST: &str =
        "<cpu><arch>x86_64</arch><model>Penryn</model><vendor>Intel</vendor><feature name='vmx'/></cpu>";

    #[test]
    fn what_is_left_to_the_host_is_decided() {
        let host = Description::parse(HOST).unwrap();
        for (xml, expected) in [
            (
                "<cpu mode='host-model'><feature policy='disable' name='vmx'/></cpu>",
                "<cpu mode='custom' match='exact'><model fallback='allow'>Penryn</model><vendor>Intel</vendor><feature policy='disable' name='vmx'/></cpu>",
            ),
            (
                "<cpu match='minimum'><model>core2duo</model></cpu>",
                "<cpu mode='custom' match='exact'><model fallback='allow'>Penryn</model><feature policy='require' name='vmx'/></cpu>",
            ),
            (
                "<cpu match='exact'><model>core2duo</model><feature policy='optional' name='vmx'/><feature policy='optional' name='avx'/></cpu>",
                "<cpu mode='custom' match='exact'><model fallback='allow'>core2duo</model><feature policy='require' name='vmx'/><feature policy='disable' name='avx'/></cpu>",
            ),
        ] {
            let mut guest = cpu(xml);
            crate::update(virt_types::Arch::X86_64, &mut guest, Some(&host)).unwrap();
            assert_eq!(guest.to_xml().replace("\n", "").replace("  ", ""), expected);
        }
        let error = update(&mut cpu("<cpu mode='host-model'/>"), None, true).unwrap_err();
        assert_eq!(error, Error::NoHostModel);
    }

    #[test]
    fn what_the_hypervisor_gave_is_noted_or_refused() {
        let mut enabled = map::find("core2duo").unwrap().1.clone();
        enabled.add_feature("hypervisor");
        enabled.remove(map::feature("monitor").unwrap());
        let mut disabled = CpuData::default();
        disabled.add_feature("vmx");
        let mut noted = cpu("<cpu><model>core2duo</model><feature policy='require' name='vmx'/></cpu>");
        update_live(&mut noted, &enabled, &disabled).unwrap();
        let said = |name: &str| noted.feature(name).map(|feature| feature.policy);
        assert_eq!(said("hypervisor"), Some(FeaturePolicy::Require));
        assert_eq!(said("monitor"), Some(FeaturePolicy::Disable));
        assert_eq!(said("vmx"), Some(FeaturePolicy::Disable));

        let mut full = cpu("<cpu check='full'><model>core2duo</model></cpu>");
        let error = update_live(&mut full, &enabled, &CpuData::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "guest CPU doesn't match specification: extra features: hypervisor, missing features: monitor"
        );
        assert!(update_live(&mut full, map::find("core2duo").unwrap().1, &CpuData::default()).is_ok());
    }

    #[test]
    fn a_model_that_the_hypervisor_lacks_is_replaced() {
        let models = [HypervisorModel { name: "SandyBridge".to_owned(), blockers: Vec::new() }];
        let mut ours = cpu("<cpu><model>Haswell-noTSX</model><feature policy='disable' name='movbe'/></cpu>");
        translate(&mut ours, &models).unwrap();
        assert_eq!(ours.model.as_deref(), Some("SandyBridge"));
        let movbe = ours.feature("movbe").unwrap();
        assert_eq!(movbe.policy, FeaturePolicy::Disable);
        assert_eq!(ours.feature("avx2").unwrap().policy, FeaturePolicy::Require);
    }
}
