//! Machine types and CPU models that a binary offers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use virt_types::{Arch, TextEnum};

use super::replies::Replies;

/// A machine type (`query-machines`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Its versioned name, such as `pc-q35-7.2`.
    pub name: String,
    /// Its short name, such as `q35`.
    pub alias: Option<String>,
    /// Whether QEMU takes it where none is named.
    pub is_default: bool,
    /// The most vCPUs.
    pub max_cpus: u32,
    /// Whether vCPUs can be plugged.
    pub hotpluggable_cpus: bool,
    /// The CPU type it has where none is named, without the architecture's suffix.
    pub default_cpu: Option<String>,
    /// The id that its RAM has to have as a memory backend.
    pub default_ram_id: Option<String>,
    /// Whether memory can be given to NUMA nodes by size alone.
    pub numa_mem_supported: bool,
    /// Whether QEMU will drop it.
    pub deprecated: bool,
    /// Whether it can have ACPI tables; absent where QEMU does not say.
    #[serde(default)]
    pub acpi: Option<bool>,
}

impl Machine {
    pub(super) fn read_all(replies: &Replies) -> Vec<Self> {
        // QEMU's machine `none` has no guest.
        let machines = replies.list("query-machines").filter(|item| item["name"] != "none");
        machines.map(|item| Self::read(item, replies)).collect()
    }

    fn read(item: &Value, replies: &Replies) -> Self {
        let text = |member: &str| item[member].as_str().map(str::to_owned);
        let default_cpu_type = item["default-cpu-type"].as_str();
        // The type is looked up among the models, since a model's name can not be derived from it everywhere.
        let default_cpu = default_cpu_type.and_then(|wanted| {
            let model = replies.list("query-cpu-definitions").find(|cpu| cpu["typename"] == wanted);
            model.and_then(|cpu| cpu["name"].as_str().map(model_name))
        });
        Self {
            name: text("name").unwrap_or_default(),
            alias: text("alias"),
            is_default: item["is-default"] == true,
            max_cpus: item["cpu-max"].as_u64().unwrap_or(0) as u32,
            hotpluggable_cpus: item["hotpluggable-cpus"] == true,
            default_cpu,
            default_ram_id: text("default-ram-id"),
            numa_mem_supported: item["numa-mem-supported"] == true,
            deprecated: item["deprecated"] == true,
            acpi: item["acpi"].as_bool(),
        }
    }
}

/// A CPU model (`query-cpu-definitions`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CpuDefinition {
    /// Its name.
    pub name: String,
    /// QEMU's type name.
    pub type_name: String,
    /// Features that it needs and this host has not; absent where QEMU does not say.
    pub blockers: Option<Vec<String>>,
    /// Whether QEMU will drop it.
    pub deprecated: bool,
}

impl CpuDefinition {
    pub(super) fn read_all(replies: &Replies) -> Vec<Self> {
        let read = |item: &Value| Self {
            name: model_name(item["name"].as_str().unwrap_or_default()),
            type_name: item["typename"].as_str().unwrap_or_default().to_owned(),
            blockers: item["unavailable-features"]
                .as_array()
                .map(|list| list.iter().filter_map(|feature| feature.as_str().map(str::to_owned)).collect()),
            deprecated: item["deprecated"] == true,
        };
        replies.list("query-cpu-definitions").map(read).collect()
    }
}

/// CPU models of POWER that libvirt writes in upper case; QEMU has them in lower case since 2.11.
const POWER_MODELS: &[&str] =
    &["POWER6", "POWER7", "POWER8", "POWER9", "POWER10", "POWERPC_e5500", "POWERPC_e6500"];

/// libvirt's name of a CPU model.
fn model_name(name: &str) -> String {
    let known = POWER_MODELS.iter().find(|model| model.eq_ignore_ascii_case(name));
    known.map_or(name, |model| model).to_owned()
}

/// libvirt's architecture for QEMU's target name.
pub(super) fn arch_of_target(target: &str) -> Arch {
    match target {
        "i386" => Arch::I686,
        "arm" => Arch::Armv7l,
        "or1k" => Arch::Openrisc,
        other => Arch::from_text(other).unwrap_or(Arch::None),
    }
}

/// QEMU's target name for libvirt's architecture, as in `qemu-system-TARGET`.
#[must_use]
pub fn target_of_arch(arch: Arch) -> &'static str {
    match arch {
        Arch::I686 => "i386",
        Arch::Armv6l | Arch::Armv7l => "arm",
        Arch::Openrisc => "or1k",
        Arch::Ppcle => "ppc",
        Arch::Ppc64le => "ppc64",
        other => other.text(),
    }
}
