//! `<os>`: what kind of machine, and how it boots.

mod container;
mod firmware;
mod loader;

use virt_types::{Arch, TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use container::{Init, InitEnv};
pub use firmware::{Firmware, FirmwareFeature, FirmwareFeatures};
pub use loader::{Loader, LoaderType, Nvram};

use crate::{FormatFlags, Result};

text_enum! {
    /// How the guest sees its virtualization.
    pub enum OsType { #[default] Hvm = "hvm", Xen = "xen", Linux = "linux", Exe = "exe", Uml = "uml", Xenpvh = "xenpvh" }
}

text_enum! {
    /// `<boot dev='…'/>`
    pub enum BootDevice { Fd = "fd", Cdrom = "cdrom", Hd = "hd", Network = "network" }
}

text_enum! {
    /// `<smbios mode='…'/>`: whose tables the guest sees.
    pub enum SmbiosMode { Emulate = "emulate", Host = "host", Sysinfo = "sysinfo" }
}

/// `<bootmenu>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootMenu {
    /// `enable`
    pub enable: bool,
    /// `timeout` in milliseconds.
    pub timeout: Option<u32>,
}

/// `<bios>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BiosOptions {
    /// `useserial`: messages go to the serial port.
    pub useserial: Option<bool>,
    /// `rebootTimeout` in milliseconds before the next try when nothing boots; -1 for never.
    pub reboot_timeout: Option<i32>,
}

/// `<os>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Os {
    /// `<type>`
    pub os_type: OsType,
    /// `<type arch='…'>`
    pub arch: Arch,
    /// `<type machine='…'>`
    pub machine: Option<String>,
    /// `firmware`: which kind is to be chosen automatically.
    pub firmware: Option<Firmware>,
    /// `<firmware>`: what the chosen one has to be able to do.
    pub firmware_features: FirmwareFeatures,
    /// `<loader>` and `<nvram>`
    pub loader: Option<Loader>,
    /// `<kernel>`
    pub kernel: Option<String>,
    /// `<initrd>`
    pub initrd: Option<String>,
    /// `<cmdline>`
    pub cmdline: Option<String>,
    /// `<dtb>`
    pub dtb: Option<String>,
    /// `<root>`
    pub root: Option<String>,
    /// `<acpi><table type='slic'>`: path of the table.
    pub slic_table: Option<String>,
    /// `<boot>`: the order of the kinds of devices.
    pub boot: Vec<BootDevice>,
    /// `<bootmenu>`
    pub bootmenu: Option<BootMenu>,
    /// `<bios>`
    pub bios: BiosOptions,
    /// `<smbios>`
    pub smbios: Option<SmbiosMode>,
    /// `<init>` and the like: what a container runs.
    pub init: Init,
}

impl Os {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.descend(&["os", "type"]) else { return Ok(Self::default()) };
        Ok(Self {
            os_type: OsType::from_text(&el.text()).unwrap_or_default(),
            arch: el.attr_enum("arch")?.unwrap_or_default(),
            machine: el.attr("machine").map(str::to_owned),
            ..Self::default()
        })
    }

    pub(super) fn format(&self, w: &mut Writer, _flags: FormatFlags) {
        w.element("os", |w| {
            let attributes = |w: &mut Writer| {
                w.attr_opt("arch", (self.arch != Arch::None).then(|| self.arch.text()));
                w.attr_opt("machine", self.machine.as_ref());
            };
            w.text_element_with("type", attributes, self.os_type.text());
        });
    }
}
