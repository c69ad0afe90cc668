//! `<cpu>`: the CPU that a guest sees.

mod description;
mod topology;

use std::collections::BTreeSet;

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use description::CpuDescription;
pub use topology::{CacheMode, CpuCache, MaxPhysAddr, MaxPhysAddrMode, Topology};

use super::Numa;
use crate::Result;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// `mode`: from what the guest's CPU is made.
    pub enum CpuMode {
        #[default] Custom = "custom", HostModel = "host-model", HostPassthrough = "host-passthrough", Maximum = "maximum",
    }
}

text_enum! {
    /// `match`: how a custom CPU is compared with the host's.
    pub enum CpuMatch { #[default] Exact = "exact", Minimum = "minimum", Strict = "strict" }
}

text_enum! {
    /// `check`: how closely the guest's CPU is checked at start.
    pub enum CpuCheck { None = "none", Partial = "partial", Full = "full" }
}

text_enum! {
    /// `<model fallback='…'>`: whether another model may stand in.
    pub enum CpuFallback { #[default] Allow = "allow", Forbid = "forbid" }
}

text_enum! {
    /// `<feature policy='…'>`
    pub enum FeaturePolicy {
        Force = "force", Require = "require", Optional = "optional", Disable = "disable", Forbid = "forbid",
    }
}

/// `<feature>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuFeature {
    /// `name`
    pub name: String,
    /// `policy`
    pub policy: FeaturePolicy,
}

/// `<cpu>`, but for `<numa>`, which is [`super::Numa`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cpu {
    /// `mode`: custom where only a model is named.
    pub mode: CpuMode,
    /// `match`: for custom CPUs.
    pub matching: Option<CpuMatch>,
    /// `check`; absent for the driver's default.
    pub check: Option<CpuCheck>,
    /// `migratable`: for host-passthrough and maximum.
    pub migratable: Option<bool>,
    /// `<model>`
    pub model: Option<String>,
    /// `<model fallback='…'>`
    pub fallback: CpuFallback,
    /// `<model vendor_id='…'>`: twelve characters.
    pub vendor_id: Option<String>,
    /// `<vendor>`
    pub vendor: Option<String>,
    /// `<topology>`
    pub topology: Option<Topology>,
    /// `<cache>`
    pub cache: Option<CpuCache>,
    /// `<maxphysaddr>`
    pub maxphysaddr: Option<MaxPhysAddr>,
    /// `<feature>`
    pub features: Vec<CpuFeature>,
}

/// libvirt takes vendor ids of this length only.
const VENDOR_ID_LENGTH: usize = 12;

impl Cpu {
    pub(crate) fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        domain.child("cpu").map(Self::parse_element).transpose()
    }

    fn parse_element(el: Element<'_>) -> Result<Self> {
        let mode = match el.attr("mode") {
            None => CpuMode::Custom,
            Some(text) => CpuMode::from_text(text)
                .ok_or_else(|| unsupported(format!("Invalid mode attribute '{text}'")).at(el.place()))?,
        };
        let mut cpu = Self { mode, migratable: el.attr_on_off("migratable")?, ..Self::default() };
        if cpu.migratable.is_some() && !cpu.is_host() {
            let detail = "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode";
            return Err(unsupported(detail).at(el.place()));
        }
        cpu.matching = el.attr_enum("match")?;
        cpu.check = if el.attr("check") == Some("default") { None } else { el.attr_enum("check")? };
        cpu.parse_model(el)?;
        cpu.topology = el.child("topology").map(Topology::parse).transpose()?;
        let mut names = BTreeSet::new();
        for feature in el.children_named("feature") {
            let name = cpu.parse_feature(feature)?;
            if !names.insert(name) {
                let detail = format!("CPU feature '{name}' specified more than once");
                return Err(xml_error(detail).at(feature.place()));
            }
        }
        let mut caches = el.children_named("cache");
        cpu.cache = caches.next().map(CpuCache::parse).transpose()?;
        if let Some(second) = caches.next() {
            return Err(xml_error("at most one CPU cache element may be specified").at(second.place()));
        }
        cpu.maxphysaddr = el.child("maxphysaddr").map(MaxPhysAddr::parse).transpose()?;
        Ok(cpu)
    }

    fn parse_model(&mut self, el: Element<'_>) -> Result<()> {
        self.model = el.child_text("model");
        if let Some(model) = el.child("model").filter(|_| !self.is_host()) {
            if let Some(text) = model.attr("fallback").filter(|text| !text.is_empty()) {
                self.fallback = CpuFallback::from_text(text)
                    .ok_or_else(|| unsupported("Invalid fallback attribute").at(model.place()))?;
            }
            if let Some(id) = model.attr("vendor_id").filter(|id| !id.is_empty()) {
                if id.len() != VENDOR_ID_LENGTH {
                    let detail = format!("vendor_id must be exactly {VENDOR_ID_LENGTH} characters long");
                    return Err(xml_error(detail).at(model.place()));
                }
                if id.contains(',') {
                    return Err(xml_error("vendor id is invalid").at(model.place()));
                }
                self.vendor_id = Some(id.to_owned());
            }
        }
        self.vendor = el.child_text("vendor");
        if self.vendor.is_some() && self.model.is_none() {
            return Err(xml_error("CPU vendor specified without CPU model").at(el.place()));
        }
        Ok(())
    }

    fn parse_feature<'a>(&mut self, el: Element<'a>) -> Result<&'a str> {
        if self.model.is_none() && self.mode == CpuMode::Custom {
            let detail = "Non-empty feature list specified without CPU model";
            return Err(xml_error(detail).at(el.place()));
        }
        let policy = match el.attr("policy") {
            None => FeaturePolicy::Require,
            Some(text) => FeaturePolicy::from_text(text)
                .ok_or_else(|| unsupported("Invalid CPU feature policy").at(el.place()))?,
        };
        let name = el.attr("name").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| xml_error("Invalid CPU feature name").at(el.place()))?;
        self.features.push(CpuFeature { name: name.to_owned(), policy });
        Ok(name)
    }

    /// Whether the guest's CPU is the host's or the best that the accelerator has.
    #[must_use]
    pub const fn is_host(&self) -> bool {
        matches!(self.mode, CpuMode::HostPassthrough | CpuMode::Maximum)
    }

    /// What is said of the feature of this name.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<&CpuFeature> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// Writes the element; `cpu` is absent where only nodes are described.
    pub(crate) fn format(cpu: Option<&Self>, numa: &Numa, w: &mut Writer) {
        w.element_if_any("cpu", |w| {
            if let Some(cpu) = cpu {
                cpu.format_attributes(w);
                cpu.format_content(w);
            }
            numa.format(w);
        });
    }

    fn format_attributes(&self, w: &mut Writer) {
        // A topology alone is no CPU.
        if self.mode == CpuMode::Custom && self.model.is_none() {
            return;
        }
        w.attr("mode", self.mode);
        if self.mode == CpuMode::Custom {
            w.attr("match", self.matching.unwrap_or_default());
        }
        w.attr_opt("check", self.check);
        if self.is_host() {
            w.attr_on_off("migratable", self.migratable);
        }
    }

    pub(crate) fn format_content(&self, w: &mut Writer) {
        if !self.is_host() {
            let attributes = |w: &mut Writer| {
                w.attr_opt("fallback", self.model.as_ref().map(|_| self.fallback));
                w.attr_opt("vendor_id", self.vendor_id.as_ref());
            };
            match &self.model {
                Some(model) => w.text_element_with("model", attributes, model),
                None => w.element_if_any("model", attributes),
            }
            w.text_element_opt("vendor", self.vendor.as_ref());
        }
        if let Some(topology) = self.topology {
            topology.format(w);
        }
        if let Some(cache) = self.cache {
            cache.format(w);
        }
        if let Some(maxphysaddr) = self.maxphysaddr {
            maxphysaddr.format(w);
        }
        for feature in &self.features {
            w.element("feature", |w| {
                w.attr("policy", feature.policy);
                w.attr("name", &feature.name);
            });
        }
    }
}

grammar! {
    pub(crate) GRAMMAR = [
        Attr("mode", OneOf(CpuMode::NAMES)), Attr("match", OneOf(CpuMatch::NAMES)), Attr("check", OneOf(&["none", "partial", "full"])),
        Attr("migratable", OnOff),
        Opt("model", &[
            Attr("fallback", OneOf(CpuFallback::NAMES)), Attr("vendor_id", Str), Text(Str),
        ]),
        Opt("vendor", TEXT), Opt("topology", topology::TOPOLOGY), Opt("cache", topology::CACHE),
        Opt("maxphysaddr", topology::MAX_PHYS_ADDR),
        Many("feature", &[Must("name", Str), Attr("policy", OneOf(FeaturePolicy::NAMES))]),
        Opt("numa", crate::domain::numa::GRAMMAR),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    fn round(cpu: &str) -> Result<String> {
        let xml = format!("<d>{cpu}</d>");
        let document = Document::parse(&xml)?;
        let cpu = Cpu::parse(document.root())?;
        let numa = Numa::parse(document.root())?;
        let mut w = Writer::new();
        Cpu::format(cpu.as_ref(), &numa, &mut w);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (cpu, written) in [
            ("<cpu/>", ""),
            (
                "<cpu><topology sockets='1' cores='2' threads='3'/></cpu>",
                "<cpu><topology sockets='1' dies='1' cores='2' threads='3'/></cpu>",
            ),
            (
                "<cpu match='strict'><vendor>AMD</vendor><model>EPYC</model><feature name='x2apic'/></cpu>",
                "<cpu mode='custom' match='strict'><model fallback='allow'>EPYC</model><vendor>AMD</vendor><feature policy='require' name='x2apic'/></cpu>",
            ),
            (
                "<cpu mode='host-passthrough' migratable='off'><model>ignored</model><cache mode='passthrough'/></cpu>",
                "<cpu mode='host-passthrough' migratable='off'><cache mode='passthrough'/></cpu>",
            ),
            (
                "<cpu mode='host-model' check='partial'><model vendor_id='KVMKVMKVMKVM'/><maxphysaddr mode='passthrough' limit='40'/></cpu>",
                "<cpu mode='host-model' check='partial'><model vendor_id='KVMKVMKVMKVM'/><maxphysaddr mode='passthrough' limit='40'/></cpu>",
            ),
        ] {
            assert_eq!(round(cpu).unwrap(), written);
        }
    }

    #[test]
    fn wrong_cpus_are_refused() {
        for (cpu, code) in [
            ("<cpu mode='guess'/>", ErrorCode::ConfigUnsupported),
            ("<cpu migratable='on'/>", ErrorCode::ConfigUnsupported),
            ("<cpu><feature name='x'/></cpu>", ErrorCode::XmlError),
            ("<cpu><vendor>AMD</vendor></cpu>", ErrorCode::XmlError),
            ("<cpu><topology sockets='0' cores='1' threads='1'/></cpu>", ErrorCode::XmlError),
            ("<cpu><model>m</model><feature name='x'/><feature name='x'/></cpu>", ErrorCode::XmlError),
            ("<cpu><model vendor_id='short'/></cpu>", ErrorCode::XmlError),
            ("<cpu><cache level='4' mode='emulate'/></cpu>", ErrorCode::XmlError),
            ("<cpu><maxphysaddr mode='emulate' limit='40'/></cpu>", ErrorCode::ConfigUnsupported),
        ] {
            assert_eq!(round(cpu).unwrap_err().code(), code, "{cpu}");
        }
    }
}
