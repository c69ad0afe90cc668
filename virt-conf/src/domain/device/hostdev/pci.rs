//! A PCI device of the host.

use virt_xml::{Element, Writer};

use super::super::interface::PciBackend;
use crate::common::address::Pci;
use crate::error::internal;
use crate::{FormatFlags, ParseFlags, Result};

/// A PCI device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PciHostdev {
    /// `<source><address>`: its place on the host.
    pub address: Pci,
    /// `<driver name='…'/>`: who hands it over.
    pub backend: PciBackend,
    /// `writeFiltering`, of Xen.
    pub write_filtering: Option<bool>,
    /// What has to be undone when the host gets it back.
    pub original: OriginalStates,
}

/// What was done to take a device from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OriginalStates {
    /// It was unbound from its driver.
    pub unbind: bool,
    /// Its slot was given to another driver.
    pub remove_slot: bool,
    /// The host's driver is to be looked for again.
    pub reprobe: bool,
}

impl PciHostdev {
    pub(super) fn parse(hostdev: Element<'_>, el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let mut pci = Self {
            write_filtering: el.attr_yes_no("writeFiltering")?,
            address: el.child("address").map(Pci::parse).transpose()?.unwrap_or_default(),
            ..Self::default()
        };
        if let Some(states) = el.child("origstates").filter(|_| flags.contains(ParseFlags::PCI_ORIG_STATES)) {
            pci.original = OriginalStates::parse(states)?;
        }
        if let Some(driver) = hostdev.child("driver") {
            pci.backend = driver.attr_enum_but("name", PciBackend::Default)?.unwrap_or_default();
        }
        Ok(pci)
    }

    pub(super) fn format(&self, w: &mut Writer, flags: FormatFlags) {
        if self.backend != PciBackend::Default {
            w.element("driver", |w| w.attr("name", self.backend));
        }
        w.element("source", |w| {
            w.attr_yes_no("writeFiltering", self.write_filtering);
            w.element("address", |w| self.address.format_place(w));
            if flags.contains(FormatFlags::PCI_ORIG_STATES) {
                self.original.format(w);
            }
        });
    }
}

impl OriginalStates {
    const NAMES: [&'static str; 3] = ["unbind", "removeslot", "reprobe"];

    fn parse(el: Element<'_>) -> Result<Self> {
        let mut states = Self::default();
        for child in el.children() {
            match child.name() {
                "unbind" => states.unbind = true,
                "removeslot" => states.remove_slot = true,
                "reprobe" => states.reprobe = true,
                other => {
                    let detail = format!("unsupported element '{other}' of 'origstates'");
                    return Err(internal(detail).at(child.place()));
                }
            }
        }
        el.take_all();
        Ok(states)
    }

    fn format(self, w: &mut Writer) {
        w.element_if_any("origstates", |w| {
            for (name, set) in Self::NAMES.into_iter().zip([self.unbind, self.remove_slot, self.reprobe]) {
                if set {
                    w.element(name, |_| {});
                }
            }
        });
    }
}

grammar! {
    pub(super) SOURCE = [
        Attr("startupPolicy", Str), Attr("writeFiltering", YesNo), One("address", crate::common::address::PCI_SOURCE),
        Opt("origstates", &[Opt("unbind", FLAG), Opt("removeslot", FLAG), Opt("reprobe", FLAG)]),
    ];
}
