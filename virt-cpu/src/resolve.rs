//! A guest's CPU on its way to the hypervisor and back: checked, completed from the host's, made to fit what there is, and
//! compared with what was given.

use virt_conf::domain::{Cpu, CpuCheck, CpuFallback, CpuFeature, CpuMatch, CpuMode, FeaturePolicy};
use virt_types::Arch;

use crate::x86::CpuData;
use crate::{Description, Error, HypervisorModel, Result, arm, is_arm_with_cpus, models, power, x86};

/// A guest's CPU as comparing takes it.
pub(crate) fn guest(cpu: Cpu) -> Description {
    Description { host: false, arch: Arch::None, cpu }
}

/// Says something of a feature, in place of what was said before.
pub(crate) fn say(features: &mut Vec<CpuFeature>, name: &str, policy: FeaturePolicy) {
    match features.iter_mut().find(|feature| feature.name == name) {
        Some(feature) => feature.policy = policy,
        None => features.push(CpuFeature { name: name.to_owned(), policy }),
    }
}

/// Makes a guest's CPU definite by the host's: mode `host-model` becomes the host's model, `match='minimum'` all of the host's
/// features, and optional features are there or not.
///
/// # Errors
/// [`Error::NoHostModel`] where the host's CPU is needed and not known; [`Error::UnknownArch`], [`Error::UnknownModel`],
/// [`Error::UnknownFeature`]; [`Error::NoOptional`] and [`Error::NoMatch`] on s390.
pub fn update(arch: Arch, cpu: &mut Cpu, host: Option<&Description>) -> Result<()> {
    models(arch)?;
    let relative = match cpu.mode {
        CpuMode::HostPassthrough | CpuMode::Maximum => return Ok(()),
        CpuMode::HostModel => true,
        CpuMode::Custom => {
            let optional = cpu.features.iter().any(|feature| feature.policy == FeaturePolicy::Optional);
            optional || cpu.matching == Some(CpuMatch::Minimum)
        }
    };
    if arch.is_x86() {
        return x86::update(cpu, host, relative);
    }
    if arch.is_ppc64() {
        power::update(cpu);
        return Ok(());
    }
    if !relative || (is_arm_with_cpus(arch) && cpu.mode != CpuMode::HostModel) {
        return Ok(());
    }
    if cpu.mode == CpuMode::Custom {
        let minimum = cpu.matching.filter(|matching| *matching == CpuMatch::Minimum);
        return Err(minimum.map_or(Error::NoOptional, Error::NoMatch));
    }
    let host = host.ok_or(Error::NoHostModel)?;
    let said = std::mem::replace(&mut cpu.features, host.required());
    if arch.is_s390() {
        said.iter().for_each(|feature| say(&mut cpu.features, &feature.name, feature.policy));
    }
    cpu.model.clone_from(&host.cpu.model);
    cpu.vendor.clone_from(&host.cpu.vendor);
    cpu.vendor_id.clone_from(&host.cpu.vendor_id);
    cpu.mode = CpuMode::Custom;
    cpu.matching = Some(CpuMatch::Exact);
    Ok(())
}

/// Notes in a running guest's CPU what the hypervisor enabled beyond it and what it left out; says whether the document is now
/// all that the guest has, which is not known of a host's own CPU.
///
/// # Errors
/// [`Error::NotAsSpecified`] where `check='full'` and the guest has something else.
pub fn update_live(arch: Arch, cpu: &mut Cpu, enabled: &CpuData, disabled: &CpuData) -> Result<bool> {
    models(arch)?;
    let told = cpu.mode == CpuMode::Custom || cpu.check == Some(CpuCheck::Full);
    if !arch.is_x86() || !told {
        return Ok(false);
    }
    x86::update_live(cpu, enabled, disabled)?;
    Ok(true)
}

/// Takes one of the hypervisor's models where it lacks the one that is asked for.
///
/// # Errors
/// [`Error::NotOfHypervisor`] where the document forbids it, [`Error::CannotTranslate`] where the architecture's models have
/// nothing in common.
pub fn translate(arch: Arch, cpu: &mut Cpu, offered: Option<&[HypervisorModel]>) -> Result<()> {
    models(arch)?;
    let Some(offered) = offered.filter(|_| cpu.mode == CpuMode::Custom) else { return Ok(()) };
    let name = cpu.model.clone().unwrap_or_default();
    if offered.iter().any(|model| model.name == name) {
        return Ok(());
    }
    if cpu.fallback != CpuFallback::Allow {
        return Err(Error::NotOfHypervisor(name));
    }
    if arch.is_x86() { x86::translate(cpu, offered) } else { Err(Error::CannotTranslate(name)) }
}

/// Gives a model its present name.
///
/// # Errors
/// [`Error::UnknownArch`]
pub fn convert_legacy(arch: Arch, cpu: &mut Cpu) -> Result<()> {
    models(arch)?;
    if arch.is_ppc64() {
        power::convert_legacy(cpu);
    }
    Ok(())
}

/// Whether a described CPU has a feature.
///
/// # Errors
/// [`Error::UnknownModel`], [`Error::UnknownFeature`]; [`Error::CannotOf`] where features are not known.
pub fn has_feature(arch: Arch, description: &Description, name: &str) -> Result<bool> {
    models(arch)?;
    if arch.is_x86() {
        return x86::has_feature(description, name);
    }
    Err(Error::CannotOf { what: "check guest CPU feature for", arch })
}

/// Refuses a host that has what a guest forbids.
///
/// # Errors
/// [`Error::Forbidden`]
pub fn check_forbidden(cpu: &Cpu, host: &Cpu) -> Result<()> {
    for feature in cpu.features.iter().filter(|feature| feature.policy == FeaturePolicy::Forbid) {
        if host.feature(&feature.name).is_some_and(|has| has.policy != FeaturePolicy::Disable) {
            return Err(Error::Forbidden(feature.name.clone()));
        }
    }
    Ok(())
}

/// Refuses features that the architecture does not have.
///
/// # Errors
/// [`Error::UnknownGuestFeature`], [`Error::OnlyOnOrOff`]; [`Error::UnknownArch`].
pub fn validate_features(arch: Arch, cpu: &Cpu) -> Result<()> {
    models(arch)?;
    for feature in &cpu.features {
        let name = &feature.name;
        if arch.is_s390() && feature.policy == FeaturePolicy::Optional {
            return Err(Error::OnlyOnOrOff(name.clone()));
        }
        let unknown =
            (arch.is_x86() && !x86::is_feature(name)) || (is_arm_with_cpus(arch) && !arm::is_feature(name));
        if unknown {
            return Err(Error::UnknownGuestFeature(name.clone()));
        }
    }
    Ok(())
}

/// The same CPU without what binds a guest to its host.
#[must_use]
pub fn migratable(arch: Arch, mut cpu: Cpu) -> Cpu {
    if arch.is_x86() {
        cpu.features.retain(|feature| x86::is_migratable(&feature.name));
    }
    cpu
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(xml: &str) -> Cpu {
        Description::parse(xml).unwrap().cpu
    }

    #[test]
    fn a_guest_of_s390_is_the_hosts_model_or_exactly_another() {
        let host = guest(cpu("<cpu><model>z14-base</model><feature policy='require' name='aen'/></cpu>"));
        let mut own = cpu("<cpu mode='host-model'><feature policy='disable' name='aen'/></cpu>");
        update(Arch::S390x, &mut own, Some(&host)).unwrap();
        assert_eq!((own.mode, own.model.as_deref()), (CpuMode::Custom, Some("z14-base")));
        assert_eq!(own.feature("aen").unwrap().policy, FeaturePolicy::Disable);
        let mut optional = cpu("<cpu><model>z13</model><feature policy='optional' name='aen'/></cpu>");
        assert_eq!(update(Arch::S390x, &mut optional, Some(&host)), Err(Error::NoOptional));
        let mut least = cpu("<cpu match='minimum'><model>z13</model></cpu>");
        assert_eq!(update(Arch::S390x, &mut least, Some(&host)), Err(Error::NoMatch(CpuMatch::Minimum)));
    }

    #[test]
    fn a_model_is_replaced_only_where_that_is_allowed() {
        let offered = [HypervisorModel { name: "POWER8".to_owned(), blockers: Vec::new() }];
        for (xml, arch, expected) in [
            ("<cpu><model>POWER8</model></cpu>", Arch::Ppc64, Ok(())),
            (
                "<cpu><model>POWER9</model></cpu>",
                Arch::Ppc64,
                Err(Error::CannotTranslate("POWER9".to_owned())),
            ),
            (
                "<cpu><model fallback='forbid'>Penryn</model></cpu>",
                Arch::X86_64,
                Err(Error::NotOfHypervisor("Penryn".to_owned())),
            ),
            ("<cpu mode='host-passthrough'/>", Arch::X86_64, Ok(())),
        ] {
            assert_eq!(translate(arch, &mut cpu(xml), Some(&offered)), expected, "{xml}");
        }
    }

    #[test]
    fn features_are_checked() {
        let unknown = cpu("<cpu><model>Penryn</model><feature policy='require' name='nonsense'/></cpu>");
        let error = validate_features(Arch::X86_64, &unknown).unwrap_err();
        assert_eq!(error, Error::UnknownGuestFeature("nonsense".to_owned()));
        assert_eq!(validate_features(Arch::S390x, &unknown), Ok(()));
        assert_eq!(validate_features(Arch::Mips, &unknown), Err(Error::UnknownArch(Arch::Mips)));

        let wary = cpu("<cpu><model>Penryn</model><feature policy='forbid' name='vmx'/></cpu>");
        let has = cpu("<cpu><model>Penryn</model><feature policy='require' name='vmx'/></cpu>");
        let off = cpu("<cpu><model>Penryn</model><feature policy='disable' name='vmx'/></cpu>");
        assert_eq!(check_forbidden(&wary, &has), Err(Error::Forbidden("vmx".to_owned())));
        assert_eq!(check_forbidden(&wary, &off), Ok(()));
    }

    #[test]
    fn what_binds_a_guest_is_left_out() {
        let bound = cpu("<cpu><model>Penryn</model><feature name='invtsc'/><feature name='vmx'/></cpu>");
        let names = |cpu: &Cpu| cpu.features.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&migratable(Arch::X86_64, bound)), ["vmx"]);
    }
}
