//! What a QEMU binary can do, by name.

pub mod cache;
pub mod cpu_feature;
pub mod domain_capabilities;
pub mod emulator;
mod guest;
mod host_model;
pub mod machine;
mod model_query;
mod probe;
pub mod recorded;
mod replies;
mod schema;
mod table;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use virt_conf::domain::VirtType;
use virt_types::{Arch, Result};

pub use host_model::CpuInfo;
pub use machine::{CpuDefinition, Machine};
pub(crate) use probe::join_all;
pub use replies::Replies;
pub use schema::Schema;
pub use table::{Cap, Evidence};

/// The oldest version that is used, as in [`Capabilities::version`].
const OLDEST: u32 = 4_002_000;

/// What one QEMU binary can do on this host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// Path of the binary.
    pub binary: String,
    /// The guest architecture it emulates.
    #[serde(with = "arch_text")]
    pub arch: Arch,
    /// Version as major * 1,000,000 + minor * 1,000 + micro.
    pub version: u32,
    /// The packager's version, such as `Debian 1:7.2+dfsg-7`.
    pub package: String,
    /// What it can do.
    pub caps: BTreeSet<Cap>,
    /// What it offers under emulation.
    pub tcg: Option<Accelerated>,
    /// What it offers under KVM; absent where KVM can not be used.
    pub kvm: Option<Accelerated>,
    /// Versions of ARM's interrupt controller that KVM has (`query-gic-capabilities`).
    pub kvm_gic_versions: Vec<u64>,
    /// The host's memory for SGX enclaves: NUMA node and size in KiB (`query-sgx-capabilities`).
    #[serde(default)]
    pub sgx_sections: Vec<(u32, u64)>,
    /// What the host's enclaves can do; absent where there are none.
    #[serde(default)]
    pub sgx: Option<SgxInfo>,
    /// Versions of ARM's interrupt controller that QEMU emulates (`query-gic-capabilities`).
    #[serde(default)]
    pub emulated_gic_versions: Vec<u64>,
    /// What KVM can pretend of Hyper-V, by libvirt's names; absent where QEMU does not tell.
    #[serde(default)]
    pub hyperv: Option<Vec<String>>,
    /// `query-tpm-models`.
    pub tpm_models: Vec<String>,
    /// `query-tpm-types`.
    pub tpm_types: Vec<String>,
}

/// What depends on the accelerator.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Accelerated {
    /// Machine types.
    pub machines: Vec<Machine>,
    /// CPU models.
    pub cpus: Vec<CpuDefinition>,
    /// All that its CPUs can have; absent where the host's processors do not run such guests, or QEMU does not tell.
    #[serde(default)]
    pub cpu: Option<CpuInfo>,
}

impl Capabilities {
    /// Whether the binary can do this.
    #[must_use]
    pub fn has(&self, cap: Cap) -> bool {
        self.caps.contains(&cap)
    }

    /// Whether guests of this architecture can run on the binary.
    #[must_use]
    pub fn runs(&self, arch: Arch) -> bool {
        arch == self.arch
            || matches!(
                (self.arch, arch),
                (Arch::X86_64, Arch::I686)
                    | (Arch::Aarch64, Arch::Armv7l | Arch::Armv6l)
                    | (Arch::Armv7l, Arch::Armv6l)
                    | (Arch::Ppc64, Arch::Ppc64le)
            )
    }

    /// Whether domains of this type can run on the binary.
    #[must_use]
    pub const fn supports(&self, virt_type: VirtType) -> bool {
        match virt_type {
            VirtType::Qemu => self.tcg.is_some(),
            VirtType::Kvm => self.kvm.is_some(),
            _ => false,
        }
    }

    /// What the binary offers to domains of this type.
    #[must_use]
    pub fn accelerated(&self, virt_type: VirtType) -> Option<&Accelerated> {
        if virt_type == VirtType::Kvm { self.kvm.as_ref() } else { self.tcg.as_ref() }
    }

    /// The machine types for domains of this type; of any where the type can not run.
    #[must_use]
    pub fn machines(&self, virt_type: VirtType) -> &[Machine] {
        self.accelerated(virt_type).or(self.tcg.as_ref()).or(self.kvm.as_ref()).map_or(&[], |a| &a.machines)
    }

    /// What machine types may be called: their aliases and names.
    pub fn machine_names(&self, virt_type: VirtType) -> impl Iterator<Item = &str> {
        let machines = self.machines(virt_type).iter();
        machines.flat_map(|machine| machine.alias.as_deref().into_iter().chain([machine.name.as_str()]))
    }

    /// The machine type of this name or alias.
    #[must_use]
    pub fn machine(&self, virt_type: VirtType, name: &str) -> Option<&Machine> {
        let machines = self.machines(virt_type);
        machines
            .iter()
            .find(|machine| machine.alias.as_deref() == Some(name))
            .or_else(|| machines.iter().find(|machine| machine.name == name))
    }

    /// The machine type that a domain gets which names none.
    #[must_use]
    pub fn default_machine(&self, virt_type: VirtType) -> Option<&Machine> {
        let machines = self.machines(virt_type);
        // libvirt keeps the types of its own that QEMU's maintainers later made the default of another.
        let preferred = match self.arch {
            Arch::I686 | Arch::X86_64 => Some("pc"),
            Arch::S390 | Arch::S390x => Some("s390-ccw-virtio"),
            Arch::Ppc64 | Arch::Ppc64le => Some("pseries"),
            Arch::Armv6l | Arch::Armv7l | Arch::Aarch64 => Some("integratorcp"),
            _ => None,
        };
        preferred
            .and_then(|name| self.machine(virt_type, name))
            .or_else(|| machines.iter().find(|machine| machine.is_default))
            .or_else(|| machines.first())
    }

    /// Refuses a binary that is too old for a guest to be planned for it.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` for one that is older than 4.2.
    pub fn check_version(&self) -> Result<()> {
        let text =
            |number: u32| format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
        if self.version >= OLDEST {
            return Ok(());
        }
        let (oldest, found) = (text(OLDEST), text(self.version));
        let hint = format!("{} is too old: name another <emulator>, or update QEMU", self.binary);
        let detail = format!("QEMU version >= {oldest} is required, but {found} found");
        Err(crate::error::unsupported(detail).with_hint(hint))
    }

    /// Reads QEMU's answers.
    #[must_use]
    pub fn from_replies(binary: &str, tcg: Option<&Replies>, kvm: Option<&Replies>) -> Self {
        let Some(replies) = tcg.or(kvm) else { return Self::default() };
        let version = |member: &str| {
            let qemu = &replies.get("query-version").unwrap_or(&serde_json::Value::Null)["qemu"];
            qemu[member].as_u64().unwrap_or(0) as u32
        };
        let strings = |question: &str| -> Vec<String> {
            replies.list(question).filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let accelerated = |replies: &Replies| Accelerated {
            machines: Machine::read_all(replies),
            cpus: CpuDefinition::read_all(replies),
            cpu: CpuInfo::read(replies),
        };
        let mut caps = Self {
            binary: binary.to_owned(),
            arch: machine::arch_of_target(
                replies.get("query-target").and_then(|r| r["arch"].as_str()).unwrap_or(""),
            ),
            version: version("major") * 1_000_000 + version("minor") * 1_000 + version("micro"),
            package: replies
                .get("query-version")
                .and_then(|reply| reply["package"].as_str())
                .unwrap_or_default()
                .to_owned(),
            caps: BTreeSet::new(),
            tcg: tcg.map(accelerated),
            kvm: kvm
                .filter(|replies| replies.get("query-kvm").is_some_and(|reply| reply["enabled"] == true))
                .map(accelerated),
            kvm_gic_versions: kvm.map(|replies| gic_versions(replies, "kernel")).unwrap_or_default(),
            emulated_gic_versions: tcg.map(|replies| gic_versions(replies, "emulated")).unwrap_or_default(),
            sgx: SgxInfo::read(replies),
            sgx_sections: sgx_sections(replies),
            hyperv: kvm.and_then(host_model::hyperv),
            tpm_models: strings("query-tpm-models"),
            tpm_types: strings("query-tpm-types"),
        };
        caps.caps = table::read(replies, &caps);
        caps
    }
}

/// Architectures are kept by their names.
mod arch_text {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use virt_types::{Arch, TextEnum};

    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(arch: &Arch, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(arch.text())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arch, D::Error> {
        let text = String::deserialize(deserializer)?;
        Arch::from_text(&text).ok_or_else(|| D::Error::custom(format!("unknown architecture '{text}'")))
    }
}

/// The versions of ARM's interrupt controller that are there in this form, lowest first.
fn gic_versions(replies: &Replies, form: &str) -> Vec<u64> {
    let offered = replies.list("query-gic-capabilities").filter(|item| item[form] == true);
    let mut versions: Vec<u64> = offered.filter_map(|item| item["version"].as_u64()).collect();
    versions.sort_unstable();
    versions
}

/// What the host's enclaves can do (`query-sgx-capabilities`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SgxInfo {
    /// Whether who may start them can be chosen.
    pub flc: bool,
    /// Whether there is the first generation.
    pub sgx1: bool,
    /// Whether there is the second.
    pub sgx2: bool,
    /// Memory for them, in KiB.
    pub size: u64,
}

impl SgxInfo {
    fn read(replies: &Replies) -> Option<Self> {
        let answer = replies.get("query-sgx-capabilities")?;
        if answer["sgx"] != true {
            return None;
        }
        let size = answer["section-size"].as_u64().unwrap_or_else(|| {
            answer["sections"].as_array().into_iter().flatten().filter_map(|one| one["size"].as_u64()).sum()
        });
        let has = |name: &str| answer[name] == true;
        Some(Self { flc: has("flc"), sgx1: has("sgx1"), sgx2: has("sgx2"), size: size / 1024 })
    }
}

fn sgx_sections(replies: &Replies) -> Vec<(u32, u64)> {
    let Some(answer) = replies.get("query-sgx-capabilities") else { return Vec::new() };
    let sections = answer["sections"].as_array().into_iter().flatten();
    sections
        .filter_map(|section| {
            let node = section["node"].as_u64()?.try_into().ok()?;
            Some((node, section["size"].as_u64()? / 1024))
        })
        .collect()
}
