//! `<device>`: a device of the host.

mod capability;
mod mdev;
mod net;
mod pci;
mod s390;
mod scsi;
mod storage;
mod system;
#[cfg(test)]
mod tests;
mod usb;
mod vpd;

use virt_types::{Error, ErrorDomain, text_enum};
use virt_xml::number::{Base, parse_u32, parse_u64};
use virt_xml::{Document, Element, Writer};

pub use capability::{Capability, CapabilityType};
pub use mdev::{Mdev, MdevType};
pub use net::{NetCapability, NetFeature, NetKind};
pub use pci::{HeaderType, IommuGroup, LinkSpeed, PciCapability, PciExpress, PciLink};
pub use s390::{CcwAddress, Css};
pub use scsi::{FcHost, RemotePort, Scsi, ScsiHost, ScsiTarget, VportOps};
pub use storage::{RemovableMedia, Storage};
pub use system::System;
pub use usb::{UsbDevice, UsbInterface};
pub use vpd::{Vpd, VpdReadOnly, VpdReadWrite};

use crate::Result;
use crate::error::Refuse;

pub(super) const REFUSE: Refuse = Refuse(ErrorDomain::Nodedev);

text_enum! {
    /// What a `<devnode>` is.
    pub enum DevnodeType { Dev = "dev", Link = "link" }
}

text_enum! {
    /// What a card hands to its DRM clients.
    pub enum DrmType { Primary = "primary", Control = "control", Render = "render" }
}

/// Whether the device is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is.
    Existing,
    /// It is to be made, and has no name yet.
    New,
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeDevice {
    /// `<name>`
    pub name: String,
    /// `<path>` in sysfs.
    pub path: Option<String>,
    /// `<devnode type='dev'>`
    pub devnode: Option<String>,
    /// `<devnode type='link'>`
    pub devlinks: Vec<String>,
    /// `<parent>`: the name of the device that it is on.
    pub parent: Option<String>,
    /// `<parent wwnn='…' wwpn='…'>`, where it is named so. Not written again.
    pub parent_wwns: Option<(String, String)>,
    /// `<parent fabric_wwn='…'>`. Not written again.
    pub parent_fabric_wwn: Option<String>,
    /// `<driver><name>`
    pub driver: Option<String>,
    /// `<capability>`, one at least.
    pub capabilities: Vec<Capability>,
}

impl NodeDevice {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no device, or wrong in itself; with the place.
    pub fn parse(xml: &str, origin: Origin) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("device")?, origin)
    }

    /// Reads a `<device>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`NodeDevice::parse`].
    pub fn parse_element(el: Element<'_>, origin: Origin) -> Result<Self> {
        let mut device = Self { path: el.child_text("path"), ..Self::default() };
        device.name = match origin {
            Origin::Existing => el.child_text("name").ok_or_else(|| REFUSE.no_name().at(el.place()))?,
            Origin::New => {
                el.pass_over(&["name"]);
                "new device".to_owned()
            }
        };
        for node in el.children_named("devnode") {
            match node.required("type", node.attr_enum("type")?)? {
                DevnodeType::Dev => device.devnode = Some(node.text()),
                DevnodeType::Link => device.devlinks.push(node.text()),
            }
        }
        device.parse_parent(el)?;
        device.driver = el.child("driver").and_then(|driver| driver.child_text("name"));
        let capabilities = el.children_named("capability");
        device.capabilities = capabilities
            .map(|capability| Capability::parse(capability, &device.name, origin))
            .collect::<Result<_>>()?;
        if device.capabilities.is_empty() {
            let detail = format!("no device capabilities for '{}'", device.name);
            return Err(REFUSE.internal(detail).at(el.place()));
        }
        Ok(device)
    }

    fn parse_parent(&mut self, el: Element<'_>) -> Result<()> {
        let Some(parent) = el.child("parent") else { return Ok(()) };
        self.parent = el.child_text("parent");
        let name = |attribute| parent.attr_filled(attribute).map(str::to_owned);
        let refuse = |given: &str, value: &str, other: &str| {
            let detail =
                format!("when providing parent {given}='{value}', the {other} must also be provided");
            Err(REFUSE.xml(detail).at(parent.place()))
        };
        self.parent_wwns = match (name("wwnn"), name("wwpn")) {
            (Some(wwnn), None) => return refuse("wwnn", &wwnn, "wwpn"),
            (None, Some(wwpn)) => return refuse("wwpn", &wwpn, "wwnn"),
            (wwnn, wwpn) => wwnn.zip(wwpn),
        };
        self.parent_fabric_wwn = name("fabric_wwn");
        Ok(())
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.open_element("device", |w| {
            w.text_element("name", &self.name);
            w.text_element_opt("path", self.path.as_ref());
            let mut node = |kind: DevnodeType, path: &String| {
                w.text_element_with("devnode", |w| w.attr("type", kind), path);
            };
            self.devnode.iter().for_each(|path| node(DevnodeType::Dev, path));
            self.devlinks.iter().for_each(|path| node(DevnodeType::Link, path));
            w.text_element_opt("parent", self.parent.as_ref());
            if let Some(driver) = &self.driver {
                w.element("driver", |w| w.text_element("name", driver));
            }
            self.capabilities.iter().for_each(|capability| capability.format(w));
        });
        w.finish()
    }
}

/// The error for a part of a device that is missing (`no`) or wrong (`invalid`).
fn supplied(state: &str, what: &str, device: &str, el: Element<'_>) -> Error {
    REFUSE.internal(format!("{state} {what} supplied for '{device}'")).at(el.place())
}

/// A number that a child element has to hold.
fn number(el: Element<'_>, child: &'static str, what: &str, device: &str) -> Result<u32> {
    let text = el.child_text(child).ok_or_else(|| supplied("no", what, device, el))?;
    parse_u32(&text, Base::Ten).ok_or_else(|| supplied("invalid", what, device, el))
}

/// A large number that a child element has to hold.
fn large_number(el: Element<'_>, child: &'static str, what: &str, device: &str) -> Result<u64> {
    let text = el.child_text(child).ok_or_else(|| supplied("no", what, device, el))?;
    parse_u64(&text, Base::Ten).ok_or_else(|| supplied("invalid", what, device, el))
}

/// A hexadecimal number that the attribute `id` of a child element has to hold, and the element's text.
fn identified(
    el: Element<'_>,
    child: &'static str,
    what: &str,
    device: &str,
) -> Result<(u32, Option<String>)> {
    let id = el.child(child).and_then(|child| child.attr_filled("id"));
    let id = id.ok_or_else(|| supplied("no", what, device, el))?;
    let id = parse_u32(id, Base::Sixteen).ok_or_else(|| supplied("invalid", what, device, el))?;
    Ok((id, el.child_text(child)))
}

/// The `type` of each `<capability>` within; `what` names them where one has none.
fn inner_capabilities<'a>(el: Element<'a>, missing: &Error) -> Result<Vec<(&'a str, Element<'a>)>> {
    let typed = |inner: Element<'a>| match inner.attr("type") {
        Some(kind) => Ok((kind, inner)),
        None => Err(missing.clone().at(inner.place())),
    };
    el.children_named("capability").map(typed).collect()
}
