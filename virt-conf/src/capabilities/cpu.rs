//! `<host><cpu>`: the host's processor.

use virt_types::Arch;
use virt_xml::Writer;

use crate::domain::{MaxPhysAddr, Topology};

/// The processor as the host's own instructions and files tell it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostCpu {
    /// `<arch>`
    pub arch: Arch,
    /// `<model>`; absent where none is known to fit.
    pub model: Option<String>,
    /// `<vendor>`
    pub vendor: Option<String>,
    /// `<microcode version='…'>`
    pub microcode: Option<u32>,
    /// `<signature>`
    pub signature: Option<Signature>,
    /// `<counter name='tsc'>`
    pub tsc: Option<TscCounter>,
    /// `<topology>`
    pub topology: Option<Topology>,
    /// `<maxphysaddr>`
    pub maxphysaddr: Option<MaxPhysAddr>,
    /// `<feature>`: what it has beyond its model.
    pub features: Vec<String>,
    /// `<features>`: what the host's kernel makes of it, by names of elements.
    pub modes: Vec<&'static str>,
    /// `<pages>`: sizes of memory pages, in KiB.
    pub page_sizes: Vec<u64>,
}

/// `<signature>`: how an x86 processor numbers itself (CPUID leaf 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signature {
    /// `family`
    pub family: u32,
    /// `model`
    pub model: u32,
    /// `stepping`
    pub stepping: u32,
}

/// `<counter name='tsc'>`: the time stamp counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TscCounter {
    /// `frequency`, in Hz.
    pub frequency: u64,
    /// `scaling`: whether guests may see another frequency; absent where unknown.
    pub scaling: Option<bool>,
}

impl HostCpu {
    pub(super) fn format(&self, w: &mut Writer) {
        w.element("cpu", |w| {
            w.text_element("arch", self.arch);
            w.element_if_any("features", |w| self.modes.iter().for_each(|mode| w.element(mode, |_| {})));
            self.format_model(w);
            for size in &self.page_sizes {
                w.element("pages", |w| {
                    w.attr("unit", "KiB");
                    w.attr("size", size);
                });
            }
        });
    }

    /// The processor as a document of its own, which comparing and finding a baseline take.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut w = Writer::new();
        w.element("cpu", |w| {
            w.text_element("arch", self.arch);
            self.format_model(w);
        });
        w.finish()
    }

    fn format_model(&self, w: &mut Writer) {
        w.text_element_opt("model", self.model.as_ref());
        w.text_element_opt("vendor", self.vendor.as_ref());
        if let Some(version) = self.microcode {
            w.element("microcode", |w| w.attr("version", version));
        }
        if let Some(signature) = self.signature {
            w.element("signature", |w| {
                w.attr("family", signature.family);
                w.attr("model", signature.model);
                w.attr("stepping", signature.stepping);
            });
        }
        if let Some(tsc) = self.tsc {
            w.element("counter", |w| {
                w.attr("name", "tsc");
                w.attr("frequency", tsc.frequency);
                w.attr_yes_no("scaling", tsc.scaling);
            });
        }
        if let Some(topology) = self.topology {
            topology.format(w);
        }
        if let Some(maxphysaddr) = self.maxphysaddr {
            maxphysaddr.format(w);
        }
        for feature in &self.features {
            w.element("feature", |w| w.attr("name", feature));
        }
    }
}
