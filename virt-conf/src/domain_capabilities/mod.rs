//! `<domainCapabilities>`: what domains of one emulator, machine and type may have.
//!
//! ```
//! use virt_conf::domain_capabilities::{DomainCapabilities, Section};
//! use virt_conf::domain::device::DiskBus;
//!
//! let mut capabilities = DomainCapabilities { path: "/usr/bin/qemu-system-x86_64".into(), ..Default::default() };
//! let disk = Section::supported().with("bus", [DiskBus::Virtio, DiskBus::Scsi, DiskBus::Scsi]);
//! capabilities.devices.push(("disk", disk));
//! let bus = "<enum name='bus'>\n        <value>scsi</value>\n        <value>virtio</value>\n      </enum>";
//! assert!(capabilities.format().contains(bus));
//! ```

mod cpu;
mod features;
mod section;

use virt_types::Arch;
use virt_xml::Writer;

pub use cpu::{CpuModes, CustomModel, Usable};
pub use features::{Features, Sev, Sgx};
pub use section::Section;

use crate::domain::VirtType;

/// `<domainCapabilities>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DomainCapabilities {
    /// `<path>` of the emulator.
    pub path: String,
    /// `<domain>`
    pub virt_type: VirtType,
    /// `<machine>`, by its canonical name.
    pub machine: Option<String>,
    /// `<arch>`
    pub arch: Arch,
    /// `<vcpu max='…'>`; 0 where unknown.
    pub max_vcpus: u32,
    /// `<iothreads>`
    pub iothreads: Option<bool>,
    /// `<os>`
    pub os: Section,
    /// `<loader>` of `<os>`
    pub loader: Section,
    /// `<cpu>`
    pub cpu: CpuModes,
    /// `<memoryBacking>`
    pub memory_backing: Section,
    /// `<devices>`: names of elements and what may be had of them, in the order of output.
    pub devices: Vec<(&'static str, Section)>,
    /// `<features>`
    pub features: Features,
}

impl DomainCapabilities {
    /// The document as libvirt writes it.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.element("domainCapabilities", |w| {
            w.text_element("path", &self.path);
            w.text_element("domain", self.virt_type);
            w.text_element_opt("machine", self.machine.as_ref());
            w.text_element("arch", self.arch);
            if self.max_vcpus > 0 {
                w.element("vcpu", |w| w.attr("max", self.max_vcpus));
            }
            if self.iothreads.is_some() {
                w.element("iothreads", |w| w.attr_yes_no("supported", self.iothreads));
            }
            self.os.format_with("os", w, |w| self.loader.format("loader", w));
            self.cpu.format(w);
            self.memory_backing.format("memoryBacking", w);
            w.element("devices", |w| {
                self.devices.iter().for_each(|(name, section)| section.format(name, w));
            });
            self.features.format(w);
        });
        w.finish()
    }
}
