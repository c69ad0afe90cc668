//! CPU models: which model a CPU is, whether one can be another, and what several have in common.
//!
//! The model data is this crate's own: names, the bits that show features, makers and signatures are facts about
//! processors. Nothing here asks the host; whoever does hands the bits in.
//!
//! ```
//! use virt_cpu::{Comparison, Description};
//! use virt_types::Arch;
//!
//! let host = Description::parse("<cpu><arch>x86_64</arch><model>Haswell</model><vendor>Intel</vendor></cpu>")?;
//! let wanted = Description::parse("<cpu match='exact'><model>SandyBridge</model></cpu>")?;
//! assert_eq!(virt_cpu::compare(Arch::X86_64, Some(&host), &wanted, false)?, Comparison::Superset);
//!
//! let other = Description::parse("<cpu><arch>x86_64</arch><model>Skylake-Client</model><vendor>Intel</vendor></cpu>")?;
//! let common = virt_cpu::baseline(Arch::X86_64, &[host, other], false)?;
//! assert_eq!(common.model.as_deref(), Some("Haswell"));
//! # Ok::<(), virt_cpu::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod arm;
mod error;
pub mod power;
mod resolve;
pub mod x86;

use virt_conf::domain::{Cpu, CpuFallback};
use virt_types::Arch;

pub use error::{DocumentError, Error, Result};
pub use resolve::{
    check_forbidden, convert_legacy, has_feature, migratable, translate, update, update_live,
    validate_features,
};
use resolve::{guest, say};
/// A `<cpu>` document.
pub use virt_conf::domain::CpuDescription as Description;

/// How a CPU compares with the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The host's CPU can not be it.
    Incompatible,
    /// It is the host's CPU.
    Identical,
    /// The host's CPU has more.
    Superset,
}

/// A model that a hypervisor has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HypervisorModel {
    /// libvirt's name.
    pub name: String,
    /// Features of it that this host can not give, by libvirt's names.
    pub blockers: Vec<String>,
}

/// Names of the models of an architecture; none where any name may do.
///
/// # Errors
/// [`Error::UnknownArch`]
pub fn models(arch: Arch) -> Result<Vec<&'static str>> {
    match arch {
        arch if arch.is_x86() => Ok(x86::model_names().collect()),
        arch if arch.is_ppc64() => Ok(power::model_names().collect()),
        arch if arch.is_s390() || is_arm_with_cpus(arch) => Ok(Vec::new()),
        arch => Err(Error::UnknownArch(arch)),
    }
}

const fn is_arm_with_cpus(arch: Arch) -> bool {
    matches!(arch, Arch::Armv6l | Arch::Armv7l | Arch::Armv7b | Arch::Aarch64)
}

/// The maker of a model's processors, if it is one's only.
#[must_use]
pub fn vendor_of_model(arch: Arch, name: &str) -> Option<&'static str> {
    match arch {
        arch if arch.is_x86() => x86::vendor_of_model(name),
        arch if arch.is_ppc64() => power::vendor_of_model(name),
        _ => None,
    }
}

/// Compares a CPU with the host's. With `fail_incompatible` an error says why they do not go together.
///
/// # Errors
/// [`Error::UnknownHost`] and [`Error::HostDiffers`] where `fail_incompatible` is set; [`Error::UnknownModel`],
/// [`Error::UnknownFeature`]; [`Error::UnknownArch`] and [`Error::CannotOf`] where this can not be asked.
pub fn compare(
    arch: Arch,
    host: Option<&Description>,
    wanted: &Description,
    fail_incompatible: bool,
) -> Result<Comparison> {
    models(arch)?;
    // Whether such guests can run is only asked when they are started.
    if arch.is_s390() || (is_arm_with_cpus(arch) && !wanted.host) {
        return Ok(Comparison::Identical);
    }
    let Some(host) = host.filter(|host| host.cpu.model.is_some()) else {
        return if fail_incompatible { Err(Error::UnknownHost) } else { Ok(Comparison::Incompatible) };
    };
    let (comparison, why) = match arch {
        arch if arch.is_x86() => x86::compare(host, wanted)?,
        arch if arch.is_ppc64() => power::compare(host, wanted)?,
        _ => arm::compare(host, wanted),
    };
    match comparison {
        Comparison::Incompatible if fail_incompatible => Err(Error::HostDiffers(why.unwrap_or_default())),
        comparison => Ok(comparison),
    }
}

/// The best CPU that all these can be; `migratable` leaves out what binds a guest to its host.
///
/// # Errors
/// [`Error::Incompatible`] where they have nothing in common, [`Error::VendorsDiffer`], [`Error::OtherVendor`],
/// [`Error::UnknownVendor`], [`Error::NoModelAt`], [`Error::NoCpus`]; else as [`compare()`].
pub fn baseline(arch: Arch, cpus: &[Description], migratable: bool) -> Result<Cpu> {
    check_baseline(cpus)?;
    if arch.is_ppc64() {
        return power::baseline(cpus);
    }
    if is_arm_with_cpus(arch) {
        return arm::baseline(cpus);
    }
    only_x86(arch, "compute baseline")?;
    x86::baseline(cpus, x86::Bounds { migratable, ..x86::Bounds::default() })
}

/// The best CPU that all these can be and the hypervisor can give: only these models, and only these features where
/// the hypervisor tells what it has.
///
/// # Errors
/// As [`baseline()`].
pub fn hypervisor_baseline(
    arch: Arch,
    cpus: &[Description],
    models: &[HypervisorModel],
    features: Option<&[String]>,
    migratable: bool,
) -> Result<Cpu> {
    check_baseline(cpus)?;
    only_x86(arch, "compute baseline")?;
    let mut cpu = x86::baseline(cpus, x86::Bounds { models: Some(models), features, migratable })?;
    cpu.fallback = CpuFallback::Forbid;
    Ok(cpu)
}

fn check_baseline(cpus: &[Description]) -> Result<()> {
    if cpus.is_empty() {
        return Err(Error::NoCpus);
    }
    if let Some(at) = cpus.iter().position(|description| description.cpu.model.is_none()) {
        return Err(Error::NoModelAt(at));
    }
    Ok(())
}

/// Writes out every feature of the CPU's model.
///
/// # Errors
/// [`Error::UnknownModelToExpand`]; [`Error::UnknownArch`].
pub fn expand(arch: Arch, cpu: &mut Cpu) -> Result<()> {
    if arch.is_x86() {
        return x86::expand(cpu, false);
    }
    // Others have no features that a model stands for.
    models(arch)?;
    cpu.features.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// Drops features of hosts that are no matter of guests': what counts the use of caches, and what an operating system has
/// switched on for itself.
pub fn drop_host_features(cpu: &mut Cpu) {
    const OF_HOST: &[&str] = &["cmt", "mbm_total", "mbm_local", "osxsave", "ospke"];
    cpu.features.retain(|feature| !OF_HOST.contains(&feature.name.as_str()));
}

fn only_x86(arch: Arch, what: &'static str) -> Result<()> {
    match models(arch) {
        Ok(_) if arch.is_x86() => Ok(()),
        Ok(_) => Err(Error::CannotOf { what, arch }),
        Err(error) => Err(error),
    }
}
