//! `<capability type='vpd'>`: what a PCI device says of itself (Vital Product Data).

use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vpd {
    /// `<name>`
    pub name: String,
    /// `<fields access='readonly'>`
    pub read_only: Option<VpdReadOnly>,
    /// `<fields access='readwrite'>`
    pub read_write: Option<VpdReadWrite>,
}

/// What can only be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VpdReadOnly {
    /// `<change_level>`
    pub change_level: Option<String>,
    /// `<manufacture_id>`
    pub manufacture_id: Option<String>,
    /// `<part_number>`
    pub part_number: Option<String>,
    /// `<serial_number>`
    pub serial_number: Option<String>,
    /// `<vendor_field index='…'>`
    pub vendor_fields: Vec<(char, String)>,
}

/// What can be written as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VpdReadWrite {
    /// `<asset_tag>`
    pub asset_tag: Option<String>,
    /// `<vendor_field index='…'>`
    pub vendor_fields: Vec<(char, String)>,
    /// `<system_field index='…'>`
    pub system_fields: Vec<(char, String)>,
}

impl Vpd {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        let name = el
            .child_text("name")
            .ok_or_else(|| refuse("Could not read a device name from the <name> element".to_owned()))?;
        let mut vpd = Self { name, ..Self::default() };
        for fields in el.children_named("fields") {
            match fields.attr("access") {
                None => {}
                Some("readonly") => vpd.read_only = Some(VpdReadOnly::parse(fields)),
                Some("readwrite") => vpd.read_write = Some(VpdReadWrite::parse(fields)),
                Some("") => return Err(refuse("VPD fields access type parsing has failed".to_owned())),
                Some(other) => {
                    return Err(refuse(format!("Unsupported VPD field access type specified {other}")));
                }
            }
        }
        Ok(vpd)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("capability", |w| {
            w.attr("type", "vpd");
            w.text_element("name", &self.name);
            if let Some(fields) = &self.read_only {
                w.open_element("fields", |w| {
                    w.attr("access", "readonly");
                    w.text_element_opt("change_level", fields.change_level.as_ref());
                    w.text_element_opt("manufacture_id", fields.manufacture_id.as_ref());
                    w.text_element_opt("part_number", fields.part_number.as_ref());
                    w.text_element_opt("serial_number", fields.serial_number.as_ref());
                    format_custom(w, "vendor_field", &fields.vendor_fields);
                });
            }
            if let Some(fields) = &self.read_write {
                w.open_element("fields", |w| {
                    w.attr("access", "readwrite");
                    w.text_element_opt("asset_tag", fields.asset_tag.as_ref());
                    format_custom(w, "vendor_field", &fields.vendor_fields);
                    format_custom(w, "system_field", &fields.system_fields);
                });
            }
        });
    }
}

impl VpdReadOnly {
    fn parse(el: Element<'_>) -> Self {
        Self {
            change_level: el.child_text("change_level"),
            manufacture_id: el.child_text("manufacture_id"),
            part_number: el.child_text("part_number"),
            serial_number: el.child_text("serial_number"),
            vendor_fields: parse_custom(el, "vendor_field"),
        }
    }
}

impl VpdReadWrite {
    fn parse(el: Element<'_>) -> Self {
        let mut fields = Self {
            asset_tag: el.child_text("asset_tag"),
            vendor_fields: parse_custom(el, "vendor_field"),
            system_fields: parse_custom(el, "system_field"),
        };
        // The system field A is the asset tag.
        if let Some(i) = fields.system_fields.iter().position(|(index, _)| *index == 'A') {
            fields.asset_tag = Some(fields.system_fields.remove(i).1);
        }
        fields
    }
}

/// Fields by their index, the last of several with one. What is no field is left out, as libvirt does.
fn parse_custom(el: Element<'_>, name: &'static str) -> Vec<(char, String)> {
    let mut fields: Vec<(char, String)> = Vec::new();
    for field in el.children_named(name) {
        let mut index = field.attr("index").unwrap_or_default().chars();
        let (Some(index), None, text) = (index.next(), index.next(), field.text()) else { continue };
        if text.is_empty() {
            continue;
        }
        match fields.iter_mut().find(|(other, _)| *other == index) {
            Some((_, value)) => *value = text,
            None => fields.push((index, text)),
        }
    }
    fields
}

fn format_custom(w: &mut Writer, name: &str, fields: &[(char, String)]) {
    for (index, value) in fields {
        w.text_element_with(name, |w| w.attr("index", index), value);
    }
}
