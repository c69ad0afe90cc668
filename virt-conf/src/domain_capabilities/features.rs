//! `<features>`: what is no device.

use virt_xml::Writer;

use super::Section;

/// `<features>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// `<gic>`: ARM's interrupt controller.
    pub gic: Section,
    /// Features that are there or not, by name, in the order of output.
    pub simple: Vec<(&'static str, bool)>,
    /// `<sev>`: AMD's encrypted memory; absent where the host has none.
    pub sev: Option<Sev>,
    /// `<sgx>`: Intel's enclaves; absent where the host has none.
    pub sgx: Option<Sgx>,
    /// `<hyperv>`: what guests may take for Hyper-V; absent where nothing is known.
    pub hyperv: Option<Section>,
}

/// `<sev>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sev {
    /// `<cbitpos>`
    pub cbitpos: u32,
    /// `<reducedPhysBits>`
    pub reduced_phys_bits: u32,
    /// `<maxGuests>`
    pub max_guests: u32,
    /// `<maxESGuests>`
    pub max_es_guests: u32,
    /// `<cpu0Id>`, in Base64.
    pub cpu0_id: Option<String>,
}

/// `<sgx>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sgx {
    /// `<flc>`
    pub flc: bool,
    /// `<sgx1>`
    pub sgx1: bool,
    /// `<sgx2>`
    pub sgx2: bool,
    /// `<section_size>`, in KiB.
    pub section_size: u64,
    /// `<section>`: node and size in KiB.
    pub sections: Vec<(u32, u64)>,
}

impl Features {
    pub(super) fn format(&self, w: &mut Writer) {
        w.element("features", |w| {
            self.gic.format("gic", w);
            for (name, supported) in &self.simple {
                w.element(name, |w| w.attr_yes_no("supported", Some(*supported)));
            }
            match &self.sev {
                Some(sev) => sev.format(w),
                None => Section::unsupported().format("sev", w),
            }
            match &self.sgx {
                Some(sgx) => sgx.format(w),
                None => Section::unsupported().format("sgx", w),
            }
            self.hyperv.iter().for_each(|section| section.format("hyperv", w));
        });
    }
}

impl Sev {
    fn format(&self, w: &mut Writer) {
        Section::supported().format_with("sev", w, |w| {
            w.text_element("cbitpos", self.cbitpos);
            w.text_element("reducedPhysBits", self.reduced_phys_bits);
            w.text_element("maxGuests", self.max_guests);
            w.text_element("maxESGuests", self.max_es_guests);
            w.text_element_opt("cpu0Id", self.cpu0_id.as_ref());
        });
    }
}

impl Sgx {
    fn format(&self, w: &mut Writer) {
        let yes_no = |value: bool| if value { "yes" } else { "no" };
        Section::supported().format_with("sgx", w, |w| {
            w.text_element("flc", yes_no(self.flc));
            w.text_element("sgx1", yes_no(self.sgx1));
            w.text_element("sgx2", yes_no(self.sgx2));
            w.text_element_with("section_size", |w| w.attr("unit", "KiB"), self.section_size);
            w.element_if_any("sections", |w| {
                for (node, size) in &self.sections {
                    w.element("section", |w| {
                        w.attr("node", node);
                        w.attr("size", size);
                        w.attr("unit", "KiB");
                    });
                }
            });
        });
    }
}
