//! Mediated devices, and the types of them that can be made.

use virt_types::Uuid;
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::{REFUSE, inner_capabilities};
use crate::Result;

/// A type of mediated devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MdevType {
    /// `id`
    pub id: String,
    /// `<name>`
    pub name: Option<String>,
    /// `<deviceAPI>`
    pub device_api: String,
    /// `<availableInstances>`
    pub available_instances: u32,
}

/// A mediated device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mdev {
    /// `<type id='…'/>`
    pub kind: String,
    /// `<uuid>`
    pub uuid: Option<Uuid>,
    /// `<parent_addr>`
    pub parent_address: Option<String>,
    /// `<iommuGroup number='…'/>`
    pub iommu_group: u32,
    /// `<attr name='…' value='…'/>`
    pub attributes: Vec<(String, String)>,
}

impl MdevType {
    fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        let id = el.attr_filled("id").ok_or_else(|| {
            refuse("missing 'id' attribute for mediated device's <type> element".to_owned())
        })?;
        let device_api = el
            .child_text("deviceAPI")
            .ok_or_else(|| refuse(format!("missing device API for mediated device type '{id}'")))?;
        let available_instances = el.child_text("availableInstances");
        let available_instances = available_instances.and_then(|text| parse_u32(&text, Base::Ten));
        let available_instances = available_instances.ok_or_else(|| {
            refuse(format!("missing number of available instances for mediated device type '{id}'"))
        })?;
        Ok(Self { id: id.to_owned(), name: el.child_text("name"), device_api, available_instances })
    }
}

/// Reads the types within a `<capability type='mdev_types'>`.
pub(super) fn parse_types(el: Element<'_>) -> Result<Vec<MdevType>> {
    el.children_named("type").map(MdevType::parse).collect()
}

/// Reads the types in the `<capability type='mdev_types'>` within, if there is one.
pub(super) fn parse_inner_types(el: Element<'_>) -> Result<Option<Vec<MdevType>>> {
    let mut types = None;
    for (kind, inner) in inner_capabilities(el, &REFUSE.xml("Missing capability type"))? {
        if kind == "mdev_types" {
            types.get_or_insert_with(Vec::new).extend(parse_types(inner)?);
        }
    }
    Ok(types)
}

/// Writes a `<capability type='mdev_types'>`, if there are types.
pub(super) fn format_types(types: &[MdevType], w: &mut Writer) {
    if types.is_empty() {
        return;
    }
    w.element("capability", |w| {
        w.attr("type", "mdev_types");
        for kind in types {
            w.element("type", |w| {
                w.attr("id", &kind.id);
                w.text_element_opt("name", kind.name.as_ref());
                w.text_element("deviceAPI", &kind.device_api);
                w.text_element("availableInstances", kind.available_instances);
            });
        }
    });
}

impl Mdev {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let kind = el.child("type").and_then(|kind| kind.attr_filled("id")).ok_or_else(|| {
            REFUSE.unsupported(format!("missing type id attribute for '{device}'")).at(el.place())
        })?;
        let uuid = match el.child_text("uuid") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                REFUSE.internal(format!("Invalid uuid '{text}' for new mdev device")).at(el.place())
            })?),
        };
        let group = el.child("iommuGroup").and_then(|group| group.attr_filled("number"));
        let iommu_group = match group {
            None => 0,
            Some(text) => parse_u32(text, Base::Ten).ok_or_else(|| {
                let detail = format!("invalid iommuGroup number attribute for '{device}'");
                REFUSE.internal(detail).at(el.place())
            })?,
        };
        // One without name or value is left out.
        let attribute = |attr: Element<'_>| {
            attr.attr_filled("name").zip(attr.attr_filled("value")).map(|(n, v)| (n.to_owned(), v.to_owned()))
        };
        let attributes = el.children_named("attr").filter_map(attribute).collect();
        Ok(Self {
            kind: kind.to_owned(),
            uuid,
            parent_address: el.child_text("parent_addr"),
            iommu_group,
            attributes,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("type", |w| w.attr("id", &self.kind));
        w.text_element_opt("uuid", self.uuid);
        w.text_element_opt("parent_addr", self.parent_address.as_ref());
        w.element("iommuGroup", |w| w.attr("number", self.iommu_group));
        for (name, value) in &self.attributes {
            w.element("attr", |w| {
                w.attr("name", name);
                w.attr("value", value);
            });
        }
    }
}
