//! What domains of one emulator, machine and type may have, as a document.

use std::path::Path;

use virt_conf::common::chardev::ChardevType;
use virt_conf::domain::device::{
    DiskBus, DiskDevice, DiskModel, FilesystemDriver, GraphicsType, RedirdevBus, RngBackendType, RngModel,
    SubsystemType, TpmBackendType, TpmModel, TpmVersion, VideoModel,
};
use virt_conf::domain::{Domain, Firmware as FirmwareKind, LoaderType, MemorySource, VirtType};
use virt_conf::domain_capabilities::{
    CpuModes, CustomModel, DomainCapabilities, Features, Section, Sgx, Usable,
};
use virt_types::Arch;

use super::emulator::is_native;
use super::{Cap, Capabilities, SgxInfo};
use crate::firmware::{self, Mapping};
use crate::host::Host;
use crate::machine;

/// Images that are told where no description fits the machine.
const LOADERS: &[&str] = &[
    "/usr/share/OVMF/OVMF_CODE.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd",
];

/// The guest that is asked about, and whom to ask.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The binary.
    pub caps: &'a Capabilities,
    /// The host.
    pub host: &'a Host,
    /// The guest's architecture.
    pub arch: Arch,
    /// The domain's type.
    pub virt_type: VirtType,
    /// The machine, by its canonical name; absent where the binary has none.
    pub machine: Option<&'a str>,
    /// The most vCPUs that KVM gives a guest.
    pub kvm_max_vcpus: u32,
}

impl Question<'_> {
    fn has(&self, cap: Cap) -> bool {
        self.caps.has(cap)
    }

    /// These values, each where the binary has what it needs.
    fn offered<T: Copy>(&self, rows: &[(Cap, T)]) -> Vec<T> {
        rows.iter().filter(|(cap, _)| self.has(*cap)).map(|(_, value)| *value).collect()
    }

    /// A domain of this kind, as far as its machine goes.
    fn domain(&self) -> Domain {
        let mut domain = Domain::default();
        domain.os.arch = self.caps.arch;
        domain.os.machine = self.machine.map(str::to_owned);
        domain
    }

    /// The document; `exists` tells of files of firmware whether they are there.
    #[must_use]
    pub fn answer(&self, exists: &dyn Fn(&Path) -> bool) -> DomainCapabilities {
        let machine = self.machine.and_then(|name| self.caps.machine(self.virt_type, name));
        let max_vcpus = machine.map_or(0, |machine| machine.max_cpus);
        let (os, loader) = self.os(exists);
        DomainCapabilities {
            path: self.caps.binary.clone(),
            virt_type: self.virt_type,
            machine: self.machine.map(str::to_owned),
            arch: self.arch,
            max_vcpus: if self.virt_type == VirtType::Kvm {
                max_vcpus.min(self.kvm_max_vcpus)
            } else {
                max_vcpus
            },
            iothreads: Some(true),
            os,
            loader,
            cpu: self.cpu(),
            memory_backing: self.memory_backing(),
            devices: vec![
                ("disk", self.disk()),
                ("graphics", self.graphics()),
                ("video", self.video()),
                ("hostdev", self.hostdev()),
                ("rng", self.rng()),
                ("filesystem", self.filesystem()),
                ("tpm", self.tpm()),
                ("redirdev", self.redirdev()),
                ("channel", self.channel()),
            ],
            features: self.features(),
        }
    }

    fn os(&self, exists: &dyn Fn(&Path) -> bool) -> (Section, Section) {
        let machine = self.machine.unwrap_or_default();
        let fitting: Vec<_> =
            self.host.firmware.iter().filter(|firmware| firmware.is_for(self.arch, machine)).collect();
        let has_interface = |name: &str| {
            fitting.iter().any(|firmware| firmware.interface_types.iter().any(|kind| kind == name))
        };
        let kinds = [("bios", FirmwareKind::Bios), ("uefi", FirmwareKind::Efi)];
        let kinds = kinds.into_iter().filter(|(name, _)| has_interface(name)).map(|(_, kind)| kind);
        let os = Section::supported().with("firmware", kinds);

        let path = |firmware: &&firmware::Firmware| match &firmware.mapping {
            Mapping::Flash { executable, .. } => Some(executable.filename.clone()),
            Mapping::Memory { filename } => Some(filename.clone()),
            Mapping::Kernel { .. } => None,
        };
        let mut paths: Vec<String> = fitting.iter().filter_map(path).collect();
        if paths.is_empty() {
            paths = LOADERS.iter().map(|path| (*path).to_owned()).collect();
        }
        let secure = fitting.iter().any(|firmware| firmware.features.contains("requires-smm"));
        let present = paths.iter().filter(|path| exists(Path::new(path)));
        let loader = present.fold(Section::supported(), |loader, path| loader.with_value(path));
        let loader = loader
            .with("type", [LoaderType::Rom, LoaderType::Pflash])
            .with_texts("readonly", ["yes", "no"])
            .with_texts("secure", if secure { vec!["yes", "no"] } else { vec!["no"] });
        (os, loader)
    }

    fn cpu(&self) -> CpuModes {
        let mut modes = CpuModes::default();
        if self.virt_type == VirtType::Kvm && is_native(self.host.arch, self.caps.arch) {
            let migratable = self.has(Cap::CpuMigratable).then_some("on");
            let values = migratable.into_iter().chain(["off"]);
            modes.host_passthrough = Section::supported().with_texts("hostPassthroughMigratable", values);
        }
        if self.has(Cap::CpuMax) {
            modes.maximum = Section::supported().with_texts("maximumMigratable", ["on", "off"]);
        }
        modes.host_model = self.caps.host_model(self.virt_type, self.host.arch);
        if let Ok(known) = virt_cpu::models(self.arch) {
            let cpus =
                self.caps.accelerated(self.virt_type).into_iter().flat_map(|accelerated| &accelerated.cpus);
            // An architecture without a list takes any name.
            let named = cpus
                .filter(|cpu| cpu.name != "host")
                .filter(|cpu| known.is_empty() || known.contains(&cpu.name.as_str()));
            modes.custom = named
                .map(|cpu| CustomModel {
                    name: cpu.name.clone(),
                    usable: match &cpu.blockers {
                        None => Usable::Unknown,
                        Some(blockers) if blockers.is_empty() => Usable::Yes,
                        Some(_) => Usable::No,
                    },
                    deprecated: cpu.deprecated,
                    vendor: virt_cpu::vendor_of_model(self.caps.arch, &cpu.name),
                })
                .collect();
        }
        modes
    }

    fn memory_backing(&self) -> Section {
        let mut sources = vec![MemorySource::File, MemorySource::Anonymous];
        sources.extend(self.offered(&[(Cap::MemoryBackendMemfd, MemorySource::Memfd)]));
        Section::supported().with("sourceType", sources)
    }

    fn disk(&self) -> Section {
        let domain = self.domain();
        let mut devices = vec![DiskDevice::Disk, DiskDevice::Cdrom, DiskDevice::Lun];
        let mut buses = vec![DiskBus::Scsi, DiskBus::Virtio];
        if !machine::is_pseries(&domain) {
            devices.push(DiskDevice::Floppy);
            buses.push(DiskBus::Fdc);
        }
        if machine::has_builtin_ide(&domain) {
            buses.push(DiskBus::Ide);
        }
        buses.extend(self.offered(&[(Cap::UsbStorage, DiskBus::Usb), (Cap::Ich9Ahci, DiskBus::Sata)]));
        let mut models = vec![DiskModel::Virtio];
        if self.has(Cap::VirtioPciTransitional) {
            models.extend([DiskModel::VirtioTransitional, DiskModel::VirtioNonTransitional]);
        }
        Section::supported().with("diskDevice", devices).with("bus", buses).with("model", models)
    }

    fn graphics(&self) -> Section {
        let kinds = self.offered(&[
            (Cap::Sdl, GraphicsType::Sdl),
            (Cap::Vnc, GraphicsType::Vnc),
            (Cap::Spice, GraphicsType::Spice),
            (Cap::EglHeadless, GraphicsType::EglHeadless),
            (Cap::DisplayDbus, GraphicsType::Dbus),
        ]);
        Section::supported().with("type", kinds)
    }

    fn video(&self) -> Section {
        let mut models = vec![VideoModel::None];
        models.extend(self.offered(&[
            (Cap::Vga, VideoModel::Vga),
            (Cap::CirrusVga, VideoModel::Cirrus),
            (Cap::VmwareSvga, VideoModel::Vmvga),
            (Cap::Qxl, VideoModel::Qxl),
            (Cap::VirtioGpu, VideoModel::Virtio),
            (Cap::BochsDisplay, VideoModel::Bochs),
            (Cap::Ramfb, VideoModel::Ramfb),
        ]));
        Section::supported().with("modelType", models)
    }

    fn hostdev(&self) -> Section {
        let mut kinds = vec![SubsystemType::Pci, SubsystemType::Scsi];
        let usb = [
            Cap::Piix3UsbUhci,
            Cap::Piix4UsbUhci,
            Cap::UsbEhci,
            Cap::Ich9UsbEhci1,
            Cap::Vt82c686bUsbUhci,
            Cap::PciOhci,
            Cap::NecUsbXhci,
            Cap::QemuXhci,
        ];
        if usb.into_iter().any(|cap| self.has(cap)) {
            kinds.push(SubsystemType::Usb);
        }
        let vfio = self.host.vfio && self.has(Cap::VfioPci);
        Section::supported()
            .with_texts("mode", ["subsystem"])
            .with_texts("startupPolicy", ["default", "mandatory", "requisite", "optional"])
            .with("subsysType", kinds)
            .with_texts("capsType", [])
            .with_texts("pciBackend", if vfio { vec!["default", "vfio"] } else { Vec::new() })
    }

    fn rng(&self) -> Section {
        let mut models = self.offered(&[(Cap::VirtioRng, RngModel::Virtio)]);
        if !models.is_empty() && self.has(Cap::VirtioPciTransitional) {
            models.extend([RngModel::VirtioTransitional, RngModel::VirtioNonTransitional]);
        }
        let backends = self.offered(&[
            (Cap::RngRandom, RngBackendType::Random),
            (Cap::RngEgd, RngBackendType::Egd),
            (Cap::RngBuiltin, RngBackendType::Builtin),
        ]);
        Section::supported().with("model", models).with("backendModel", backends)
    }

    fn filesystem(&self) -> Section {
        let mut drivers = vec![FilesystemDriver::Path, FilesystemDriver::Handle];
        drivers.extend(self.offered(&[(Cap::VhostUserFs, FilesystemDriver::Virtiofs)]));
        Section::supported().with("driverType", drivers)
    }

    fn tpm(&self) -> Section {
        let models = self.offered(&[
            (Cap::TpmTis, TpmModel::Tis),
            (Cap::TpmCrb, TpmModel::Crb),
            (Cap::TpmSpapr, TpmModel::Spapr),
            (Cap::SpaprTpmProxy, TpmModel::SpaprProxy),
        ]);
        if models.is_empty() {
            return Section::unsupported();
        }
        let mut backends = self.offered(&[(Cap::TpmPassthrough, TpmBackendType::Passthrough)]);
        if self.host.swtpm.is_some() && self.has(Cap::TpmEmulator) {
            backends.extend([TpmBackendType::Emulator, TpmBackendType::External]);
        }
        let section = Section::supported().with("model", models).with("backendModel", backends);
        match self.host.swtpm {
            None => section,
            Some(swtpm) => {
                let versions = [(swtpm.tpm1, TpmVersion::V1_2), (swtpm.tpm2, TpmVersion::V2_0)];
                let known = versions.into_iter().filter(|(known, _)| *known);
                section.with("backendVersion", known.map(|(_, version)| version))
            }
        }
    }

    fn redirdev(&self) -> Section {
        match self.has(Cap::UsbRedir) {
            true => Section::supported().with("bus", [RedirdevBus::Usb]),
            false => Section::unsupported(),
        }
    }

    fn channel(&self) -> Section {
        let mut kinds = vec![ChardevType::Pty, ChardevType::Unix];
        kinds.extend(self.offered(&[(Cap::Spice, ChardevType::Spicevmc)]));
        Section::supported().with("type", kinds)
    }

    fn features(&self) -> Features {
        let mut simple = vec![
            ("vmcoreinfo", self.has(Cap::Vmcoreinfo)),
            ("genid", self.has(Cap::Vmgenid)),
            ("backingStoreInput", true),
            ("backup", self.has(Cap::IncrementalBackup)),
        ];
        if self.caps.arch.is_s390() {
            simple.push(("s390-pv", false));
        }
        let sgx = self.caps.sgx.map(|SgxInfo { flc, sgx1, sgx2, size }| Sgx {
            flc,
            sgx1,
            sgx2,
            section_size: size,
            sections: self.caps.sgx_sections.clone(),
        });
        // Only KVM pretends to be Hyper-V, but libvirt tells of it whatever the type.
        let hyperv = self.caps.hyperv.as_ref().map(|known| {
            let names = known.iter().filter_map(|name| super::host_model::hyperv_name(name));
            Section::supported().with_texts("features", names)
        });
        Features { gic: self.gic(), simple, sev: None, sgx, hyperv }
    }

    fn gic(&self) -> Section {
        if !machine::is_arm_virt(&self.domain()) {
            return Section::unsupported();
        }
        let versions = match self.virt_type {
            VirtType::Kvm => self.caps.kvm_gic_versions.as_slice(),
            // Emulated ones are there whatever the host has.
            _ => self.caps.emulated_gic_versions.as_slice(),
        };
        let named = [(2, "2"), (3, "3")];
        let known: Vec<&str> =
            named.into_iter().filter(|(number, _)| versions.contains(number)).map(|(_, name)| name).collect();
        match known.is_empty() {
            true => Section::unsupported(),
            false => Section::supported().with_texts("version", known),
        }
    }
}
