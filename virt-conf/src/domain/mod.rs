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

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::number::Base;
use virt_xml::{Document, Element, Writer};

pub use crate::common::Metadata;
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
pub use namespace::*;
pub use numa::*;
pub use os::{
    BiosOptions, BootDevice, BootMenu, Firmware, FirmwareFeature, FirmwareFeatures, FirmwareFormat, Init,
    InitEnv, Loader, LoaderType, Nvram, Os, OsType, SmbiosMode,
};
pub use passes::Policy;
pub use perf::{Perf, PerfEvent};
pub use pm::Pm;
pub use resource::Resource;
pub use seclabel::{Seclabel, SeclabelType};
pub use sysinfo::*;
pub use tuning::{
    Blkiotune, BlkiotuneDevice, CacheAlloc, CacheType, Cputune, MemNode, Memtune, Monitor, MonitorKind,
    NodeBandwidth, NumaMemMode, NumaMemory, NumaPlacement, Numatune, Quota, Resctrl, SchedPolicy, Scheduler,
};
pub use vcpu::{Placement, Vcpu, Vcpus};

use os::OsFormat;
use tuning::CputuneContext;

use crate::error::{internal, unsupported, xml_error};
use crate::grammar::{Part, check};
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
    /// The CPU that was asked for, of a running domain that got something else: what another host is told.
    pub asked_cpu: Option<Box<Cpu>>,
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
    /// Elements of the driver's own namespace.
    pub namespace: Namespace,
}

impl Domain {
    /// What may stand in a document.
    pub const GRAMMAR: &'static [Part] = GRAMMAR;

    /// Checks a document by the grammar alone, as `VIR_DOMAIN_DEFINE_VALIDATE` asks before it is read.
    ///
    /// # Errors
    /// `VIR_ERR_XML_INVALID_SCHEMA` for what the grammar does not allow, with the place.
    pub fn check_grammar(xml: &str) -> Result<()> {
        check(Document::parse(xml)?.root_named("domain")?, Self::GRAMMAR)
    }

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
        let mut domain = Self::parse_identity(el, flags)?;
        domain.parse_resources(el, flags)?;
        domain.parse_machine(el)?;
        if let Some(devices) = el.child("devices") {
            domain.emulator = devices.child_text("emulator");
            domain.devices = Devices::parse(devices, &ParseContext { flags, domain: &domain })?;
        }
        domain.launch_security = LaunchSecurity::parse(el)?;
        domain.idmap = Idmap::parse(el)?;
        domain.sysinfo = Sysinfo::parse_all(el, &mut domain.uuid)?;
        domain.keywrap = Keywrap::parse(el)?;
        domain.metadata = Metadata::parse(el);
        domain.namespace = Namespace::parse(el, domain.virt_type)?;
        Ok(domain)
    }

    fn parse_identity(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let mut id = None;
        if !flags.contains(ParseFlags::INACTIVE) {
            id = el.attr_i32("id", Base::Ten)?;
            if id.is_some_and(|id| id < 0) {
                return Err(el.invalid("id", " Expected non-negative value"));
            }
        }
        let name = el
            .child_text("name")
            .ok_or_else(|| Error::new(ErrorCode::NoName, ErrorDomain::Domain, "").at(el.place()))?;
        let malformed = |what: &str| internal(format!("malformed {what} element")).at(el.place());
        let uuid = match el.child_text("uuid") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| malformed("uuid"))?),
        };
        let genid = Genid::parse(el)?;
        let virt_type = match el.attr("type") {
            None => return Err(internal("missing domain type attribute").at(el.place())),
            Some(text) => VirtType::from_text(text)
                .ok_or_else(|| unsupported(format!("invalid domain type {text}")).at(el.place()))?,
        };
        let os = Os::parse(el, virt_type, flags)?;
        let title = el.child_text("title");
        if title.as_ref().is_some_and(|title| title.contains('\n')) {
            return Err(xml_error("Domain title can't contain newlines").at(el.place()));
        }
        Ok(Self {
            virt_type,
            id,
            name,
            uuid,
            genid,
            title,
            description: el.child_text("description"),
            bootloader: el.child_text("bootloader"),
            bootloader_args: el.child_text("bootloader_args"),
            os,
            ..Self::default()
        })
    }

    /// Memory, CPUs, nodes, and how the host shares them.
    fn parse_resources(&mut self, el: Element<'_>, flags: ParseFlags) -> Result<()> {
        self.seclabels = Seclabel::parse_all(el, flags)?;
        self.memory = Memory::parse(el)?;
        self.memory_backing = MemoryBacking::parse(el)?;
        self.blkiotune = Blkiotune::parse(el)?;
        self.memtune = Memtune::parse(el)?;
        self.vcpus = Vcpus::parse(el)?;
        self.iothreads = IoThreads::parse(el)?;
        let cx = CputuneContext { vcpus: self.vcpus.max, iothreads: &self.iothreads, flags };
        self.cputune = Cputune::parse(el, &cx)?;
        self.cpu = Cpu::parse(el)?;
        self.numa = Numa::parse(el)?;
        self.numa.check_cpus(self.vcpus.max)?;
        self.numatune = Numatune::parse(el, self.numa.cells.len(), self.vcpus.placement)?;
        let pinned = self.vcpus.cpuset.is_some() || self.cputune.has_pins();
        if self.numatune.is_placed_automatically() && !pinned {
            self.vcpus.placement = Placement::Auto;
        }
        self.resource = Resource::parse(el)?;
        Ok(())
    }

    /// Features, time and the like.
    fn parse_machine(&mut self, el: Element<'_>) -> Result<()> {
        self.features = Features::parse(el)?;
        self.lifecycle = Lifecycle::parse(el)?;
        self.pm = Pm::parse(el)?;
        self.perf = Perf::parse(el)?;
        self.clock = Clock::parse(el)?;
        Ok(())
    }

    /// The KiB of memory that the guest starts with, without that of memory devices.
    #[must_use]
    pub fn initial_memory(&self) -> u64 {
        let modules: u64 = self.devices.memories.iter().map(|module| module.size).sum();
        self.memory.total.saturating_sub(modules)
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self, flags: FormatFlags) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w, flags);
        w.finish()
    }

    /// Writes the `<domain>` element into another document.
    pub fn format_into(&self, w: &mut Writer, flags: FormatFlags) {
        self.format_as("domain", w, flags);
    }

    /// Writes the document under another name, as snapshots have it.
    pub fn format_as(&self, name: &str, w: &mut Writer, mut flags: FormatFlags) {
        if self.id.is_none() {
            flags |= FormatFlags::INACTIVE;
        }
        w.element(name, |w| {
            w.attr("type", self.virt_type);
            if !flags.contains(FormatFlags::INACTIVE) {
                w.attr_opt("id", self.id);
            }
            self.namespace.format_declaration(w);
            self.format_identity(w);
            self.format_resources(w, flags);
            self.format_machine(w, flags);
            w.open_element("devices", |w| {
                w.text_element_opt("emulator", self.emulator.as_ref());
                self.devices.format(w, &FormatContext { flags, domain: self });
            });
            self.seclabels.iter().for_each(|label| label.format(w));
            if let Some(keywrap) = &self.keywrap {
                keywrap.format(w);
            }
            if let Some(launch_security) = &self.launch_security {
                launch_security.format(w);
            }
            self.namespace.format(w);
        });
    }

    fn format_identity(&self, w: &mut Writer) {
        w.text_element("name", &self.name);
        w.text_element_opt("uuid", self.uuid);
        if let Some(genid) = self.genid {
            genid.format(w);
        }
        w.text_element_opt("title", self.title.as_ref());
        w.text_element_opt("description", self.description.as_ref());
        if let Some(metadata) = &self.metadata {
            metadata.format(w);
        }
    }

    fn format_resources(&self, w: &mut Writer, flags: FormatFlags) {
        self.memory.format(w);
        self.blkiotune.format(w);
        self.memtune.format(w);
        self.memory_backing.format(w);
        self.vcpus.format(w);
        self.iothreads.format(w);
        self.cputune.format(w, &self.iothreads, flags);
        self.numatune.format(w);
        if let Some(resource) = &self.resource {
            resource.format(w);
        }
        self.sysinfo.iter().for_each(|sysinfo| sysinfo.format(w));
    }

    fn format_machine(&self, w: &mut Writer, flags: FormatFlags) {
        if self.bootloader.is_some() {
            w.text_element_opt("bootloader", self.bootloader.as_ref());
            w.text_element_opt("bootloader_args", self.bootloader_args.as_ref());
        }
        let cx = OsFormat { flags, virt_type: self.virt_type, has_bootloader: self.bootloader.is_some() };
        self.os.format(w, &cx);
        self.idmap.format(w);
        self.features.format(w);
        let asked = self.asked_cpu.as_deref().filter(|_| flags.contains(FormatFlags::MIGRATABLE));
        Cpu::format(asked.or(self.cpu.as_ref()), &self.numa, w);
        self.clock.format(w, flags);
        self.lifecycle.format(w);
        self.pm.format(w);
        self.perf.format(w);
    }
}

grammar! {
    GRAMMAR = [
        Must("type", OneOf(VirtType::NAMES)), Attr("id", Integer),
        One("name", TEXT), Opt("uuid", &[Text(UUID)]), Opt("genid", TEXT), Opt("title", TEXT), Opt("description", TEXT),
        Opt("metadata", &[Foreign]), With(memory::GRAMMAR), Opt("blkiotune", tuning::BLKIOTUNE),
        Opt("memtune", tuning::MEMTUNE), Opt("memoryBacking", memory_backing::GRAMMAR), With(vcpu::GRAMMAR),
        With(iothread::GRAMMAR), Opt("cputune", tuning::CPUTUNE), Opt("numatune", tuning::NUMATUNE),
        Opt("resource", resource::GRAMMAR), Many("sysinfo", sysinfo::GRAMMAR), Opt("bootloader", TEXT),
        Opt("bootloader_args", TEXT), Opt("os", os::GRAMMAR), Opt("idmap", idmap::GRAMMAR),
        Opt("features", features::GRAMMAR), Opt("cpu", cpu::GRAMMAR), Opt("clock", clock::GRAMMAR),
        With(lifecycle::GRAMMAR), Opt("pm", pm::GRAMMAR), Opt("perf", perf::GRAMMAR),
        Opt("devices", Devices::GRAMMAR), Many("seclabel", seclabel::GRAMMAR), Opt("keywrap", keywrap::GRAMMAR),
        Opt("launchSecurity", launch_security::GRAMMAR), With(namespace::GRAMMAR),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_domain_has_libvirts_defaults() {
        let xml = "<domain type='kvm'><name>a</name><os><type>hvm</type></os></domain>";
        let domain = Domain::parse(xml, ParseFlags::INACTIVE).unwrap();
        let written = domain.format(FormatFlags::INACTIVE);
        for part in [
            "<memory unit='KiB'>0</memory>",
            "<vcpu placement='static'>1</vcpu>",
            "<clock offset='utc'/>",
            "<on_poweroff>destroy</on_poweroff>",
            "<on_reboot>restart</on_reboot>",
            "<on_crash>destroy</on_crash>",
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
        assert_eq!(
            Domain::parse(&written, ParseFlags::INACTIVE).unwrap().format(FormatFlags::INACTIVE),
            written
        );
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for (xml, code) in [
            ("<domain type='kvm'><os><type>hvm</type></os></domain>", ErrorCode::NoName),
            ("<domain><name>a</name><os><type>hvm</type></os></domain>", ErrorCode::InternalError),
            (
                "<domain type='ovm'><name>a</name><os><type>hvm</type></os></domain>",
                ErrorCode::ConfigUnsupported,
            ),
            (
                "<domain type='kvm'><name>a</name><uuid>1</uuid><os><type>hvm</type></os></domain>",
                ErrorCode::InternalError,
            ),
            (
                "<domain type='kvm'><name>a</name><title>b\nc</title><os><type>hvm</type></os></domain>",
                ErrorCode::XmlError,
            ),
            (
                "<domain type='kvm'><name>a</name><cpu><numa><cell cpus='0-1' memory='1'/></numa></cpu><os><type>hvm</type></os></domain>",
                ErrorCode::InternalError,
            ),
        ] {
            assert_eq!(Domain::parse(xml, ParseFlags::INACTIVE).unwrap_err().code(), code, "{xml}");
        }
    }
}
