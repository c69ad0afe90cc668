//! `<hyperv>`: enlightenments for Windows guests (Microsoft's Hypervisor Top Level Functional Specification).

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::known_children;
use crate::Result;
use crate::error::xml_error;

text_enum! {
    /// Whether the enlightenments are listed or all that the host has.
    pub enum HypervMode { #[default] Custom = "custom", Passthrough = "passthrough" }
}

/// `<hyperv>`; each member is the state of the element of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hyperv {
    /// `mode`
    pub mode: HypervMode,
    /// `<relaxed>`
    pub relaxed: Option<bool>,
    /// `<vapic>`
    pub vapic: Option<bool>,
    /// `<spinlocks>`
    pub spinlocks: Option<bool>,
    /// `<spinlocks retries='…'>`
    pub spinlock_retries: u32,
    /// `<vpindex>`
    pub vpindex: Option<bool>,
    /// `<runtime>`
    pub runtime: Option<bool>,
    /// `<synic>`
    pub synic: Option<bool>,
    /// `<stimer>`
    pub stimer: Option<bool>,
    /// `<stimer><direct>`
    pub stimer_direct: Option<bool>,
    /// `<reset>`
    pub reset: Option<bool>,
    /// `<vendor_id>`
    pub vendor_id: Option<bool>,
    /// `<vendor_id value='…'>`
    pub vendor_id_value: Option<String>,
    /// `<frequencies>`
    pub frequencies: Option<bool>,
    /// `<reenlightenment>`
    pub reenlightenment: Option<bool>,
    /// `<tlbflush>`
    pub tlbflush: Option<bool>,
    /// `<ipi>`
    pub ipi: Option<bool>,
    /// `<evmcs>`
    pub evmcs: Option<bool>,
    /// `<avic>`
    pub avic: Option<bool>,
}

const NAMES: &[&str] = &[
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
    "avic",
];

/// Fewer retries make a guest give up at once.
const MIN_SPINLOCK_RETRIES: u32 = 0xfff;
const VENDOR_ID_LIMIT: usize = 12;

impl Hyperv {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut hyperv = Self { mode: el.attr_enum("mode")?.unwrap_or_default(), ..Self::default() };
        for child in known_children(el, NAMES, "unsupported HyperV Enlightenment feature:")? {
            let state = child.required("state", child.attr_on_off("state")?)?;
            *hyperv.slot(child.name()) = Some(state);
            match child.name() {
                "stimer" if state => {
                    for direct in known_children(child, &["direct"], "unsupported Hyper-V stimer feature:")? {
                        hyperv.stimer_direct = Some(direct.required("state", direct.attr_on_off("state")?)?);
                    }
                }
                "spinlocks" if state => {
                    let retries = child.required("retries", child.attr_u32("retries", Base::Any)?)?;
                    if retries < MIN_SPINLOCK_RETRIES {
                        let detail = "HyperV spinlock retry count must be at least 4095";
                        return Err(xml_error(detail).at(child.place()));
                    }
                    hyperv.spinlock_retries = retries;
                }
                "vendor_id" if state => hyperv.vendor_id_value = Some(vendor_id(child)?),
                _ => {}
            }
        }
        Ok(hyperv)
    }

    fn slot(&mut self, name: &str) -> &mut Option<bool> {
        match name {
            "relaxed" => &mut self.relaxed,
            "vapic" => &mut self.vapic,
            "spinlocks" => &mut self.spinlocks,
            "vpindex" => &mut self.vpindex,
            "runtime" => &mut self.runtime,
            "synic" => &mut self.synic,
            "stimer" => &mut self.stimer,
            "reset" => &mut self.reset,
            "vendor_id" => &mut self.vendor_id,
            "frequencies" => &mut self.frequencies,
            "reenlightenment" => &mut self.reenlightenment,
            "tlbflush" => &mut self.tlbflush,
            "ipi" => &mut self.ipi,
            "evmcs" => &mut self.evmcs,
            _ => &mut self.avic,
        }
    }

    /// The enlightenments by name with their states, in libvirt's order.
    #[must_use]
    pub fn states(&self) -> [(&'static str, Option<bool>); 15] {
        [
            ("relaxed", self.relaxed),
            ("vapic", self.vapic),
            ("spinlocks", self.spinlocks),
            ("vpindex", self.vpindex),
            ("runtime", self.runtime),
            ("synic", self.synic),
            ("stimer", self.stimer),
            ("reset", self.reset),
            ("vendor_id", self.vendor_id),
            ("frequencies", self.frequencies),
            ("reenlightenment", self.reenlightenment),
            ("tlbflush", self.tlbflush),
            ("ipi", self.ipi),
            ("evmcs", self.evmcs),
            ("avic", self.avic),
        ]
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("hyperv", |w| {
            w.attr("mode", self.mode);
            for (name, state) in self.states() {
                let Some(on) = state else { continue };
                w.element(name, |w| {
                    w.attr_on_off("state", state);
                    match name {
                        "spinlocks" if on => w.attr("retries", self.spinlock_retries),
                        "vendor_id" if on => w.attr_opt("value", self.vendor_id_value.as_ref()),
                        "stimer" if on && self.stimer_direct == Some(true) => {
                            w.element("direct", |w| w.attr("state", "on"));
                        }
                        _ => {}
                    }
                });
            }
        });
    }
}

fn vendor_id(el: Element<'_>) -> Result<String> {
    let value = el.attr("value").ok_or_else(|| {
        xml_error("missing 'value' attribute for HyperV feature 'vendor_id'").at(el.place())
    })?;
    if value.len() > VENDOR_ID_LIMIT {
        let detail = format!("HyperV vendor_id value must not be more than {VENDOR_ID_LIMIT} characters.");
        return Err(xml_error(detail).at(el.place()));
    }
    // It becomes a part of a comma-separated option.
    if value.contains(',') {
        return Err(xml_error("HyperV vendor_id value is invalid").at(el.place()));
    }
    Ok(value.to_owned())
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("mode", OneOf(HypervMode::NAMES)),
        Opt("relaxed", STATE), Opt("vapic", STATE), Opt("spinlocks", &[Attr("state", OnOff), Attr("retries", Number(4095, 4_294_967_295))]),
        Opt("vpindex", STATE), Opt("runtime", STATE), Opt("synic", STATE), Opt("stimer", &[Attr("state", OnOff), Opt("direct", STATE)]),
        Opt("reset", STATE), Opt("vendor_id", &[Attr("state", OnOff), Attr("value", Str)]), Opt("frequencies", STATE),
        Opt("reenlightenment", STATE), Opt("tlbflush", STATE), Opt("ipi", STATE), Opt("evmcs", STATE), Opt("avic", STATE),
    ];
}
