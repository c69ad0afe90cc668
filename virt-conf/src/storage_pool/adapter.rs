//! `<adapter>`: the SCSI host whose disks are a pool.

use virt_types::text_enum;
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Element, Writer};

use super::REFUSE;
use crate::Result;
use crate::common::address::Pci;
use crate::common::wwn::check_wwn;

text_enum! {
    /// The kind of an adapter.
    pub enum AdapterType { #[default] Default = "default", ScsiHost = "scsi_host", FcHost = "fc_host" }
}

/// A SCSI host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adapter {
    /// One by its name or by the device that it is.
    ScsiHost(ScsiHost),
    /// A virtual one of Fibre Channel.
    FcHost(FcHost),
}

/// A SCSI host that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiHost {
    /// `name`, such as `scsi_host0`.
    pub name: Option<String>,
    /// `<parentaddr unique_id='…'><address …/>`: place and number of the device, which do not change.
    pub parent: Option<(Pci, i32)>,
}

/// A virtual host of Fibre Channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FcHost {
    /// `parent`: the node device that it is made on.
    pub parent: Option<String>,
    /// `parent_wwnn`
    pub parent_wwnn: Option<String>,
    /// `parent_wwpn`
    pub parent_wwpn: Option<String>,
    /// `parent_fabric_wwn`
    pub parent_fabric_wwn: Option<String>,
    /// `managed`: whether it is removed with the pool.
    pub managed: Option<bool>,
    /// `wwnn`
    pub wwnn: Option<String>,
    /// `wwpn`
    pub wwpn: Option<String>,
}

impl Adapter {
    pub(super) fn parse(el: Element<'_>) -> Result<Option<Self>> {
        let text = |name| el.attr(name).map(str::to_owned);
        Ok(match el.attr_enum_but("type", AdapterType::Default)? {
            Some(AdapterType::FcHost) => Some(Self::FcHost(FcHost {
                managed: el.attr_yes_no("managed")?,
                parent: text("parent"),
                parent_wwnn: text("parent_wwnn"),
                parent_wwpn: text("parent_wwpn"),
                parent_fabric_wwn: text("parent_fabric_wwn"),
                wwnn: text("wwnn"),
                wwpn: text("wwpn"),
            })),
            Some(AdapterType::ScsiHost) => {
                let parent = el.child("parentaddr").map(parse_parent).transpose()?;
                Some(Self::ScsiHost(ScsiHost { name: text("name"), parent }))
            }
            Some(AdapterType::Default) | None => {
                let refuse = |what: &str| {
                    Err(REFUSE
                        .xml(format!("Use of {what} requires use of the adapter 'type'"))
                        .at(el.place()))
                };
                if ["wwnn", "wwpn", "parent"].iter().any(|name| el.attr(name).is_some()) {
                    return refuse("'wwnn', 'wwpn', and 'parent' attributes");
                }
                if el.child("parentaddr").is_some() {
                    return refuse("'parentaddr' element");
                }
                text("name").map(|name| Self::ScsiHost(ScsiHost { name: Some(name), parent: None }))
            }
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::ScsiHost(host) => match (&host.name, &host.parent) {
                (None, None) => {
                    Err(REFUSE.xml("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter"))
                }
                (Some(_), Some(_)) => {
                    Err(REFUSE
                        .xml("Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter"))
                }
                _ => Ok(()),
            },
            Self::FcHost(host) => host.check(),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("adapter", |w| match self {
            Self::FcHost(host) => {
                w.attr("type", AdapterType::FcHost);
                w.attr_opt("parent", host.parent.as_ref());
                w.attr_opt("parent_wwnn", host.parent_wwnn.as_ref());
                w.attr_opt("parent_wwpn", host.parent_wwpn.as_ref());
                w.attr_opt("parent_fabric_wwn", host.parent_fabric_wwn.as_ref());
                w.attr_yes_no("managed", host.managed);
                w.attr_opt("wwnn", host.wwnn.as_ref());
                w.attr_opt("wwpn", host.wwpn.as_ref());
            }
            Self::ScsiHost(host) => {
                w.attr("type", AdapterType::ScsiHost);
                w.attr_opt("name", host.name.as_ref());
                if let Some((address, unique_id)) = &host.parent {
                    w.element("parentaddr", |w| {
                        w.attr("unique_id", unique_id);
                        w.element("address", |w| address.format_place(w));
                    });
                }
            }
        });
    }
}

fn parse_parent(el: Element<'_>) -> Result<(Pci, i32)> {
    let address = el
        .child("address")
        .ok_or_else(|| REFUSE.xml("Missing scsi_host PCI address element").at(el.place()))?;
    let address = Pci::parse(address)?;
    let unique_id = el.attr("unique_id").and_then(|text| parse_i32(text, Base::Ten));
    let unique_id = unique_id
        .filter(|id| *id >= 0)
        .ok_or_else(|| REFUSE.xml("Missing or invalid scsi adapter 'unique_id' value").at(el.place()))?;
    Ok((address, unique_id))
}

impl FcHost {
    fn check(&self) -> Result<()> {
        let (Some(wwnn), Some(wwpn)) = (&self.wwnn, &self.wwpn) else {
            return Err(REFUSE.xml("'wwnn' and 'wwpn' must be specified for adapter type 'fchost'"));
        };
        check_wwn(wwnn)?;
        check_wwn(wwpn)?;
        match (&self.parent_wwnn, &self.parent_wwpn) {
            (Some(wwnn), None) => {
                return Err(REFUSE.xml(format!(
                    "when providing parent_wwnn='{wwnn}', the parent_wwpn must also be provided"
                )));
            }
            (None, Some(wwpn)) => {
                return Err(REFUSE.xml(format!(
                    "when providing parent_wwpn='{wwpn}', the parent_wwnn must also be provided"
                )));
            }
            _ => {}
        }
        [&self.parent_wwnn, &self.parent_wwpn, &self.parent_fabric_wwn]
            .into_iter()
            .flatten()
            .try_for_each(|wwn| check_wwn(wwn))
    }
}
