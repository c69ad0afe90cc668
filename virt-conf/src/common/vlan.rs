//! `<vlan>`: the VLAN tags of a port.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// The largest tag that 802.1Q has room for.
const MAX_TAG: u32 = 4095;

text_enum! {
    /// How untagged frames are treated.
    pub enum NativeMode { #[default] Default = "default", Tagged = "tagged", Untagged = "untagged" }
}

/// The VLAN tags of a port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vlan {
    /// `trunk`: the port carries several networks, each with its tag.
    pub trunk: bool,
    /// `<tag id='…'/>`, one at least.
    pub tags: Vec<u32>,
    /// The tag of untagged frames and how they are treated.
    pub native: Option<(u32, NativeMode)>,
}

impl Vlan {
    /// Reads a `<vlan>` element.
    ///
    /// # Errors
    /// For no tag, a tag that is too large, and a trunk that contradicts the tags.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: String| Err(xml_error(detail).at(el.place()));
        let mut vlan = Self::default();
        for tag in el.children_named("tag") {
            let id = tag.required("id", tag.attr_u32("id", Base::Ten)?)?;
            if id > MAX_TAG {
                let detail = format!("vlan tag id {id} too large (maximum {MAX_TAG})");
                return Err(xml_error(detail).at(tag.place()));
            }
            vlan.tags.push(id);
            if let Some(mode) = tag.attr_enum_but("nativeMode", NativeMode::Default)? {
                if vlan.native.is_some() {
                    return Err(xml_error("duplicate native vlan setting").at(tag.place()));
                }
                vlan.native = Some((id, mode));
            }
        }
        if vlan.tags.is_empty() {
            return refuse(
                "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement".into(),
            );
        }
        let several = vlan.tags.len() > 1;
        vlan.trunk = several;
        if let Some(trunk) = el.attr("trunk").filter(|trunk| !trunk.is_empty()) {
            vlan.trunk = trunk.eq_ignore_ascii_case("yes");
            if !vlan.trunk && several {
                return refuse(format!(
                    "invalid \"trunk='{trunk}'\" in <vlan> - trunk='yes' is required for more than one vlan tag"
                ));
            }
            if !vlan.trunk && vlan.native.is_some() {
                return refuse(
                    "invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id"
                        .into(),
                );
            }
            if !vlan.trunk && !trunk.eq_ignore_ascii_case("no") {
                return refuse(format!("invalid \"trunk='{trunk}'\" in <vlan> - must be yes or no"));
            }
        }
        Ok(vlan)
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        if self.tags.is_empty() {
            return;
        }
        w.element("vlan", |w| {
            w.attr_opt("trunk", self.trunk.then_some("yes"));
            // An id may be listed twice, but a second native one is not read back.
            let mut native = self.native;
            for id in &self.tags {
                w.element("tag", |w| {
                    w.attr("id", id);
                    let mode = native.take_if(|(tag, _)| tag == id).map(|(_, mode)| mode.text());
                    w.attr_opt("nativeMode", mode);
                });
            }
        });
    }
}

grammar! {
    /// `<vlan>`
    pub VLAN = [
        Attr("trunk", YesNo),
        Many("tag", &[Must("id", Number(0, 4095)), Attr("nativeMode", OneOf(&["tagged", "untagged"]))]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn tags_make_a_trunk_unless_they_contradict_it() {
        for (xml, expected) in [
            ("<vlan trunk='no'><tag id='7'/></vlan>", "<vlan>\n  <tag id='7'/>\n</vlan>\n"),
            (
                "<vlan><tag id='7' nativeMode='tagged'/><tag id='8'/></vlan>",
                "<vlan trunk='yes'>\n  <tag id='7' nativeMode='tagged'/>\n  <tag id='8'/>\n</vlan>\n",
            ),
            (
                "<vlan><tag id='7' nativeMode='tagged'/><tag id='7'/></vlan>",
                "<vlan trunk='yes'>\n  <tag id='7' nativeMode='tagged'/>\n  <tag id='7'/>\n</vlan>\n",
            ),
            (
                "<vlan/>",
                "XML error: missing tag id - each <vlan> must have at least one <tag id='n'/> subelement",
            ),
            ("<vlan><tag id='4096'/></vlan>", "XML error: vlan tag id 4096 too large (maximum 4095)"),
            (
                "<vlan trunk='no'><tag id='1'/><tag id='2'/></vlan>",
                "XML error: invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one vlan tag",
            ),
            (
                "<vlan trunk='maybe'><tag id='1'/></vlan>",
                "XML error: invalid \"trunk='maybe'\" in <vlan> - must be yes or no",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let written = Vlan::parse(document.root()).map_or_else(
                |error| error.to_string(),
                |vlan| {
                    let mut w = Writer::new();
                    vlan.format(&mut w);
                    w.finish()
                },
            );
            assert_eq!(written, expected, "{xml}");
        }
    }
}
