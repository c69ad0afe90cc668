//! `<resource>`: the control group partition and the fabric's id of a guest.

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// Longest id that the fabric takes.
const APPID_LIMIT: usize = 128;

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

    pub(super) fn validate(&self) -> Result<()> {
        let Some(appid) = &self.appid else { return Ok(()) };
        if !appid.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(xml_error("Fibre Channel 'appid' is not a printable string"));
        }
        if appid.len() > APPID_LIMIT {
            let detail = format!("Fibre Channel 'appid' string length must be between [1, {APPID_LIMIT}]");
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail));
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("resource", |w| {
            w.text_element_opt("partition", self.partition.as_ref());
            w.element_if_any("fibrechannel", |w| w.attr_opt("appid", self.appid.as_ref()));
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [Opt("partition", &[Text(PATH)]), Opt("fibrechannel", &[Must("appid", Str)])];
}
