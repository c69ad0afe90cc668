//! The devices of a domain: one file each, one table of them all.

/// The two accessors of a kind of device that has its [`DeviceInfo`] in the field `info`.
macro_rules! has_info {
    () => {
        fn info(&self) -> Option<&$crate::common::DeviceInfo> {
            Some(&self.info)
        }

        fn info_mut(&mut self) -> Option<&mut $crate::common::DeviceInfo> {
            Some(&mut self.info)
        }
    };
}

mod audio;
mod channel;
mod console;
mod controller;
mod crypto;
mod disk;
mod filesystem;
mod graphics;
mod hostdev;
mod hub;
mod input;
mod interface;
mod iommu;
mod lease;
mod memballoon;
mod memory;
mod nvram;
mod panic;
mod parallel;
mod port;
mod redirdev;
mod redirfilter;
mod rng;
mod serial;
mod shmem;
mod smartcard;
mod sound;
#[cfg(test)]
pub(crate) mod testing;
mod tpm;
mod video;
mod visit;
mod vsock;
mod watchdog;

use std::fmt::Debug;

use virt_xml::{Element, Writer};

pub use audio::{
    AlsaSide, Audio, AudioBackend, AudioFormat, AudioSide, AudioType, BufferedSide, JackSide, OssSide,
    SdlDriver, Sides, StreamSide,
};
pub use channel::{Channel, ChannelState, ChannelTarget, ChannelType};
pub use console::{Console, ConsoleTarget};
pub use controller::{
    Controller, ControllerDriver, ControllerKind, ControllerType, IdeModel, PciController, PciModel,
    PciModelName, ScsiModel, UsbModel, VirtioSerialModel,
};
pub use crypto::{Crypto, CryptoBackend, CryptoModel, CryptoType};
pub use disk::{
    BlockIo, DetectZeroes, Discard, Disk, DiskBus, DiskCache, DiskDevice, DiskDriver, DiskIo, DiskModel,
    DiskName, DiskTarget, ErrorPolicy, Geometry, IoTune, Mirror, MirrorJob, MirrorState, Sgio,
    SnapshotLocation, StartupPolicy, Transient, Translation, Tray,
};
pub use filesystem::{
    AccessMode, CacheMode, Filesystem, FilesystemDriver, FilesystemModel, FilesystemSource, Multidevs,
    SandboxMode, Virtiofs, WritePolicy,
};
pub use graphics::{
    Connected, DbusDisplay, Desktop, EglHeadless, Gl, Graphics, GraphicsAuth, GraphicsType, ImageCompression,
    Listen, ListenAt, ListenType, MouseMode, Rdp, Sdl, SharePolicy, Spice, SpiceChannel, SpiceChannelMode,
    StreamingMode, Vnc, WanCompression,
};
pub use hostdev::{
    Capability, GuestReset, Hostdev, HostdevSource, Iscsi, Mdev, MdevModel, OriginalStates, PciHostdev,
    ScsiAdapter, ScsiHostdev, ScsiUnit, SubsystemType, UsbHostdev, VhostScsi, VhostScsiModel,
};
pub use hub::{Hub, HubType};
pub use input::{GrabToggle, Input, InputBus, InputGrab, InputModel, InputType};
pub use interface::{
    Actual, ActualSource, Backend, BackendType, BridgePort, DirectMode, DriverName, FilterRef, ForwardProto,
    Interface, InterfaceDriver, InterfaceHostdev, InterfaceModel, InterfaceSource, InterfaceType, KnownModel,
    LinkState, MacTableManager, MacType, Offloads, PciBackend, PortForward, PortRange, SocketSource,
    TeamingType, TxMode, VhostUserMode,
};
pub use iommu::{Iommu, IommuModel};
pub use lease::Lease;
pub use memballoon::{Memballoon, MemballoonModel};
pub use memory::{MemoryDevice, MemoryKind, MemoryModel, RamSource};
pub use nvram::Nvram;
pub use panic::{Panic, PanicModel};
pub use parallel::Parallel;
pub use redirdev::{Redirdev, RedirdevBus};
pub use redirfilter::{RedirRule, Redirfilter};
pub use rng::{Rng, RngBackend, RngBackendType, RngModel, RngRate};
pub use serial::{Serial, SerialModel, SerialTarget};
pub use shmem::{Shmem, ShmemModel, ShmemMsi, ShmemRole, ShmemServer};
pub use smartcard::{Smartcard, SmartcardMode, SmartcardSource};
pub use sound::{Sound, SoundCodec, SoundModel};
pub use tpm::{PcrBank, Tpm, TpmBackend, TpmBackendType, TpmEmulator, TpmModel, TpmVersion};
pub use video::{Acceleration, VgaConf, Video, VideoBackend, VideoModel};
pub use vsock::{Vsock, VsockModel};
pub use watchdog::{Watchdog, WatchdogAction, WatchdogModel};

use super::Domain;
use crate::common::DeviceInfo;
use crate::grammar::{Part, TEXT};
use crate::{FormatFlags, ParseFlags, Result};

/// Calls a macro with the table of all devices, in the order in which they are written.
///
/// A row is: the field of [`Devices`], how many a domain may have (`Vec` or `Option`), the type, the element's name.
/// Every crate that treats each kind of device expands the same table, so a kind that it forgot does not compile.
#[macro_export]
macro_rules! for_each_device {
    ($callback:ident) => {
        $callback! {
            disks: Vec Disk "disk";
            controllers: Vec Controller "controller";
            leases: Vec Lease "lease";
            filesystems: Vec Filesystem "filesystem";
            interfaces: Vec Interface "interface";
            smartcards: Vec Smartcard "smartcard";
            serials: Vec Serial "serial";
            parallels: Vec Parallel "parallel";
            consoles: Vec Console "console";
            channels: Vec Channel "channel";
            inputs: Vec Input "input";
            tpms: Vec Tpm "tpm";
            graphics: Vec Graphics "graphics";
            sounds: Vec Sound "sound";
            audios: Vec Audio "audio";
            videos: Vec Video "video";
            redirdevs: Vec Redirdev "redirdev";
            redirfilter: Option Redirfilter "redirfilter";
            hostdevs: Vec Hostdev "hostdev";
            hubs: Vec Hub "hub";
            watchdogs: Vec Watchdog "watchdog";
            memballoon: Option Memballoon "memballoon";
            rngs: Vec Rng "rng";
            nvram: Option Nvram "nvram";
            panics: Vec Panic "panic";
            shmems: Vec Shmem "shmem";
            memories: Vec MemoryDevice "memory";
            iommu: Option Iommu "iommu";
            vsock: Option Vsock "vsock";
            cryptos: Vec Crypto "crypto";
        }
    };
}

/// What a device's reader knows: the flags, and the domain as far as it is read (everything but its devices).
#[derive(Debug, Clone, Copy)]
pub struct ParseContext<'a> {
    /// What form of document is read.
    pub flags: ParseFlags,
    /// The domain around the device.
    pub domain: &'a Domain,
}

/// What a device's writer knows.
#[derive(Debug, Clone, Copy)]
pub struct FormatContext<'a> {
    /// What form of document is written.
    pub flags: FormatFlags,
    /// The domain around the device.
    pub domain: &'a Domain,
}

impl FormatContext<'_> {
    /// Whether the configuration is written, without what only a running domain has.
    #[must_use]
    pub const fn inactive(&self) -> bool {
        self.flags.contains(FormatFlags::INACTIVE)
    }
}

/// What the model asks of a kind of device.
pub trait Device: Debug + Clone + PartialEq + Default {
    /// The element's name.
    const ELEMENT: &'static str;

    /// What may stand in the element.
    const GRAMMAR: &'static [Part];

    /// Reads the element.
    ///
    /// # Errors
    /// For everything that libvirt refuses while it reads.
    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self>;

    /// Writes the element.
    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>);

    /// Alias, address and what else devices share; a few kinds have none of it.
    fn info(&self) -> Option<&DeviceInfo>;

    /// The same, to change it.
    fn info_mut(&mut self) -> Option<&mut DeviceInfo>;

    /// Adds what the document leaves open, as every driver would. `domain` lacks this one device.
    ///
    /// # Errors
    /// For what can not be completed.
    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        Ok(())
    }

    /// Checks what every driver would refuse.
    ///
    /// # Errors
    /// With libvirt's code and sentence.
    fn validate(&self, _domain: &Domain) -> Result<()> {
        Ok(())
    }

    /// Whether a document that names a device to detach or update means this one.
    fn same_device(&self, other: &Self) -> bool {
        self == other
    }

    /// Refuses a change that a guest would see as another machine; the place at least.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` that names source and target value.
    fn check_abi(&self, target: &Self) -> Result<()> {
        match (self.info(), target.info()) {
            (Some(source), Some(target)) => source.check_abi(target),
            _ => Ok(()),
        }
    }

    /// Reads all elements of this kind; a kind whose devices depend on each other overrides it.
    ///
    /// # Errors
    /// As [`Device::parse`].
    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        elements.map(|el| Self::parse(el, cx)).collect()
    }

    /// Writes all devices of this kind; a kind whose devices depend on each other overrides it.
    fn format_list(list: &[Self], w: &mut Writer, cx: &FormatContext<'_>) {
        for device in list {
            device.format(w, cx);
        }
    }
}

/// A place for the devices of one kind: any number, or one at most.
pub trait Slot<T> {
    /// Takes over what was read; a second device where one is allowed is refused by the caller.
    fn replace(&mut self, list: Vec<T>);
    /// The devices.
    fn list(&self) -> &[T];
    /// The devices, to change them.
    fn list_mut(&mut self) -> &mut [T];
    /// Gives back the room for devices that are not there.
    fn shrink_to_fit(&mut self);
    /// Adds a device, at this position where there are several.
    fn insert(&mut self, position: usize, device: T);
    /// Takes a device out.
    fn remove(&mut self, position: usize) -> Option<T>;
}

impl<T> Slot<T> for Vec<T> {
    fn replace(&mut self, list: Self) {
        *self = list;
    }
    fn list(&self) -> &[T] {
        self
    }
    fn list_mut(&mut self) -> &mut [T] {
        self
    }
    fn shrink_to_fit(&mut self) {
        Self::shrink_to_fit(self);
    }
    fn insert(&mut self, position: usize, device: T) {
        Self::insert(self, position.min(self.len()), device);
    }
    fn remove(&mut self, position: usize) -> Option<T> {
        (position < self.len()).then(|| Self::remove(self, position))
    }
}

impl<T> Slot<T> for Option<T> {
    fn replace(&mut self, list: Vec<T>) {
        *self = list.into_iter().next();
    }
    fn list(&self) -> &[T] {
        self.as_slice()
    }
    fn list_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
    fn shrink_to_fit(&mut self) {}
    fn insert(&mut self, _: usize, device: T) {
        *self = Some(device);
    }
    fn remove(&mut self, position: usize) -> Self {
        self.take_if(|_| position == 0)
    }
}

/// libvirt's refusal of a second device where one is allowed.
fn only_one(slot: &str, element: &str) -> Result<()> {
    if slot != "Option" {
        return Ok(());
    }
    let detail = match element {
        "memballoon" => "only a single memory balloon device is supported".to_owned(),
        "vsock" => "only a single vsock device is supported".to_owned(),
        "nvram" => "only a single nvram device is supported".to_owned(),
        "redirfilter" => "only one set of redirection filter rule is supported".to_owned(),
        "iommu" => "only a single IOMMU device is supported".to_owned(),
        other => format!("only a single {other} device is supported"),
    };
    Err(crate::error::xml_error(detail))
}

/// A row of the table as a part of the grammar.
macro_rules! as_part {
    (Vec $element:literal $type:ident) => {
        Part::Many($element, <$type as Device>::GRAMMAR)
    };
    (Option $element:literal $type:ident) => {
        Part::Opt($element, <$type as Device>::GRAMMAR)
    };
}

macro_rules! expand_devices {
    ($($field:ident: $slot:ident $type:ident $element:literal;)+) => {
        /// All devices of a domain, in the order in which they are written.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Devices {
            $(#[doc = concat!("`<", $element, ">`")] pub $field: $slot<$type>,)+
        }

        /// A kind of device.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DeviceKind { $(#[doc = concat!("`<", $element, ">`")] $type,)+ }

        impl DeviceKind {
            /// Every kind, in the order in which they are written.
            pub const ALL: &'static [Self] = &[$(Self::$type,)+];

            /// The element's name.
            #[must_use]
            pub const fn element(self) -> &'static str {
                match self { $(Self::$type => $element,)+ }
            }
        }

        /// A device of any kind, on its own: what a hot-plug document holds.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum AnyDevice { $(#[doc = concat!("`<", $element, ">`")] $type($type),)+ }

        impl AnyDevice {
            /// Reads a document whose root element is a device.
            ///
            /// # Errors
            /// For an unknown kind, and as [`Device::parse`].
            pub fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
                match el.name() {
                    $($element => $type::parse(el, cx).map(Self::$type),)+
                    other => Err(crate::error::unsupported(format!("unknown device type '{other}'")).at(el.place())),
                }
            }

            /// The same device, borrowed.
            #[must_use]
            pub fn as_ref(&self) -> DeviceRef<'_> {
                match self { $(Self::$type(device) => DeviceRef::$type(device),)+ }
            }
        }

        /// A borrowed device of any kind.
        #[derive(Debug, Clone, Copy)]
        pub enum DeviceRef<'a> { $(#[doc = concat!("`<", $element, ">`")] $type(&'a $type),)+ }

        impl<'a> DeviceRef<'a> {
            /// The kind.
            #[must_use]
            pub const fn kind(self) -> DeviceKind {
                match self { $(Self::$type(_) => DeviceKind::$type,)+ }
            }

            /// What devices share.
            #[must_use]
            pub fn info(self) -> Option<&'a DeviceInfo> {
                match self { $(Self::$type(device) => device.info(),)+ }
            }

            /// A copy of it on its own.
            #[must_use]
            pub fn to_any(self) -> AnyDevice {
                match self { $(Self::$type(device) => AnyDevice::$type(device.clone()),)+ }
            }

            /// Checks what every driver would refuse.
            ///
            /// # Errors
            /// As [`Device::validate`].
            pub fn validate(self, domain: &Domain) -> Result<()> {
                match self { $(Self::$type(device) => device.validate(domain),)+ }
            }
        }

        /// A device of any kind, to change it.
        #[derive(Debug)]
        pub enum DeviceMut<'a> { $(#[doc = concat!("`<", $element, ">`")] $type(&'a mut $type),)+ }

        impl DeviceMut<'_> {
            /// The kind.
            #[must_use]
            pub const fn kind(&self) -> DeviceKind {
                match self { $(Self::$type(_) => DeviceKind::$type,)+ }
            }

            /// What devices share, to change it.
            #[must_use]
            pub fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
                match self { $(Self::$type(device) => device.info_mut(),)+ }
            }
        }

        impl Devices {
            /// The names of all device elements.
            pub const ELEMENTS: &'static [&'static str] = &[$($element,)+];

            /// What may stand in `<devices>`.
            pub const GRAMMAR: &'static [Part] = &[
                Part::Opt("emulator", TEXT),
                $(as_part!($slot $element $type),)+
            ];

            pub(crate) fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
                let mut devices = Self::default();
                $(
                    let list = $type::parse_list(el.children_named($element), cx)?;
                    if list.len() > 1 {
                        only_one(stringify!($slot), $element)?;
                    }
                    Slot::replace(&mut devices.$field, list);
                )+
                Ok(devices)
            }

            pub(crate) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
                $($type::format_list(Slot::list(&self.$field), w, cx);)+
            }

            /// Gives back the room for devices that are not there: for a domain that is kept, and of which there are many.
            pub fn shrink_to_fit(&mut self) {
                $(Slot::shrink_to_fit(&mut self.$field);)+
            }

            /// Every device, in the order in which they are written.
            pub fn iter(&self) -> impl Iterator<Item = DeviceRef<'_>> {
                std::iter::empty()$(.chain(Slot::list(&self.$field).iter().map(DeviceRef::$type)))+
            }

            /// Every device, to change it, in the order in which they are written.
            pub fn iter_mut(&mut self) -> impl Iterator<Item = DeviceMut<'_>> {
                std::iter::empty()$(.chain(Slot::list_mut(&mut self.$field).iter_mut().map(DeviceMut::$type)))+
            }
        }

        impl Devices {
            /// How many devices of a kind there are.
            #[must_use]
            pub fn count(&self, kind: DeviceKind) -> usize {
                match kind { $(DeviceKind::$type => Slot::list(&self.$field).len(),)+ }
            }

            /// A device by its kind and its position among them.
            #[must_use]
            pub fn get(&self, kind: DeviceKind, position: usize) -> Option<DeviceRef<'_>> {
                match kind {
                    $(DeviceKind::$type => Slot::list(&self.$field).get(position).map(DeviceRef::$type),)+
                }
            }

            /// A device by its kind and its position among them, to change it.
            pub fn get_mut(&mut self, kind: DeviceKind, position: usize) -> Option<DeviceMut<'_>> {
                match kind {
                    $(DeviceKind::$type => Slot::list_mut(&mut self.$field).get_mut(position).map(DeviceMut::$type),)+
                }
            }

            /// Adds a device at a position among those of its kind; where one is allowed, it takes the other's place.
            pub fn insert(&mut self, position: usize, device: AnyDevice) {
                match device {
                    $(AnyDevice::$type(device) => Slot::insert(&mut self.$field, position, device),)+
                }
            }

            /// Takes a device out, by its kind and its position among them.
            pub fn remove(&mut self, kind: DeviceKind, position: usize) -> Option<AnyDevice> {
                match kind {
                    $(DeviceKind::$type => Slot::remove(&mut self.$field, position).map(AnyDevice::$type),)+
                }
            }

            /// The positions of the devices that a document means which names one to detach or update.
            #[must_use]
            pub fn find(&self, meant: &AnyDevice) -> Vec<usize> {
                match meant {
                    $(AnyDevice::$type(meant) => Slot::list(&self.$field)
                        .iter()
                        .enumerate()
                        .filter(|(_, device)| device.same_device(meant))
                        .map(|(position, _)| position)
                        .collect(),)+
                }
            }

            /// The kind and the position of the device with this alias.
            #[must_use]
            pub fn find_alias(&self, alias: &str) -> Option<(DeviceKind, usize)> {
                $(
                    let mut devices = Slot::list(&self.$field).iter();
                    let is_it = |device: &$type| {
                        device.info().is_some_and(|info| info.alias.as_deref() == Some(alias))
                    };
                    if let Some(position) = devices.position(is_it) {
                        return Some((DeviceKind::$type, position));
                    }
                )+
                None
            }

            /// What devices share, of a device by its kind and its position, to change it.
            pub fn info_mut(&mut self, kind: DeviceKind, position: usize) -> Option<&mut DeviceInfo> {
                match kind {
                    $(DeviceKind::$type => Slot::list_mut(&mut self.$field).get_mut(position)?.info_mut(),)+
                }
            }
        }

        impl Domain {
            /// Runs a step on one device, which sees the domain without it.
            ///
            /// # Errors
            /// The step's.
            pub fn with_device_mut(
                &mut self,
                kind: DeviceKind,
                position: usize,
                step: impl FnOnce(DeviceMut<'_>, &Self) -> Result<()>,
            ) -> Result<()> {
                match kind {
                    $(DeviceKind::$type => {
                        let Some(place) = Slot::list_mut(&mut self.devices.$field).get_mut(position) else {
                            return Ok(());
                        };
                        let mut device = std::mem::take(place);
                        let outcome = step(DeviceMut::$type(&mut device), self);
                        Slot::list_mut(&mut self.devices.$field)[position] = device;
                        outcome
                    })+
                }
            }
        }

        /// Runs the generic completion of one device.
        pub(crate) fn fill_device(device: &mut DeviceMut<'_>, domain: &Domain) -> Result<()> {
            match device { $(DeviceMut::$type(device) => device.fill(domain),)+ }
        }
    };
}

for_each_device!(expand_devices);
