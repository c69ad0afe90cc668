//! `<domain>`: a virtual machine or container.

mod clock;
mod cpu;
pub mod device;
mod features;
mod genid;
mod idmap;
mod iothread;
mod keywrap;
mod launch_security;
mod lifecycle;
mod memory;
mod memory_backing;
mod metadata;
mod namespace;
mod numa;
mod os;
pub mod passes;
mod perf;
mod pm;
mod resource;
mod seclabel;
mod sysinfo;
mod tuning;
mod vcpu;

use virt_types::{TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

pub use clock::*;
pub use cpu::*;
pub use device::{AnyDevice, Device, DeviceKind, DeviceMut, DeviceRef, Devices, FormatContext, ParseContext};
pub use features::*;
pub use genid::Genid;
pub use idmap::{IdRange, Idmap};
pub use iothread::{DefaultIoThread, IoThread, IoThreadPoll, IoThreads};
pub use keywrap::Keywrap;
pub use launch_security::{LaunchSecurity, Sev};
pub use lifecycle::{Lifecycle, LifecycleAction, LockFailureAction};
pub use memory::Memory;
pub use memory_backing::{HugePage, MemoryAccess, MemoryAllocation, MemoryBacking, MemorySource};
pub use metadata::Metadata;
pub use namespace::*;
pub use numa::*;
pub use os::*;
pub use passes::Policy;
pub use perf::{Perf, PerfEvent};
pub use pm::Pm;
pub use resource::Resource;
pub use seclabel::{Seclabel, SeclabelType};
pub use sysinfo::*;
pub use tuning::*;
pub use vcpu::{Placement, Vcpu, Vcpus};

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
    /// `<genid>`
    pub genid: Option<Genid>,
    /// `<title>`
    pub title: Option<String>,
    /// `<description>`
    pub description: Option<String>,
    /// `<metadata>`
    pub metadata: Option<Metadata>,
    /// `<memory>`, `<currentMemory>`, `<maxMemory>`
    pub memory: Memory,
    /// `<blkiotune>`
    pub blkiotune: Blkiotune,
    /// `<memtune>`
    pub memtune: Memtune,
    /// `<memoryBacking>`
    pub memory_backing: MemoryBacking,
    /// `<vcpu>`, `<vcpus>`
    pub vcpus: Vcpus,
    /// `<iothreads>`, `<iothreadids>`, `<defaultiothread>`
    pub iothreads: IoThreads,
    /// `<cputune>`
    pub cputune: Cputune,
    /// `<numatune>`
    pub numatune: Numatune,
    /// `<resource>`
    pub resource: Option<Resource>,
    /// `<sysinfo>`
    pub sysinfo: Vec<Sysinfo>,
    /// `<bootloader>`
    pub bootloader: Option<String>,
    /// `<bootloader_args>`
    pub bootloader_args: Option<String>,
    /// `<os>`
    pub os: Os,
    /// `<idmap>`
    pub idmap: Idmap,
    /// `<features>`
    pub features: Features,
    /// `<cpu>`
    pub cpu: Option<Cpu>,
    /// `<cpu><numa>`
    pub numa: Numa,
    /// `<clock>`
    pub clock: Clock,
    /// `<on_poweroff>` and the like.
    pub lifecycle: Lifecycle,
    /// `<pm>`
    pub pm: Pm,
    /// `<perf>`
    pub perf: Perf,
    /// `<emulator>`.
    pub emulator: Option<String>,
    /// `<devices>`, but for the emulator.
    pub devices: Devices,
    /// `<seclabel>`
    pub seclabels: Vec<Seclabel>,
    /// `<keywrap>`
    pub keywrap: Option<Keywrap>,
    /// `<launchSecurity>`
    pub launch_security: Option<LaunchSecurity>,
    /// Elements of the drivers' own namespaces.
    pub namespaces: Namespaces,
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
            w.text_element_with("memory", |w| w.attr("unit", "KiB"), self.memory.total);
            self.os.format(w, flags);
            w.element("devices", |w| {
                w.text_element_opt("emulator", self.emulator.as_ref());
                self.devices.format(w, &FormatContext { flags, domain: self });
            });
        });
    }
}
