//! `<bridge>`: the bridge device of a network.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{Base, parse_u64};
use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;

text_enum! {
    /// Who keeps the table of Ethernet addresses.
    pub enum MacTableManager { #[default] Default = "default", Kernel = "kernel", Libvirt = "libvirt" }
}

/// The bridge device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bridge {
    /// `name`; absent until the engine chooses one. `%d` in it stands for the lowest free number.
    pub name: Option<String>,
    /// `zone` of firewalld.
    pub zone: Option<String>,
    /// `stp`: the spanning tree protocol; on where not given.
    pub stp: Option<bool>,
    /// `delay`: seconds before a port forwards.
    pub delay: u64,
    /// `macTableManager`
    pub mac_table_manager: MacTableManager,
}

impl Bridge {
    pub(super) fn parse(el: Element<'_>, network: &str) -> Result<Self> {
        let text = |name| el.attr_filled(name).map(str::to_owned);
        let delay = match el.attr_filled("delay") {
            None => 0,
            Some(text) => parse_u64(text, Base::Ten).ok_or_else(|| {
                REFUSE.xml(format!("Invalid delay value in network '{network}'")).at(el.place())
            })?,
        };
        let mac_table_manager = match el.attr_filled("macTableManager") {
            None => MacTableManager::Default,
            Some(text) => MacTableManager::from_text(text)
                .filter(|manager| *manager != MacTableManager::Default)
                .ok_or_else(|| {
                    let detail = format!("Invalid macTableManager setting '{text}' in network '{network}'");
                    REFUSE.xml(detail).with_hint("kernel or libvirt").at(el.place())
                })?,
        };
        Ok(Self {
            name: text("name"),
            zone: text("zone"),
            stp: el.attr_filled("stp").map(|text| text != "off"),
            delay,
            mac_table_manager,
        })
    }

    /// Writes the element; `own` tells that the network's bridge is the engine's to make.
    pub(super) fn format(&self, w: &mut Writer, own: bool) {
        if !own && self.name.is_none() && self.mac_table_manager == MacTableManager::Default {
            return;
        }
        w.element("bridge", |w| {
            w.attr_opt("name", self.name.as_ref());
            w.attr_opt("zone", self.zone.as_ref());
            if own {
                w.attr_on_off("stp", Some(self.stp.unwrap_or(true)));
                w.attr("delay", self.delay);
            }
            let manager = Some(self.mac_table_manager).filter(|m| *m != MacTableManager::Default);
            w.attr_opt("macTableManager", manager);
        });
    }
}
