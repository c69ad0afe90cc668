//! The CPU that a guest of mode `host-model` gets: what QEMU can give on this host, as libvirt names it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use virt_conf::domain::{Cpu, CpuFallback, CpuFeature, CpuMatch, CpuMode, FeaturePolicy, VirtType};
use virt_cpu::HypervisorModel;
use virt_cpu::x86::{Choice, CpuData, is_in_register};
use virt_types::Arch;

use super::cpu_feature::from_qemu;
use super::emulator::is_native;
use super::{Cap, Capabilities, Replies};

/// Names under which the answers to `query-cpu-model-expansion` are kept.
pub(super) const WHOLE: &str = "query-cpu-model-expansion.whole";
/// The same without what only a guest that stays here can have.
pub(super) const MIGRATABLE: &str = "query-cpu-model-expansion.migratable";
/// The same with everything that KVM can pretend of Hyper-V.
pub(super) const HYPERV: &str = "query-cpu-model-expansion.hyperv";

/// Everything that an accelerator can give (`query-cpu-model-expansion` of `host` or `max`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CpuInfo {
    /// Features by QEMU's names, and whether guests that have them can be moved.
    pub features: BTreeMap<String, bool>,
    /// Features that it knows and can not give.
    #[serde(default)]
    pub unavailable: BTreeSet<String>,
    /// `vendor`
    pub vendor: Option<String>,
    /// `family`, `model`, `stepping`
    pub signature: (u32, u32, u32),
    /// Name of the model that the features belong to.
    #[serde(default)]
    pub model: String,
    /// Whether QEMU was asked what binds a guest to its host; where it was not, our own table tells.
    #[serde(default)]
    pub migratability: bool,
}

/// Hyper-V's features, in libvirt's order and spelling.
const HYPERV_FEATURES: &[&str] = &[
    "relaxed",
    "vapic",
    "spinlocks",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "reset",
    "vendor_id",
    "frequencies",
    "reenlightenment",
    "tlbflush",
    "ipi",
    "evmcs",
];

/// The feature of this name, as documents tell of it.
pub(super) fn hyperv_name(name: &str) -> Option<&'static str> {
    HYPERV_FEATURES.iter().copied().find(|known| *known == name)
}

fn properties<'a>(replies: &'a Replies, question: &str) -> Option<&'a serde_json::Map<String, Value>> {
    replies.get(question)?["model"]["props"].as_object()
}

impl CpuInfo {
    /// Reads QEMU's answers; `None` where it was not asked or does not know.
    pub(super) fn read(replies: &Replies) -> Option<Self> {
        let migratable = properties(replies, MIGRATABLE)?;
        let whole = properties(replies, WHOLE);
        let mut info = Self {
            model: replies.get(MIGRATABLE)?["model"]["name"].as_str().unwrap_or_default().to_owned(),
            migratability: whole.is_some(),
            ..Self::default()
        };
        for (name, value) in migratable {
            let stays = whole.is_some_and(|whole| whole.get(name) == Some(&Value::Bool(true)));
            match value {
                Value::Bool(false) if !stays => {
                    info.unavailable.insert(name.clone());
                }
                Value::Bool(movable) => {
                    info.features.insert(name.clone(), *movable);
                }
                _ => {}
            }
        }
        let number = |name: &str| migratable.get(name).and_then(Value::as_u64).unwrap_or(0) as u32;
        info.vendor = migratable.get("vendor").and_then(Value::as_str).map(str::to_owned);
        info.signature = (number("family"), number("model"), number("stepping"));
        Some(info)
    }

    /// The bits that show the features; those that bind a guest to its host only if asked for.
    fn data(&self, arch: Arch, bound: bool) -> CpuData {
        let mut data = CpuData::default();
        for (name, _) in self.features.iter().filter(|(_, movable)| bound || **movable) {
            data.add_feature(from_qemu(arch, name));
        }
        if let Some(vendor) = &self.vendor {
            data.set_vendor(vendor);
        }
        let (family, model, stepping) = self.signature;
        data.set_signature(family, model, stepping);
        data
    }
}

/// What KVM can pretend of Hyper-V; `None` where QEMU does not tell.
pub(super) fn hyperv(replies: &Replies) -> Option<Vec<String>> {
    let properties = properties(replies, HYPERV)?;
    let offered = |feature: &&&str| {
        let value =
            ["-", "_"].iter().find_map(|dash| properties.get(&format!("hv-{}", feature.replace('_', dash))));
        match value {
            Some(Value::Bool(on)) => *on,
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number > 0.0),
            Some(Value::String(_)) => true,
            _ => false,
        }
    };
    let found: Vec<String> = HYPERV_FEATURES.iter().filter(offered).map(|name| (*name).to_owned()).collect();
    (!found.is_empty()).then_some(found)
}

impl Capabilities {
    /// The CPU models that the binary has, by libvirt's names of what blocks them.
    #[must_use]
    pub fn hypervisor_models(&self, virt_type: VirtType) -> Vec<HypervisorModel> {
        let cpus = self.accelerated(virt_type).into_iter().flat_map(|accelerated| &accelerated.cpus);
        let libvirts = |name: &String| from_qemu(self.arch, name).to_owned();
        cpus.map(|cpu| HypervisorModel {
            name: cpu.name.clone(),
            blockers: cpu.blockers.iter().flatten().map(libvirts).collect(),
        })
        .collect()
    }

    /// The features that the binary knows, by libvirt's names, whether or not this host can give them; `None` where it
    /// does not tell. `migratable` leaves out what binds a guest to its host.
    #[must_use]
    pub fn cpu_features(&self, virt_type: VirtType, migratable: bool) -> Option<Vec<String>> {
        let info = self.accelerated(virt_type)?.cpu.as_ref()?;
        let wanted = info.features.iter().filter(|(_, movable)| **movable || !migratable);
        let known = wanted.map(|(name, _)| name).chain(&info.unavailable);
        Some(known.map(|name| from_qemu(self.arch, name).to_owned()).collect())
    }

    /// Whether the binary tells which features bind a guest to its host.
    pub(crate) fn tells_migratability(&self, virt_type: VirtType) -> bool {
        let info = self.accelerated(virt_type).and_then(|accelerated| accelerated.cpu.as_ref());
        info.is_some_and(|info| info.migratability)
    }

    /// Whether guests can be of mode `host-model`: those that the host's processors run themselves.
    #[must_use]
    pub fn has_host_model(&self, virt_type: VirtType, host: Arch) -> bool {
        // A POWER processor is told by its register; all that guests can be of it is "host".
        let of_itself = self.arch.is_ppc64() && is_native(host, self.arch);
        of_itself || self.host_model(virt_type, host).is_some()
    }

    /// The CPU of guests of mode `host-model`, with all that the accelerator can give; `None` where there is no such mode, as
    /// for guests that the host's processors do not run themselves.
    #[must_use]
    pub fn host_model(&self, virt_type: VirtType, host: Arch) -> Option<Cpu> {
        self.decode(virt_type, host, true)
    }

    /// The same without what binds a guest to its host.
    #[must_use]
    pub fn migratable_host_model(&self, virt_type: VirtType, host: Arch) -> Option<Cpu> {
        if self.accelerated(virt_type)?.cpu.as_ref()?.migratability {
            return self.decode(virt_type, host, false);
        }
        Some(virt_cpu::migratable(self.arch, self.decode(virt_type, host, true)?))
    }

    fn decode(&self, virt_type: VirtType, host: Arch, bound: bool) -> Option<Cpu> {
        if !is_native(host, self.arch) {
            return None;
        }
        let info = self.accelerated(virt_type)?.cpu.as_ref()?;
        if self.arch.is_s390() {
            return Some(info.named(bound));
        }
        if !self.arch.is_x86() {
            return None;
        }
        // A binary that lists no models is not asked for one.
        let models = Some(self.hypervisor_models(virt_type)).filter(|models| !models.is_empty());
        let choice = Choice { models: models.as_deref(), fallback: true, ..Choice::default() };
        let mut decoded = info.data(self.arch, bound).decode(choice).ok()?;
        if !self.has(Cap::CpuUnavailableFeatures) {
            // Whether the guest got such a feature could not be seen.
            decoded.features.retain(|feature| !is_in_register(&feature.name));
        }
        Some(Cpu {
            model: Some(decoded.model),
            vendor: decoded.vendor.map(str::to_owned),
            features: decoded.features,
            ..definite()
        })
    }
}

/// A CPU that leaves nothing to the host.
fn definite() -> Cpu {
    Cpu {
        mode: CpuMode::Custom,
        matching: Some(CpuMatch::Exact),
        fallback: CpuFallback::Forbid,
        ..Cpu::default()
    }
}

impl CpuInfo {
    /// QEMU's own model, every feature on or off.
    fn named(&self, bound: bool) -> Cpu {
        let on = self.features.iter().map(|(name, movable)| (name, bound || *movable));
        let mut said: Vec<_> = on.chain(self.unavailable.iter().map(|name| (name, false))).collect();
        said.sort();
        let feature = |(name, on): (&String, bool)| CpuFeature {
            name: name.clone(),
            policy: if on { FeaturePolicy::Require } else { FeaturePolicy::Disable },
        };
        Cpu {
            model: Some(self.model.clone()),
            features: said.into_iter().map(feature).collect(),
            ..definite()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replies(whole: &Value, migratable: &Value) -> Replies {
        let mut replies = Replies::new();
        replies.insert(WHOLE, json!({"model": {"name": "host", "props": whole}}));
        replies.insert(MIGRATABLE, json!({"model": {"name": "host", "props": migratable}}));
        replies
    }

    #[test]
    fn features_that_bind_a_guest_are_told_apart() {
        let info = CpuInfo::read(&replies(
            &json!({"sse": true, "invtsc": true, "avx": false}),
            &json!({"sse": true, "invtsc": false, "avx": false, "vendor": "AuthenticAMD", "family": 23, "model": 49}),
        ))
        .unwrap();
        assert_eq!(info.features, BTreeMap::from([("invtsc".to_owned(), false), ("sse".to_owned(), true)]));
        assert!(info.unavailable.contains("avx"));
        assert_eq!(info.signature, (23, 49, 0));
        assert_eq!(info.data(Arch::X86_64, true).signature(), Some((23, 49, 0)));
    }

    #[test]
    fn hypervs_features_have_libvirts_names() {
        let mut replies = Replies::new();
        let props = json!({"hv-vendor-id": "", "hv-spinlocks": 4_294_967_295_u64, "hv-ipi": false, "hv-relaxed": true});
        replies.insert(HYPERV, json!({"model": {"props": props}}));
        assert_eq!(hyperv(&replies).unwrap(), ["relaxed", "spinlocks", "vendor_id"]);
        assert_eq!(hyperv(&Replies::new()), None);
    }
}
