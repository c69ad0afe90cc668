//! `<features>`: what the machine has beyond its devices.

mod container;
mod hyperv;
mod kvm;
mod ppc;
mod xen;

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::scaled::{child_bytes, child_memory, pretty_bytes};
use crate::error::unsupported;

pub use container::{CapabilitiesPolicy, ContainerCapabilities};
pub use hyperv::{Hyperv, HypervMode};
pub use kvm::{DirtyRing, Kvm};
pub use ppc::{Cfpc, Hpt, HptResizing, Ibs, Sbbc};
pub use xen::{PassthroughMode, XenFeatures, XenPassthrough};

text_enum! {
    /// `<gic version='…'/>`: the interrupt controller of ARM machines.
    pub enum GicVersion { Host = "host", V2 = "2", V3 = "3" }
}

text_enum! {
    /// `<ioapic driver='…'/>`: who emulates it.
    pub enum IoapicDriver { Qemu = "qemu", Kvm = "kvm" }
}

text_enum! {
    /// `<msrs unknown='…'/>`: what reading or writing an unknown register does.
    pub enum MsrsUnknown { Ignore = "ignore", Fault = "fault" }
}

/// `<gic>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gic {
    /// `version`; absent where the guest takes what the machine has.
    pub version: Option<GicVersion>,
}

/// `<apic>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Apic {
    /// `eoi`: paravirtual end-of-interrupt.
    pub eoi: Option<bool>,
}

/// `<smm>`: system management mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Smm {
    /// `state`
    pub state: bool,
    /// `<tseg>`: bytes of the memory above.
    pub tseg: Option<u64>,
}

/// `<features>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// `<acpi/>`
    pub acpi: bool,
    /// `<apic/>`
    pub apic: Option<Apic>,
    /// `<pae/>`
    pub pae: bool,
    /// `<hap>`
    pub hap: Option<bool>,
    /// `<viridian/>`
    pub viridian: bool,
    /// `<privnet/>`
    pub privnet: bool,
    /// `<hyperv>`
    pub hyperv: Option<Hyperv>,
    /// `<kvm>`
    pub kvm: Option<Kvm>,
    /// `<pvspinlock>`
    pub pvspinlock: Option<bool>,
    /// `<capabilities>`
    pub capabilities: ContainerCapabilities,
    /// `<pmu>`
    pub pmu: Option<bool>,
    /// `<vmport>`
    pub vmport: Option<bool>,
    /// `<gic>`
    pub gic: Option<Gic>,
    /// `<smm>`
    pub smm: Option<Smm>,
    /// `<ioapic>`
    pub ioapic: Option<IoapicDriver>,
    /// `<hpt>`
    pub hpt: Option<Hpt>,
    /// `<vmcoreinfo>`
    pub vmcoreinfo: Option<bool>,
    /// `<htm>`
    pub htm: Option<bool>,
    /// `<nested-hv>`
    pub nested_hv: Option<bool>,
    /// `<msrs>`
    pub msrs: Option<MsrsUnknown>,
    /// `<ccf-assist>`
    pub ccf_assist: Option<bool>,
    /// `<xen>`
    pub xen: Option<XenFeatures>,
    /// `<cfpc>`
    pub cfpc: Option<Cfpc>,
    /// `<sbbc>`
    pub sbbc: Option<Sbbc>,
    /// `<ibs>`
    pub ibs: Option<Ibs>,
    /// `<tcg>`: `<tb-cache>` in KiB, 0 where not given.
    pub tcg: Option<u64>,
    /// `<async-teardown>`
    pub async_teardown: Option<bool>,
}

/// Every element that libvirt knows here.
const NAMES: &[&str] = &[
    "acpi",
    "apic",
    "pae",
    "hap",
    "viridian",
    "privnet",
    "hyperv",
    "kvm",
    "pvspinlock",
    "capabilities",
    "pmu",
    "vmport",
    "gic",
    "smm",
    "ioapic",
    "hpt",
    "vmcoreinfo",
    "htm",
    "nested-hv",
    "msrs",
    "ccf-assist",
    "xen",
    "cfpc",
    "sbbc",
    "ibs",
    "tcg",
    "async-teardown",
];

impl Features {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let mut features = Self::default();
        let Some(el) = domain.child("features") else { return Ok(features) };
        for child in known_children(el, NAMES, "unexpected feature")? {
            features.parse_one(child)?;
        }
        Ok(features)
    }

    fn parse_one(&mut self, el: Element<'_>) -> Result<()> {
        // A feature whose state may be left out is then on.
        let state = || el.attr_on_off("state").map(|state| Some(state.unwrap_or(true)));
        let required = || el.required("state", el.attr_on_off("state")?).map(Some);
        match el.name() {
            "acpi" => self.acpi = true,
            "apic" => self.apic = Some(Apic { eoi: el.attr_on_off("eoi")? }),
            "pae" => self.pae = true,
            "hap" => self.hap = state()?,
            "viridian" => self.viridian = true,
            "privnet" => self.privnet = true,
            "hyperv" => self.hyperv = Some(Hyperv::parse(el)?),
            "kvm" => self.kvm = Some(Kvm::parse(el)?),
            "pvspinlock" => self.pvspinlock = state()?,
            "capabilities" => self.capabilities = ContainerCapabilities::parse(el)?,
            "pmu" => self.pmu = state()?,
            "vmport" => self.vmport = state()?,
            "gic" => self.gic = Some(Gic { version: el.attr_enum("version")? }),
            "smm" => self.smm = Some(Smm::parse(el)?),
            "ioapic" => self.ioapic = el.attr_enum("driver")?,
            "hpt" => self.hpt = Hpt::parse(el)?,
            "vmcoreinfo" => self.vmcoreinfo = state()?,
            "htm" => self.htm = required()?,
            "nested-hv" => self.nested_hv = required()?,
            "msrs" => self.msrs = Some(el.required("unknown", el.attr_enum("unknown")?)?),
            "ccf-assist" => self.ccf_assist = required()?,
            "xen" => self.xen = Some(XenFeatures::parse(el)?),
            "cfpc" => self.cfpc = el.attr_enum("value")?,
            "sbbc" => self.sbbc = el.attr_enum("value")?,
            "ibs" => self.ibs = el.attr_enum("value")?,
            "tcg" => self.tcg = child_memory(el, "tb-cache")?.filter(|kib| *kib > 0),
            "async-teardown" => self.async_teardown = Some(el.attr_yes_no("enabled")?.unwrap_or(true)),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("features", |w| {
            flag(w, "acpi", self.acpi);
            if let Some(apic) = self.apic {
                w.element("apic", |w| w.attr_on_off("eoi", apic.eoi));
            }
            flag(w, "pae", self.pae);
            switch(w, "hap", self.hap);
            flag(w, "viridian", self.viridian);
            flag(w, "privnet", self.privnet);
            if let Some(hyperv) = &self.hyperv {
                hyperv.format(w);
            }
            if let Some(kvm) = &self.kvm {
                kvm.format(w);
            }
            switch(w, "pvspinlock", self.pvspinlock);
            self.capabilities.format(w);
            switch(w, "pmu", self.pmu);
            switch(w, "vmport", self.vmport);
            if let Some(gic) = self.gic {
                w.element("gic", |w| w.attr_opt("version", gic.version));
            }
            if let Some(smm) = self.smm {
                smm.format(w);
            }
            w.element_if_any("ioapic", |w| w.attr_opt("driver", self.ioapic));
            if let Some(hpt) = self.hpt {
                hpt.format(w);
            }
            switch(w, "vmcoreinfo", self.vmcoreinfo);
            switch(w, "htm", self.htm);
            switch(w, "nested-hv", self.nested_hv);
            w.element_if_any("msrs", |w| w.attr_opt("unknown", self.msrs));
            switch(w, "ccf-assist", self.ccf_assist);
            if let Some(xen) = &self.xen {
                xen.format(w);
            }
            w.element_if_any("cfpc", |w| w.attr_opt("value", self.cfpc));
            w.element_if_any("sbbc", |w| w.attr_opt("value", self.sbbc));
            w.element_if_any("ibs", |w| w.attr_opt("value", self.ibs));
            if let Some(kib) = self.tcg {
                w.element("tcg", |w| w.text_element_with("tb-cache", |w| w.attr("unit", "KiB"), kib));
            }
            w.element_if_any("async-teardown", |w| w.attr_yes_no("enabled", self.async_teardown));
        });
    }
}

impl Smm {
    fn parse(el: Element<'_>) -> Result<Self> {
        let state = el.attr_on_off("state")?.unwrap_or(true);
        let tseg = if state { child_bytes(el, "tseg", 1 << 20, u64::MAX)? } else { None };
        Ok(Self { state, tseg })
    }

    fn format(self, w: &mut Writer) {
        w.element("smm", |w| {
            w.attr_on_off("state", Some(self.state));
            if let Some(bytes) = self.tseg.filter(|_| self.state) {
                let (size, unit) = pretty_bytes(bytes);
                w.text_element_with("tseg", |w| w.attr("unit", unit), size);
            }
        });
    }
}

/// The child elements, all of which have to have one of these names.
fn known_children<'a>(
    el: Element<'a>,
    names: &'static [&'static str],
    refusal: &str,
) -> Result<impl Iterator<Item = Element<'a>>> {
    match el.children().find(|child| !names.iter().any(|name| child.is(name))) {
        Some(child) => {
            let error = unsupported(format!("{refusal} '{}'", child.name())).at(child.place());
            Err(error.with_nearest(child.name(), names.iter().copied()))
        }
        None => Ok(el.children_in(names)),
    }
}

fn flag(w: &mut Writer, name: &str, given: bool) {
    if given {
        w.element(name, |_| {});
    }
}

fn switch(w: &mut Writer, name: &str, state: Option<bool>) {
    w.element_if_any(name, |w| w.attr_on_off("state", state));
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("acpi", FLAG), Opt("apic", &[Attr("eoi", OnOff)]), Opt("pae", FLAG), Opt("hap", STATE), Opt("viridian", FLAG),
        Opt("privnet", FLAG), Opt("hyperv", hyperv::GRAMMAR), Opt("kvm", kvm::GRAMMAR), Opt("pvspinlock", STATE),
        Opt("capabilities", container::GRAMMAR), Opt("pmu", STATE), Opt("vmport", STATE),
        Opt("gic", &[Attr("version", OneOf(GicVersion::NAMES))]), Opt("smm", &[Attr("state", OnOff), Opt("tseg", SIZE)]),
        Opt("ioapic", &[Attr("driver", OneOf(IoapicDriver::NAMES))]), Opt("hpt", ppc::HPT), Opt("vmcoreinfo", STATE),
        Opt("htm", SWITCH), Opt("nested-hv", SWITCH), Opt("msrs", &[Must("unknown", OneOf(MsrsUnknown::NAMES))]),
        Opt("ccf-assist", SWITCH), Opt("xen", xen::GRAMMAR), Opt("cfpc", &[Must("value", OneOf(Cfpc::NAMES))]),
        Opt("sbbc", &[Must("value", OneOf(Sbbc::NAMES))]), Opt("ibs", &[Must("value", OneOf(Ibs::NAMES))]),
        Opt("tcg", &[Opt("tb-cache", SIZE)]), Opt("async-teardown", &[Attr("enabled", YesNo)]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    fn round(content: &str) -> Result<String> {
        let xml = format!("<d><features>{content}</features></d>");
        let document = Document::parse(&xml)?;
        let mut w = Writer::new();
        Features::parse(document.root())?.format(&mut w);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (content, written) in [
            ("<pae/><apic eoi='on'/><acpi/>", "<acpi/><apic eoi='on'/><pae/>"),
            ("<hap/><pmu state='off'/>", "<hap state='on'/><pmu state='off'/>"),
            ("<smm><tseg unit='KiB'>2048</tseg></smm>", "<smm state='on'><tseg unit='MiB'>2</tseg></smm>"),
            ("<smm state='off'><tseg>1</tseg></smm>", "<smm state='off'/>"),
            (
                "<hyperv><relaxed state='on'/><spinlocks state='on' retries='0x1fff'/><stimer state='on'><direct state='on'/></stimer><vendor_id state='on' value='KVM Hv'/><ipi state='off'/></hyperv>",
                "<hyperv mode='custom'><relaxed state='on'/><spinlocks state='on' retries='8191'/><stimer state='on'><direct state='on'/></stimer><vendor_id state='on' value='KVM Hv'/><ipi state='off'/></hyperv>",
            ),
            (
                "<kvm><dirty-ring state='on' size='4096'/><hidden state='on'/></kvm>",
                "<kvm><hidden state='on'/><dirty-ring state='on' size='4096'/></kvm>",
            ),
            (
                "<xen><passthrough state='on' mode='share_pt'/></xen>",
                "<xen><passthrough state='on' mode='share_pt'/></xen>",
            ),
            (
                "<capabilities><mknod state='off'/><chown/></capabilities>",
                "<capabilities policy='default'><chown state='on'/><mknod state='off'/></capabilities>",
            ),
            (
                "<hpt resizing='required'><maxpagesize unit='GiB'>1</maxpagesize></hpt>",
                "<hpt resizing='required'><maxpagesize unit='KiB'>1048576</maxpagesize></hpt>",
            ),
            (
                "<tcg><tb-cache unit='MiB'>1</tb-cache></tcg><gic/>",
                "<gic/><tcg><tb-cache unit='KiB'>1024</tb-cache></tcg>",
            ),
            (
                "<ibs value='fixed-na'/><async-teardown/>",
                "<ibs value='fixed-na'/><async-teardown enabled='yes'/>",
            ),
        ] {
            assert_eq!(round(content).unwrap(), format!("<features>{written}</features>"));
        }
        assert_eq!(round("<hpt/><tcg/>").unwrap(), "");
    }

    #[test]
    fn wrong_features_are_refused() {
        for (content, code) in [
            ("<warp/>", ErrorCode::ConfigUnsupported),
            ("<hyperv><warp state='on'/></hyperv>", ErrorCode::ConfigUnsupported),
            ("<hyperv><spinlocks state='on' retries='7'/></hyperv>", ErrorCode::XmlError),
            ("<hyperv><vendor_id state='on' value='thirteen char'/></hyperv>", ErrorCode::XmlError),
            ("<kvm><dirty-ring state='on' size='1000'/></kvm>", ErrorCode::XmlError),
            ("<htm/>", ErrorCode::XmlError),
            ("<pmu state='yes'/>", ErrorCode::XmlError),
        ] {
            assert_eq!(round(content).unwrap_err().code(), code, "{content}");
        }
        let error = round("<acp/>").unwrap_err();
        assert_eq!(error.hint(), Some("did you mean 'acpi'?"));
    }
}
