//! Firmware images, as their descriptions in `qemu/firmware/*.json` name them (QEMU's docs/interop/firmware.json),
//! and the choice of one for a guest that asks for a kind of firmware only.

mod directory;
mod vhost_user;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use virt_conf::domain::{Domain, Firmware as Kind, FirmwareFormat, Loader, LoaderType, Smm};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};

pub use directory::{Description, load, paths};
pub use vhost_user::VhostUser;
pub(crate) use vhost_user::program as vhost_user_program;

use crate::caps::machine::target_of_arch;

/// A description of a firmware image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Firmware {
    /// What people call it.
    #[serde(default)]
    pub description: String,
    /// What it looks like to the guest: `bios`, `uefi` and others.
    pub interface_types: Vec<String>,
    /// How it is brought in.
    pub mapping: Mapping,
    /// On which machines it runs.
    pub targets: Vec<Target>,
    /// What it can do and needs.
    #[serde(default)]
    pub features: BTreeSet<String>,
    /// How it was built; for people.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// How an image is brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "device", rename_all = "kebab-case")]
pub enum Mapping {
    /// As flash chips.
    #[serde(rename_all = "kebab-case")]
    Flash {
        /// Where variables are.
        #[serde(default, skip_serializing_if = "FlashMode::is_split")]
        mode: FlashMode,
        /// The code.
        executable: Image,
        /// What a new store for variables is copied from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nvram_template: Option<Image>,
    },
    /// As a kernel.
    Kernel {
        /// Path of the image.
        filename: String,
    },
    /// In ROM.
    Memory {
        /// Path of the image.
        filename: String,
    },
}

/// Where a flash image keeps its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlashMode {
    /// In a file of their own.
    #[default]
    Split,
    /// In the image itself.
    Combined,
    /// Nowhere.
    Stateless,
}

impl FlashMode {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_split(&self) -> bool {
        *self == Self::Split
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its path.
    pub filename: String,
    /// Its format.
    pub format: String,
}

/// Machines that an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// QEMU's name of the architecture.
    pub architecture: String,
    /// Patterns of machine types, with `*` and `?`.
    pub machines: Vec<String>,
}

/// The images that Debian 12 describes, for plans against a recorded host.
#[must_use]
pub fn debian_12() -> Vec<Firmware> {
    serde_json::from_str(include_str!("debian12.json")).unwrap_or_default()
}

/// Gives a domain that asks for a kind of firmware the first image that can do what it wants, and an image that is
/// named the template of its variables.
///
/// # Errors
/// `VIR_ERR_OPERATION_FAILED` where there is none.
pub fn choose(domain: &mut Domain, known: &[Firmware]) -> Result<()> {
    let Some(kind) = domain.os.firmware else {
        name_template(domain, known);
        return Ok(());
    };
    match known.iter().find(|firmware| firmware.suits(domain, kind)) {
        Some(firmware) => {
            firmware.apply(domain);
            Ok(())
        }
        None => {
            let detail =
                format!("Unable to find '{kind}' firmware that is compatible with the current configuration");
            Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail).with_hint(
                "firmware is described in /usr/share/qemu/firmware; UEFI for x86 is often the package ovmf",
            ))
        }
    }
}

fn name_template(domain: &mut Domain, known: &[Firmware]) {
    let Some(loader) = &mut domain.os.loader else { return };
    let (Some(path), Some(nvram)) = (&loader.path, &mut loader.nvram) else { return };
    if nvram.template.is_some() {
        return;
    }
    nvram.template = known.iter().find_map(|firmware| match &firmware.mapping {
        Mapping::Flash { executable, nvram_template, .. } if executable.filename == *path => {
            nvram_template.as_ref().map(|image| image.filename.clone())
        }
        _ => None,
    });
}

impl Firmware {
    fn has(&self, feature: &str) -> bool {
        self.features.contains(feature)
    }

    /// Whether the image can do what a domain that names a kind asks for.
    #[must_use]
    pub fn suits(&self, domain: &Domain, kind: Kind) -> bool {
        let interface = match kind {
            Kind::Bios => "bios",
            Kind::Efi => "uefi",
        };
        let wants = domain.os.firmware_features;
        let agrees = |wanted: Option<bool>, feature| wanted.is_none_or(|wanted| wanted == self.has(feature));
        self.interface_types.iter().any(|name| name == interface)
            && self.runs_on(domain)
            && (domain.pm.suspend_to_mem != Some(true) || self.has("acpi-s3"))
            && (domain.pm.suspend_to_disk != Some(true) || self.has("acpi-s4"))
            && agrees(wants.secure_boot, "secure-boot")
            && agrees(wants.enrolled_keys, "enrolled-keys")
            && self.suits_protection(domain)
            && self.suits_loader(domain.os.loader.as_ref())
    }

    fn runs_on(&self, domain: &Domain) -> bool {
        self.is_for(domain.os.arch, domain.os.machine.as_deref().unwrap_or_default())
    }

    /// Whether the image runs on a machine type.
    #[must_use]
    pub fn is_for(&self, arch: Arch, machine: &str) -> bool {
        let arch = target_of_arch(arch);
        self.targets.iter().any(|target| {
            target.architecture == arch
                && target.machines.iter().any(|pattern| matches(pattern.as_bytes(), machine.as_bytes()))
        })
    }

    /// An image that needs system management mode protects its flash with it, and only such an image does.
    fn suits_protection(&self, domain: &Domain) -> bool {
        let secure = domain.os.loader.as_ref().and_then(|loader| loader.secure);
        if self.has("requires-smm") {
            domain.features.smm.is_none_or(|smm| smm.state) && secure != Some(false)
        } else {
            secure != Some(true)
        }
    }

    fn suits_loader(&self, loader: Option<&Loader>) -> bool {
        let Mapping::Flash { mode, executable, nvram_template } = &self.mapping else {
            return loader.is_none_or(|loader| loader.nvram.is_none());
        };
        let stateless = loader.is_some_and(|loader| loader.stateless == Some(true));
        let wanted = if stateless { FlashMode::Stateless } else { FlashMode::Split };
        let fits = |image: &Image, format: Option<FirmwareFormat>| {
            let known = FirmwareFormat::from_text(&image.format);
            known.is_some_and(|known| format.is_none_or(|format| format == known))
        };
        let nvram = loader.and_then(|loader| loader.nvram.as_ref());
        *mode == wanted
            && loader.is_none_or(|loader| loader.readonly != Some(false))
            && loader
                .is_none_or(|loader| loader.path.as_ref().is_none_or(|path| *path == executable.filename))
            && fits(executable, loader.and_then(|loader| loader.format))
            && nvram_template.as_ref().is_none_or(|image| fits(image, nvram.and_then(|nvram| nvram.format)))
    }

    /// Makes the domain use the image.
    fn apply(&self, domain: &mut Domain) {
        match &self.mapping {
            Mapping::Flash { mode, executable, nvram_template } => {
                let loader = domain.os.loader.get_or_insert_default();
                loader.kind = Some(LoaderType::Pflash);
                loader.readonly = Some(true);
                loader.format = FirmwareFormat::from_text(&executable.format);
                loader.path = Some(executable.filename.clone());
                if *mode == FlashMode::Split {
                    let nvram = loader.nvram.get_or_insert_default();
                    nvram.format = nvram.format.or(loader.format);
                    nvram.template = nvram_template.as_ref().map(|image| image.filename.clone());
                }
            }
            Mapping::Kernel { filename } => domain.os.kernel = Some(filename.clone()),
            Mapping::Memory { filename } => {
                let loader = domain.os.loader.get_or_insert_default();
                loader.kind = Some(LoaderType::Rom);
                loader.path = Some(filename.clone());
            }
        }
        if self.has("requires-smm") {
            domain.features.smm.get_or_insert(Smm { state: true, tseg: None }).state = true;
            domain.os.loader.get_or_insert_default().secure = Some(true);
        }
    }
}

/// Whether a text has the form of a pattern with `*` and `?`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The last star, and up to where it was tried.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, tried)) => {
                    star = Some((at, tried + 1));
                    (p, t) = (at + 1, tried + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_conf::domain::FirmwareFeatures;

    fn known() -> Vec<Firmware> {
        let known = debian_12();
        assert_eq!(known.len(), 5);
        known
    }

    fn domain(machine: &str) -> Domain {
        let mut domain = Domain::default();
        domain.os.arch = Arch::X86_64;
        domain.os.machine = Some(machine.to_owned());
        domain.os.firmware = Some(Kind::Efi);
        domain
    }

    #[test]
    fn the_first_image_that_suits_is_taken() {
        for (machine, secure_boot, enrolled_keys, expected) in [
            ("pc-q35-7.2", None, None, Some("/usr/share/OVMF/OVMF_CODE_4M.ms.fd")),
            ("pc-q35-7.2", Some(false), None, Some("/usr/share/OVMF/OVMF_CODE_4M.fd")),
            ("pc-q35-7.2", None, Some(false), Some("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")),
            ("pc-i440fx-7.2", None, None, Some("/usr/share/OVMF/OVMF_CODE_4M.fd")),
            ("isapc", None, None, None),
        ] {
            let mut domain = domain(machine);
            domain.os.firmware_features = FirmwareFeatures { enrolled_keys, secure_boot };
            let outcome = choose(&mut domain, &known());
            assert_eq!(outcome.is_ok(), expected.is_some());
            assert_eq!(domain.os.loader.and_then(|loader| loader.path).as_deref(), expected);
        }
    }

    #[test]
    fn secure_images_bring_system_management_mode() {
        let mut secure = domain("pc-q35-7.2");
        choose(&mut secure, &known()).unwrap();
        assert!(secure.features.smm.unwrap().state);
        assert_eq!(secure.os.loader.unwrap().secure, Some(true));
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("pc-q35-*", "pc-q35-7.2", true),
            ("pc-q35-*", "pc-q35", false),
            ("*", "", true),
            ("a?c*e", "abcde", true),
            ("a?c*e", "abcd", false),
            ("**x", "aax", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
