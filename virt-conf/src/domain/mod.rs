//! `<domain>`: a virtual machine or container.

pub mod device;
mod os;
pub mod passes;

use virt_types::{TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

pub use device::{AnyDevice, Device, DeviceKind, DeviceMut, DeviceRef, Devices, FormatContext, ParseContext};
pub use os::{Os, OsType};
pub use passes::Policy;

use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// The hypervisor that a domain is for.
    pub enum VirtType {
        #[default] None = "none", Qemu = "qemu", Kqemu = "kqemu", Kvm = "kvm", Xen = "xen", Lxc = "lxc", Uml = "uml",
        Openvz = "openvz", Test = "test", Vmware = "vmware", Hyperv = "hyperv", Vbox = "vbox", Phyp = "phyp",
        Parallels = "parallels", Bhyve = "bhyve", Vz = "vz", Hvf = "hvf",
    }
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Domain {
    /// `type`.
    pub virt_type: VirtType,
    /// `id`: the number of a running domain.
    pub id: Option<i32>,
    /// `<name>`.
    pub name: String,
    /// `<uuid>`; absent until the engine gives one.
    pub uuid: Option<Uuid>,
    /// `<memory>` in KiB.
    pub memory: u64,
    /// `<os>`.
    pub os: Os,
    /// `<emulator>`.
    pub emulator: Option<String>,
    /// `<devices>`, but for the emulator.
    pub devices: Devices,
}

impl Domain {
    /// Reads a document, exactly as it is written.
    ///
    /// # Errors
    /// For what is no XML, no domain, or wrong in itself; with the place.
    pub fn parse(xml: &str, flags: ParseFlags) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("domain")?, flags)
    }

    /// Reads a `<domain>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Domain::parse`].
    pub fn parse_element(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let mut domain = Self {
            virt_type: el.required("type", el.attr_enum("type")?)?,
            name: el.child_text("name").ok_or_else(|| xml_error("").at(el.place()))?,
            os: Os::parse(el)?,
            ..Self::default()
        };
        if let Some(text) = el.child_text("uuid") {
            domain.uuid = Some(text.parse()?);
        }
        if let Some(devices) = el.child("devices") {
            domain.emulator = devices.child_text("emulator");
            domain.devices = Devices::parse(devices, &ParseContext { flags, domain: &domain })?;
        }
        Ok(domain)
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self, flags: FormatFlags) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w, flags);
        w.finish()
    }

    /// Writes the `<domain>` element into another document.
    pub fn format_into(&self, w: &mut Writer, mut flags: FormatFlags) {
        if self.id.is_none() {
            flags |= FormatFlags::INACTIVE;
        }
        w.element("domain", |w| {
            w.attr("type", self.virt_type.text());
            if !flags.contains(FormatFlags::INACTIVE) {
                w.attr_opt("id", self.id);
            }
            w.text_element("name", &self.name);
            w.text_element_opt("uuid", self.uuid);
            w.text_element_with("memory", |w| w.attr("unit", "KiB"), self.memory);
            self.os.format(w, flags);
            w.element("devices", |w| {
                w.text_element_opt("emulator", self.emulator.as_ref());
                self.devices.format(w, &FormatContext { flags, domain: self });
            });
        });
    }
}
