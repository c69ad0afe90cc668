//! `<resource>`: the control group partition and the fabric's id of a guest.

use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// `<resource>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// `<partition>`: an absolute path.
    pub partition: Option<String>,
    /// `<fibrechannel appid='…'/>`
    pub appid: Option<String>,
}

impl Resource {
    pub(super) fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        let mut elements = domain.children_named("resource");
        let Some(el) = elements.next() else { return Ok(None) };
        if let Some(second) = elements.next() {
            return Err(xml_error("only one resource element is supported").at(second.place()));
        }
        let appid = el.child("fibrechannel").and_then(|el| el.attr("appid"));
        let resource = Self {
            partition: el.child_text("partition"),
            appid: appid.filter(|text| !text.is_empty()).map(str::to_owned),
        };
        Ok((resource != Self::default()).then_some(resource))
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("resource", |w| {
            w.text_element_opt("partition", self.partition.as_ref());
            w.element_if_any("fibrechannel", |w| w.attr_opt("appid", self.appid.as_ref()));
        });
    }
}
