//! One row per capability: its name here, libvirt's name, and what in QEMU's answers shows it.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Capabilities;
use super::replies::Replies;
use super::schema::Schema;

/// What in QEMU's answers shows a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A device or object type exists (`qom-list-types`).
    Type(&'static str),
    /// A device type has a property (`device-list-properties`).
    DeviceProperty(&'static str, &'static str),
    /// An object or machine type has a property (`qom-list-properties`; machines without `-machine`).
    ObjectProperty(&'static str, &'static str),
    /// The newest version of a machine type has a property (`qom-list-properties`).
    MachineProperty(&'static str, &'static str),
    /// A monitor command exists (`query-commands`).
    Command(&'static str),
    /// A path through the schema of the monitor (`query-qmp-schema`), in libvirt's notation: a command or event,
    /// `arg-type` or `ret-type` or `data`, then members, `+name` for a variant, `^name` for an enumeration value.
    Schema(&'static str),
    /// An option has a parameter (`query-command-line-options`).
    OptionParameter(&'static str, &'static str),
    /// As [`Evidence::OptionParameter`], of an option that is in a module of QEMU. Where the module was not loaded when
    /// QEMU was asked, a type in it (`qom-list-types` loads all modules) shows that it is there.
    ModuleOption(&'static str, &'static str, &'static str),
    /// The answer of a command without arguments is a list of texts that has this one.
    Listed(&'static str, &'static str),
    /// Known from version, architecture or another answer; decided in code by name.
    Computed,
}

macro_rules! capabilities {
    ($($name:ident $libvirt:literal $evidence:expr;)+) => {
        /// Something that a QEMU binary may or may not be able to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cap { $(#[doc = concat!("`", $libvirt, "`")] $name,)+ }

        impl Cap {
            /// Every capability with what shows it.
            pub const TABLE: &'static [(Self, Evidence)] = &[$((Self::$name, $evidence),)+];

            /// libvirt's name of the flag, as status files and the capability cache have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $libvirt,)+ }
            }
        }
    };
}

capabilities! {
    Kvm "kvm" Evidence::Computed;
    SeccompSandbox "seccomp-sandbox" Evidence::OptionParameter("sandbox", "");
    CompatDeprecated "compat-deprecated" Evidence::Computed;
    MachineHpet "machine-hpet" Evidence::OptionParameter("machine", "hpet");
    SmpDies "smp-dies" Evidence::Schema("query-hotpluggable-cpus/ret-type/props/die-id");
    KvmPitTickPolicy "kvm-pit-lost-tick-policy" Evidence::DeviceProperty("kvm-pit", "lost_tick_policy");
    MemoryBackendMemfd "memory-backend-memfd" Evidence::Type("memory-backend-memfd");
    MemoryBackendMemfdHugetlb "memory-backend-memfd.hugetlb" Evidence::ObjectProperty("memory-backend-memfd", "hugetlb");
    MemoryBackendPreallocThreads "memory-backend-file.prealloc-threads" Evidence::ObjectProperty("memory-backend-file", "prealloc-threads");
    ThreadContext "thread-context" Evidence::Type("thread-context");
    IothreadThreadPoolMax "iothread.thread-pool-max" Evidence::Schema("object-add/arg-type/+iothread/thread-pool-max");
    NumaHmat "numa.hmat" Evidence::Schema("set-numa-node/arg-type/+hmat-lb");
    AsyncTeardown "run-with.async-teardown" Evidence::OptionParameter("run-with", "async-teardown");
    Vmgenid "vmgenid" Evidence::Type("vmgenid");
    Vmcoreinfo "vmcoreinfo" Evidence::Type("vmcoreinfo");
    Vmport "machine-vmport-opt" Evidence::Type("vmport");
    CpuMax "cpu-max" Evidence::Computed;
    CpuKvmNoAdjvtime "cpu.kvm-no-adjvtime" Evidence::ObjectProperty("max-arm-cpu", "kvm-no-adjvtime");
    UsbKbd "usb-kbd" Evidence::Type("usb-kbd");
    UsbHub "usb-hub" Evidence::Type("usb-hub");
    UsbAudio "usb-audio" Evidence::Type("usb-audio");
    VirtioKeyboard "virtio-keyboard" Evidence::Type("virtio-keyboard-device");
    VirtioMouse "virtio-mouse" Evidence::Type("virtio-mouse-device");
    VirtioTablet "virtio-tablet" Evidence::Type("virtio-tablet-device");
    VirtioInputHost "virtio-input-host" Evidence::Type("virtio-input-host-device");
    VirtioKeyboardCcw "virtio-keyboard-ccw" Evidence::Type("virtio-keyboard-ccw");
    VirtioMouseCcw "virtio-mouse-ccw" Evidence::Type("virtio-mouse-ccw");
    VirtioTabletCcw "virtio-tablet-ccw" Evidence::Type("virtio-tablet-ccw");
    InputLinux "input-linux" Evidence::Type("input-linux");
    Pvpanic "pvpanic" Evidence::Type("pvpanic");
    PvpanicPci "pvpanic-pci" Evidence::Type("pvpanic-pci");
    VirtioBalloonDeflateOnOom "virtio-balloon-pci.deflate-on-oom" Evidence::DeviceProperty("virtio-balloon-pci", "deflate-on-oom");
    Vga "VGA" Evidence::Type("VGA");
    CirrusVga "cirrus-vga" Evidence::Type("cirrus-vga");
    VmwareSvga "vmware-svga" Evidence::Type("vmware-svga");
    Qxl "qxl" Evidence::Type("qxl");
    VirtioGpu "virtio-gpu" Evidence::Type("virtio-gpu-device");
    VirtioGpuVirgl "virtio-gpu.virgl" Evidence::DeviceProperty("virtio-gpu-device", "virgl");
    VirtioGpuGlPci "virtio-gpu-gl-pci" Evidence::Type("virtio-gpu-gl-pci");
    VirtioGpuBlob "virtio-gpu.blob" Evidence::DeviceProperty("virtio-gpu-device", "blob");
    VirtioVga "virtio-vga" Evidence::Type("virtio-vga");
    VirtioVgaGl "virtio-vga-gl" Evidence::Type("virtio-vga-gl");
    BochsDisplay "bochs-display" Evidence::Type("bochs-display");
    Ramfb "ramfb" Evidence::Type("ramfb");
    VhostUserGpu "vhost-user-gpu" Evidence::Type("vhost-user-gpu");
    VhostUserVga "vhost-user-vga" Evidence::Type("vhost-user-vga");
    Ich9IntelHda "ich9-intel-hda" Evidence::Type("ich9-intel-hda");
    HdaMicro "hda-micro" Evidence::Type("hda-micro");
    HdaOutput "hda-output" Evidence::Type("hda-output");
    VirtioBalloonFreePageReporting "virtio-balloon.free-page-reporting" Evidence::DeviceProperty("virtio-balloon-pci", "free-page-reporting");
    CpuUnavailableFeatures "cpu.unavailable-features" Evidence::DeviceProperty("max-x86_64-cpu", "unavailable-features");
    CpuMigratable "cpu.migratable" Evidence::DeviceProperty("max-x86_64-cpu", "migratable");
    MchExtendedTsegMbytes "mch.extended-tseg-mbytes" Evidence::DeviceProperty("mch", "extended-tseg-mbytes");
    // Disks.
    VirtioBlkScsi "virtio-blk-pci.scsi" Evidence::DeviceProperty("virtio-blk-pci", "scsi");
    VirtioPciTransitional "virtio-pci-non-transitional" Evidence::Type("virtio-blk-pci-non-transitional");
    IncrementalBackup "incremental-backup" Evidence::Command("blockdev-reopen");
    VirtioBlkQueueSize "virtio-blk.queue-size" Evidence::DeviceProperty("virtio-blk-pci", "queue-size");
    ScsiBlock "scsi-block" Evidence::Type("scsi-block");
    ScsiDiskChannel "scsi-disk.channel" Evidence::DeviceProperty("scsi-hd", "channel");
    RotationRate "rotation-rate" Evidence::DeviceProperty("scsi-hd", "rotation_rate");
    UsbStorage "usb-storage" Evidence::Type("usb-storage");
    VhostUserBlk "vhost-user-blk" Evidence::Type("vhost-user-blk");
    VirtioBlkVhostVdpa "virtio-blk-vhost-vdpa" Evidence::Schema("blockdev-add/arg-type/+virtio-blk-vhost-vdpa/$fdset");
    AioIoUring "aio.io_uring" Evidence::Schema("blockdev-add/arg-type/+file/aio/^io_uring");
    PrManagerHelper "pr-manager-helper" Evidence::Type("pr-manager-helper");
    Qcow2DiscardNoUnref "qcow2-discard-no-unref" Evidence::Schema("blockdev-add/arg-type/+qcow2/discard-no-unref");
    BlockdevNbdTlsHostname "blockdev.nbd.tls-hostname" Evidence::Schema("blockdev-add/arg-type/+nbd/tls-hostname");
    Vxhs "vxhs" Evidence::Schema("blockdev-add/arg-type/+vxhs");
    RbdEncryption "rbd-encryption" Evidence::Schema("blockdev-add/arg-type/+rbd/encrypt");
    RbdEncryptionLayering "rbd-encryption-layering" Evidence::Schema("blockdev-add/arg-type/+rbd/encrypt/parent");
    RbdEncryptionLuksAny "rbd-encryption-luks-any" Evidence::Schema("blockdev-add/arg-type/+rbd/encrypt/format/^luks-any");
    // Network cards and their connections.
    Rtl8139 "rtl8139" Evidence::Type("rtl8139");
    E1000 "e1000" Evidence::Type("e1000");
    VirtioNet "virtio-net" Evidence::Type("virtio-net-device");
    VirtioNetRss "virtio-net.rss" Evidence::DeviceProperty("virtio-net-pci", "rss");
    NetdevVhostVdpa "netdev.vhost-vdpa" Evidence::Schema("netdev_add/arg-type/+vhost-vdpa");
    NetdevStream "netdev.stream" Evidence::Schema("netdev_add/arg-type/+stream");
    NetdevStreamReconnect "netdev.stream.reconnect" Evidence::Schema("netdev_add/arg-type/+stream/reconnect");
    // Character devices.
    IsaSerial "isa-serial" Evidence::Type("isa-serial");
    UsbSerial "usb-serial" Evidence::Type("usb-serial");
    PciSerial "pci-serial" Evidence::Type("pci-serial");
    SpaprVty "spapr-vty" Evidence::Type("spapr-vty");
    SclpConsole "s390-sclp" Evidence::Type("sclpconsole");
    SclpLmConsole "sclplmconsole" Evidence::Type("sclplmconsole");
    Pl011 "pl011" Evidence::Type("pl011");
    ChardevQemuVdagent "chardev.qemu-vdagent" Evidence::Schema("chardev-add/arg-type/backend/+qemu-vdagent");
    // Memory, entropy, IOMMUs and other small devices.
    VirtioRng "virtio-rng" Evidence::Type("virtio-rng-device");
    RngRandom "rng-random" Evidence::Type("rng-random");
    RngEgd "rng-egd" Evidence::Type("rng-egd");
    RngBuiltin "rng-builtin" Evidence::Type("rng-builtin");
    SpaprNvram "nvram" Evidence::Type("spapr-nvram");
    IntelIommu "intel-iommu" Evidence::Type("intel-iommu");
    IntelIommuIntremap "intel-iommu.intremap" Evidence::DeviceProperty("intel-iommu", "intremap");
    IntelIommuCachingMode "intel-iommu.caching-mode" Evidence::DeviceProperty("intel-iommu", "caching-mode");
    IntelIommuEim "intel-iommu.eim" Evidence::DeviceProperty("intel-iommu", "eim");
    IntelIommuDeviceIotlb "intel-iommu.device-iotlb" Evidence::DeviceProperty("intel-iommu", "device-iotlb");
    IntelIommuAwBits "intel-iommu.aw-bits" Evidence::DeviceProperty("intel-iommu", "aw-bits");
    MachineVirtIommu "machine.virt.iommu" Evidence::MachineProperty("virt", "iommu");
    VirtioIommuPci "virtio-iommu-pci" Evidence::Type("virtio-iommu-pci");
    VirtioIommuBootBypass "virtio-iommu.boot-bypass" Evidence::DeviceProperty("virtio-iommu-pci", "boot-bypass");
    VhostVsock "vhost-vsock" Evidence::Type("vhost-vsock-device");
    IvshmemPlain "ivshmem-plain" Evidence::Type("ivshmem-plain");
    IvshmemDoorbell "ivshmem-doorbell" Evidence::Type("ivshmem-doorbell");
    PcDimm "pc-dimm" Evidence::Type("pc-dimm");
    Nvdimm "nvdimm" Evidence::Type("nvdimm");
    NvdimmUnarmed "nvdimm.unarmed" Evidence::DeviceProperty("nvdimm", "unarmed");
    VirtioPmemPci "virtio-pmem-pci" Evidence::Type("virtio-pmem-pci");
    VirtioMemPci "virtio-mem-pci" Evidence::Type("virtio-mem-pci");
    VirtioMemPciPrealloc "virtio-mem-pci.prealloc" Evidence::DeviceProperty("virtio-mem-pci", "prealloc");
    SgxEpc "sgx-epc" Evidence::Type("sgx-epc");
    VirtioCrypto "virtio-crypto" Evidence::Type("virtio-crypto-device");
    CryptodevBackendLkcf "cryptodev-backend-lkcf" Evidence::Type("cryptodev-backend-lkcf");
    MemoryBackendFilePmem "memory-backend-file.pmem" Evidence::ObjectProperty("memory-backend-file", "pmem");
    MemoryBackendReserve "memory-backend-file.reserve" Evidence::ObjectProperty("memory-backend-file", "reserve");
    XUseCanonicalPathForRamblockId "memory-backend-file.x-use-canonical-path-for-ramblock-id" Evidence::ObjectProperty("memory-backend-file", "x-use-canonical-path-for-ramblock-id");
    // Displays and sound.
    Sdl "sdl" Evidence::Schema("query-display-options/ret-type/+sdl");
    Spice "spice" Evidence::ModuleOption("spice", "", "chardev-spicevmc");
    Vnc "vnc" Evidence::Command("query-vnc");
    SpiceGl "spice-gl" Evidence::ModuleOption("spice", "gl", "chardev-spicevmc");
    SpiceRendernode "spice-rendernode" Evidence::ModuleOption("spice", "rendernode", "chardev-spicevmc");
    EglHeadless "egl-headless" Evidence::Schema("query-display-options/ret-type/+egl-headless");
    EglHeadlessRendernode "egl-headless.rendernode" Evidence::Schema("query-display-options/ret-type/+egl-headless/rendernode");
    VncPowerControl "vnc-power-control" Evidence::OptionParameter("vnc", "power-control");
    DisplayDbus "display-dbus" Evidence::Schema("query-display-options/ret-type/+dbus");
    AudiodevPipewire "audiodev-pipewire" Evidence::Schema("query-audiodevs/ret-type/driver/^pipewire");
    CcidEmulated "ccid-emulated" Evidence::Type("ccid-card-emulated");
    CcidPassthru "ccid-passthru" Evidence::Type("ccid-card-passthru");
    UsbRedir "usb-redir" Evidence::Type("usb-redir");
    UsbRedirFilter "usb-redir.filter" Evidence::DeviceProperty("usb-redir", "filter");
    // Trusted platform modules.
    TpmPassthrough "tpm-passthrough" Evidence::Listed("query-tpm-types", "passthrough");
    TpmEmulator "tpm-emulator" Evidence::Listed("query-tpm-types", "emulator");
    TpmTis "tpm-tis" Evidence::Listed("query-tpm-models", "tpm-tis");
    TpmCrb "tpm-crb" Evidence::Listed("query-tpm-models", "tpm-crb");
    TpmSpapr "tpm-spapr" Evidence::Type("tpm-spapr");
    SpaprTpmProxy "spapr-tpm-proxy" Evidence::Type("spapr-tpm-proxy");
    // File systems and host devices.
    FsdevMultidevs "fsdev.multidevs" Evidence::OptionParameter("fsdev", "multidevs");
    VhostUserFs "vhost-user-fs" Evidence::Type("vhost-user-fs-device");
    VhostUserFsBootindex "vhost-user-fs.bootindex" Evidence::DeviceProperty("vhost-user-fs-pci", "bootindex");
    UsbHostHostdevice "usb-host.hostdevice" Evidence::DeviceProperty("usb-host", "hostdevice");
    UsbHostGuestResetsAll "usb-host.guest-resets-all" Evidence::DeviceProperty("usb-host", "guest-resets-all");
    VfioPci "vfio-pci" Evidence::Type("vfio-pci");
    VfioCcw "vfio-ccw" Evidence::Type("vfio-ccw");
    VfioAp "vfio-ap" Evidence::Type("vfio-ap");
    VhostScsi "vhost-scsi" Evidence::Type("vhost-scsi");
    // Controllers.
    Piix3UsbUhci "piix3-usb-uhci" Evidence::Type("piix3-usb-uhci");
    Piix4UsbUhci "piix4-usb-uhci" Evidence::Type("piix4-usb-uhci");
    UsbEhci "usb-ehci" Evidence::Type("usb-ehci");
    Ich9UsbEhci1 "ich9-usb-ehci1" Evidence::Type("ich9-usb-ehci1");
    Vt82c686bUsbUhci "vt82c686b-usb-uhci" Evidence::Type("vt82c686b-usb-uhci");
    PciOhci "pci-ohci" Evidence::Type("pci-ohci");
    NecUsbXhci "nec-usb-xhci" Evidence::Type("nec-usb-xhci");
    QemuXhci "qemu-xhci" Evidence::Type("qemu-xhci");
    Ich9Ahci "ich9-ahci" Evidence::Type("ich9-ahci");
    Lsi "lsi" Evidence::Type("lsi53c895a");
    VirtioScsi "virtio-scsi-pci" Evidence::Type("virtio-scsi-device");
    Megasas "megasas" Evidence::Type("megasas");
    Mptsas1068 "mptsas1068" Evidence::Type("mptsas1068");
    Pvscsi "pvscsi" Evidence::Type("pvscsi");
    PciBridge "pci-bridge" Evidence::Type("pci-bridge");
    DmiToPciBridge "dmi-to-pci-bridge" Evidence::Type("i82801b11-bridge");
    Ioh3420 "ioh3420" Evidence::Type("ioh3420");
    X3130Upstream "x3130-upstream" Evidence::Type("x3130-upstream");
    Xio3130Downstream "xio3130-downstream" Evidence::Type("xio3130-downstream");
    Pxb "pxb" Evidence::Type("pxb");
    PxbPcie "pxb-pcie" Evidence::Type("pxb-pcie");
    PcieRootPort "pcie-root-port" Evidence::Type("pcie-root-port");
    PcieRootPortHotplug "pcie-root-port.hotplug" Evidence::DeviceProperty("pcie-root-port", "hotplug");
    PciePciBridge "pcie-pci-bridge" Evidence::Type("pcie-pci-bridge");
    SpaprPciHostBridge "spapr-pci-host-bridge" Evidence::Type("spapr-pci-host-bridge");
    SpaprPciHostBridgeNumaNode "spapr-pci-host-bridge.numa_node" Evidence::DeviceProperty("spapr-pci-host-bridge", "numa_node");
    Gpex "gpex-pcihost" Evidence::Type("gpex-pcihost");
    Zpci "zpci" Evidence::Type("zpci");
    VirtioMmio "virtio-mmio" Evidence::Type("virtio-mmio");
    Piix4AcpiRootPciHotplug "piix4.acpi-root-pci-hotplug" Evidence::DeviceProperty("PIIX4_PM", "acpi-root-pci-hotplug");
}

/// What QEMU's answers show.
pub(super) fn read(replies: &Replies, caps: &Capabilities) -> BTreeSet<Cap> {
    let types: BTreeSet<&str> = replies.names("qom-list-types").collect();
    let commands: BTreeSet<&str> = replies.names("query-commands").collect();
    let empty = serde_json::Value::Null;
    let schema = Schema::new(replies.get("query-qmp-schema").unwrap_or(&empty));
    let option_has = |option: &str, parameter: &str| {
        replies.list("query-command-line-options").any(|item| {
            let parameters = item["parameters"].as_array();
            item["option"] == option
                && (parameter.is_empty() || parameters.into_iter().flatten().any(|p| p["name"] == parameter))
        })
    };
    let shown = |cap: Cap, evidence: Evidence| match evidence {
        Evidence::Type(name) => types.contains(name),
        Evidence::DeviceProperty(device, property) => {
            replies.has_property("device-list-properties", device, property)
        }
        Evidence::ObjectProperty(object, property) => {
            replies.has_property("qom-list-properties", object, property)
        }
        Evidence::MachineProperty(alias, property) => {
            let machines = caps.tcg.iter().chain(&caps.kvm).flat_map(|accelerated| &accelerated.machines);
            let mut known =
                machines.filter(|machine| machine.alias.as_deref().unwrap_or(&machine.name) == alias);
            known.any(|machine| replies.has_property("qom-list-properties", &machine.name, property))
        }
        Evidence::Command(name) => commands.contains(name),
        Evidence::Schema(path) => schema.has(path),
        Evidence::OptionParameter(option, parameter) => option_has(option, parameter),
        Evidence::ModuleOption(option, parameter, type_name) => match option_has(option, "") {
            true => option_has(option, parameter),
            false => types.contains(type_name),
        },
        Evidence::Listed(command, text) => replies.list(command).any(|item| item == text),
        Evidence::Computed => computed(cap, caps),
    };
    Cap::TABLE.iter().filter(|(cap, evidence)| shown(*cap, *evidence)).map(|(cap, _)| *cap).collect()
}

/// Capabilities that no single answer shows.
fn computed(cap: Cap, caps: &Capabilities) -> bool {
    match cap {
        Cap::Kvm => caps.kvm.is_some(),
        // `-compat` can not be asked for; it came with this version.
        Cap::CompatDeprecated => caps.version >= 6_000_000,
        Cap::CpuMax => {
            let accelerated = caps.tcg.iter().chain(&caps.kvm);
            accelerated.flat_map(|accelerated| &accelerated.cpus).any(|cpu| cpu.name == "max")
        }
        _ => false,
    }
}

impl Serialize for Cap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Cap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::TABLE.iter().map(|(cap, _)| *cap).find(|cap| cap.name() == name);
        known.ok_or_else(|| D::Error::custom(format!("unknown capability '{name}'")))
    }
}
