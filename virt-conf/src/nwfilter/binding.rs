//! `<filterbinding>`: the use of a filter by an interface.

use virt_types::{MacAddr, Uuid};
use virt_xml::{Document, Element, Writer};

use super::REFUSE;
use crate::Result;
use crate::common::FilterRef;

/// The use of a filter by an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterBinding {
    /// `<owner><name>`: the domain.
    pub owner_name: String,
    /// `<owner><uuid>`
    pub owner_uuid: Uuid,
    /// `<portdev name='…'/>`: the interface's device on the host.
    pub port_dev: String,
    /// `<linkdev name='…'/>`: the device that a macvtap is on.
    pub link_dev: Option<String>,
    /// `<mac address='…'/>`
    pub mac: MacAddr,
    /// `<filterref>`
    pub filter: FilterRef,
}

impl FilterBinding {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no binding, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("filterbinding")?)
    }

    /// Reads a `<filterbinding>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`FilterBinding::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: &str| REFUSE.internal(detail).at(el.place());
        let named = |child: &'static str, name: &'static str, what: &str| {
            let text = el.child(child).and_then(|child| child.attr_filled(name));
            text.ok_or_else(|| refuse(&format!("filter binding has no {what}")))
        };
        let owner = |name: &'static str, what: &str| {
            let text = el.child("owner").and_then(|owner| owner.child_text(name));
            text.ok_or_else(|| refuse(&format!("filter binding has no owner {what}")))
        };
        let port_dev = named("portdev", "name", "port dev name")?.to_owned();
        let link_dev = match el.child("linkdev") {
            None => None,
            Some(_) => Some(named("linkdev", "name", "link dev name")?.to_owned()),
        };
        let owner_name = owner("name", "name")?;
        let uuid = owner("uuid", "UUID")?;
        let owner_uuid = uuid.parse().map_err(|_| refuse(&format!("Unable to parse UUID '{uuid}'")))?;
        let mac = named("mac", "address", "MAC address")?;
        let mac = mac.parse().map_err(|_| refuse(&format!("Unable to parse MAC '{mac}'")))?;
        named("filterref", "filter", "filter reference")?;
        let filter = el.child("filterref").and_then(FilterRef::parse);
        let filter = filter.ok_or_else(|| refuse("filter binding has no filter reference"))?;
        Ok(Self { owner_name, owner_uuid, port_dev, link_dev, mac, filter })
    }

    /// Completes a binding as it was read: filters know the interface's address as the variable `MAC`.
    ///
    /// Filling a filled binding changes nothing.
    pub fn fill(&mut self) {
        let mac = self.mac.to_string();
        self.filter.parameters.entry("MAC".to_owned()).or_insert_with(|| vec![mac]);
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w);
        w.finish()
    }

    /// Writes the `<filterbinding>` element into another document.
    pub fn format_into(&self, w: &mut Writer) {
        w.element("filterbinding", |w| {
            w.element("owner", |w| {
                w.text_element("name", &self.owner_name);
                w.text_element("uuid", self.owner_uuid);
            });
            w.element("portdev", |w| w.attr("name", &self.port_dev));
            if let Some(dev) = &self.link_dev {
                w.element("linkdev", |w| w.attr("name", dev));
            }
            w.element("mac", |w| w.attr("address", self.mac));
            self.filter.format(w);
        });
    }
}
