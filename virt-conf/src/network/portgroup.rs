//! `<portgroup>`: settings for a class of interfaces.

use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;
use crate::common::virtualport::Completeness;
use crate::common::{Bandwidth, VirtualPort, Vlan};

/// Settings for the interfaces that name this group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Portgroup {
    /// `name`
    pub name: String,
    /// `default`: it holds for interfaces that name no group.
    pub default: bool,
    /// `trustGuestRxFilters`
    pub trust_guest_rx_filters: Option<bool>,
    /// `<vlan>`
    pub vlan: Option<Vlan>,
    /// `<virtualport>`
    pub virtualport: Option<VirtualPort>,
    /// `<bandwidth>`
    pub bandwidth: Option<Bandwidth>,
}

impl Portgroup {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let name = el
            .attr_filled("name")
            .ok_or_else(|| REFUSE.xml("Missing required name attribute in portgroup").at(el.place()))?;
        let default = el.attr("default").is_some_and(|text| text.eq_ignore_ascii_case("yes"));
        let trust_guest_rx_filters = el.attr_yes_no("trustGuestRxFilters")?;
        let virtualport = match el.child("virtualport") {
            Some(port) => Some(VirtualPort::parse(port, Completeness::Partial)?),
            None => None,
        };
        let bandwidth = match el.child("bandwidth") {
            Some(bandwidth) => Bandwidth::parse(bandwidth, false)?,
            None => None,
        };
        let vlan = el.child("vlan").map(Vlan::parse).transpose()?;
        Ok(Self { name: name.to_owned(), default, trust_guest_rx_filters, vlan, virtualport, bandwidth })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("portgroup", |w| {
            w.attr("name", &self.name);
            w.attr_opt("default", self.default.then_some("yes"));
            w.attr_yes_no("trustGuestRxFilters", self.trust_guest_rx_filters);
            if let Some(vlan) = &self.vlan {
                vlan.format(w);
            }
            if let Some(port) = &self.virtualport {
                port.format(w);
            }
            if let Some(bandwidth) = &self.bandwidth {
                bandwidth.format(w);
            }
        });
    }
}
