//! `<os>`: what kind of machine, and how it boots.

mod container;
mod firmware;
mod loader;

use virt_types::{Arch, Error, ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

pub use container::{Init, InitEnv};
pub use firmware::{Firmware, FirmwareFeature, FirmwareFeatures};
pub use loader::{FirmwareFormat, Loader, LoaderType, Nvram};

use super::VirtType;
use crate::common::path::sanitize;
use crate::error::{unsupported, xml_error};
use crate::{FormatFlags, ParseFlags, Result};

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

/// As many kinds of devices as there are may be named; libvirt ignores what follows.
const BOOT_LIMIT: usize = 4;

impl Os {
    /// Reads the kind of machine; how it boots depends on that.
    pub(super) fn parse(domain: Element<'_>, virt_type: VirtType, flags: ParseFlags) -> Result<Self> {
        let el = domain.child("os");
        let kind = el.and_then(|el| el.child("type"));
        let text = kind.map(Element::text).filter(|text| !text.is_empty());
        let os_type = match &text {
            None if domain.child_text("bootloader").is_some() => OsType::Xen,
            None => return Err(xml_error("an os <type> must be specified").at(domain.place())),
            Some(text) => OsType::from_text(text)
                .ok_or_else(|| unsupported(format!("unknown OS type '{text}'")).at(domain.place()))?,
        };
        // Xen's paravirtual guests were once written as "linux".
        let os_type =
            if (os_type, virt_type) == (OsType::Linux, VirtType::Xen) { OsType::Xen } else { os_type };
        let attr = |name| kind.and_then(|kind| kind.attr(name)).filter(|text| !text.is_empty());
        let arch = match attr("arch") {
            None => Arch::None,
            Some(text) => Arch::from_text(text)
                .filter(|arch| *arch != Arch::None)
                .ok_or_else(|| unsupported(format!("Unknown architecture {text}")).at(domain.place()))?,
        };
        let mut os = Self { os_type, arch, machine: attr("machine").map(str::to_owned), ..Self::default() };
        if let Some(el) = el {
            os.parse_boot(el, flags)?;
            os.smbios = match el.child("smbios").and_then(|el| el.attr("mode")).unwrap_or_default() {
                "" | "none" => None,
                text => Some(
                    SmbiosMode::from_text(text)
                        .ok_or_else(|| unsupported(format!("unknown smbios mode '{text}'")).at(el.place()))?,
                ),
            };
        }
        Ok(os)
    }

    fn parse_boot(&mut self, el: Element<'_>, flags: ParseFlags) -> Result<()> {
        match self.os_type {
            OsType::Hvm => {
                self.parse_kernel(el);
                (self.firmware, self.firmware_features) = FirmwareFeatures::parse(el, flags)?;
                self.loader = Loader::parse(el, flags)?;
                self.slic_table = slic_table(el)?;
                self.parse_boot_order(el)?;
            }
            OsType::Xen | OsType::Xenpvh | OsType::Uml => {
                self.parse_kernel(el);
                self.loader = Loader::parse(el, flags)?;
            }
            OsType::Exe => {
                self.init = Init::parse(el)?;
                self.cmdline = el.child_text("cmdline");
            }
            OsType::Linux => {}
        }
        Ok(())
    }

    fn parse_kernel(&mut self, el: Element<'_>) {
        self.kernel = el.child_text("kernel");
        self.initrd = el.child_text("initrd");
        self.cmdline = el.child_text("cmdline");
        self.dtb = el.child_text("dtb");
        self.root = el.child_text("root");
    }

    fn parse_boot_order(&mut self, el: Element<'_>) -> Result<()> {
        for boot in el.children_named("boot").take(BOOT_LIMIT) {
            self.boot.push(boot.required("dev", boot.attr_enum("dev")?)?);
        }
        if let Some(menu) = el.child("bootmenu")
            && let Some(enable) = menu.attr_yes_no("enable")?
        {
            let timeout = if enable { menu.attr_u32("timeout", Base::Ten)? } else { None };
            self.bootmenu = Some(BootMenu { enable, timeout });
        }
        if let Some(bios) = el.child("bios") {
            self.bios = BiosOptions {
                // libvirt takes any other word for no.
                useserial: bios.attr_yes_no("useserial").unwrap_or(Some(false)),
                reboot_timeout: bios.attr_i32("rebootTimeout", Base::Ten)?,
            };
        }
        Ok(())
    }

    pub(super) fn validate(&self, firmware_is_chosen: bool) -> Result<()> {
        let refuse = |detail: &str| Err(Error::new(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
        match self.firmware {
            Some(_) if !firmware_is_chosen => {
                return refuse("firmware auto selection not implemented for this driver");
            }
            Some(_) => {
                let features = self.firmware_features;
                if (features.enrolled_keys, features.secure_boot) == (Some(true), Some(false)) {
                    return refuse(
                        "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled",
                    );
                }
            }
            None if !self.firmware_features.is_empty() => {
                return refuse(
                    "cannot use feature-based firmware autoselection when firmware autoselection is disabled",
                );
            }
            None => {}
        }
        match &self.loader {
            None => Ok(()),
            Some(loader) => loader.validate(self.firmware),
        }
    }

    pub(super) fn validate_boot(&self) -> Result<()> {
        let range = |value: i64, least: i64| (least..=65535).contains(&value);
        let timeout = self.bootmenu.and_then(|menu| menu.timeout);
        if timeout.is_some_and(|timeout| !range(timeout.into(), 0)) {
            return Err(unsupported("invalid value for boot menu timeout, must be in range [0,65535]"));
        }
        if self.bios.reboot_timeout.is_some_and(|timeout| !range(timeout.into(), -1)) {
            return Err(unsupported("invalid value for rebootTimeout, must be in range [-1,65535]"));
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &OsFormat) {
        let migratable = cx.flags.contains(FormatFlags::MIGRATABLE);
        w.element("os", |w| {
            w.attr_opt("firmware", self.firmware.filter(|_| !migratable));
            let os_type = match (self.os_type, cx.virt_type) {
                (OsType::Xen, VirtType::Xen) => OsType::Linux,
                (os_type, _) => os_type,
            };
            let attributes = |w: &mut Writer| {
                w.attr_opt("arch", (self.arch != Arch::None).then_some(self.arch));
                w.attr_opt("machine", self.machine.as_ref());
            };
            w.text_element_with("type", attributes, os_type);
            if !migratable {
                self.firmware_features.format(w);
            }
            self.init.format(w);
            if let Some(loader) = &self.loader {
                loader.format(w, cx.flags);
            }
            w.text_element_opt("kernel", self.kernel.as_ref());
            w.text_element_opt("initrd", self.initrd.as_ref());
            w.text_element_opt("cmdline", self.cmdline.as_ref());
            w.text_element_opt("dtb", self.dtb.as_ref());
            w.text_element_opt("root", self.root.as_ref());
            if let Some(path) = &self.slic_table {
                w.element("acpi", |w| w.text_element_with("table", |w| w.attr("type", "slic"), path));
            }
            if !cx.has_bootloader {
                self.format_boot_order(w);
            }
            w.element_if_any("smbios", |w| w.attr_opt("mode", self.smbios));
        });
    }

    fn format_boot_order(&self, w: &mut Writer) {
        for device in &self.boot {
            w.element("boot", |w| w.attr("dev", device));
        }
        if let Some(menu) = self.bootmenu {
            w.element("bootmenu", |w| {
                w.attr_yes_no("enable", Some(menu.enable));
                w.attr_opt("timeout", menu.timeout);
            });
        }
        w.element_if_any("bios", |w| {
            w.attr_yes_no("useserial", self.bios.useserial);
            w.attr_opt("rebootTimeout", self.bios.reboot_timeout);
        });
    }

    /// Whether a kernel is handed to the guest directly.
    #[must_use]
    pub fn has_direct_kernel(&self) -> bool {
        self.kernel.is_some()
    }
}

/// What of the domain around it the form of `<os>` depends on.
#[derive(Debug)]
pub(super) struct OsFormat {
    pub(super) flags: FormatFlags,
    pub(super) virt_type: VirtType,
    /// A bootloader on the host decides what boots.
    pub(super) has_bootloader: bool,
}

fn slic_table(os: Element<'_>) -> Result<Option<String>> {
    let mut tables = os.child("acpi").into_iter().flat_map(|el| el.children_named("table"));
    let Some(table) = tables.next() else { return Ok(None) };
    if let Some(second) = tables.next() {
        return Err(xml_error("Only one acpi table is supported").at(second.place()));
    }
    match table.attr("type") {
        None => Err(xml_error("Missing acpi table type").at(table.place())),
        Some("slic") => Ok(Some(sanitize(&table.text())).filter(|path| !path.is_empty())),
        Some(other) => Err(xml_error(format!("Unknown acpi table type: {other}")).at(table.place())),
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("firmware", OneOf(Firmware::NAMES)),
        One("type", &[Attr("arch", Str), Attr("machine", Str), Text(OneOf(&["hvm", "xen", "linux", "exe", "uml", "xenpvh"]))]),
        Opt("firmware", firmware::GRAMMAR), Opt("loader", loader::LOADER), Opt("nvram", loader::NVRAM),
        Opt("kernel", TEXT), Opt("initrd", TEXT), Opt("cmdline", TEXT), Opt("dtb", TEXT), Opt("root", TEXT),
        Opt("acpi", &[Many("table", &[Must("type", OneOf(&["slic", "rawset", "raw", "msdm"])), Text(PATH)])]),
        Many("boot", &[Must("dev", OneOf(BootDevice::NAMES))]),
        Opt("bootmenu", &[Must("enable", YesNo), Attr("timeout", Number(0, 65_535))]),
        Opt("bios", &[Attr("useserial", YesNo), Attr("rebootTimeout", Integer)]),
        Opt("smbios", &[Must("mode", OneOf(&["emulate", "host", "sysinfo"]))]), With(container::GRAMMAR),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    fn round(os: &str) -> Result<String> {
        let xml = format!("<domain>{os}</domain>");
        let document = Document::parse(&xml)?;
        let mut w = Writer::new();
        let cx = OsFormat { flags: FormatFlags::INACTIVE, virt_type: VirtType::Kvm, has_bootloader: false };
        Os::parse(document.root(), VirtType::Kvm, ParseFlags::ABI_UPDATE)?.format(&mut w, &cx);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (content, written) in [
            ("<boot dev='hd'/><boot dev='fd'/>", "<boot dev='hd'/><boot dev='fd'/>"),
            (
                "<bootmenu enable='no' timeout='9'/><bios useserial='maybe' rebootTimeout='-1'/>",
                "<bootmenu enable='no'/><bios useserial='no' rebootTimeout='-1'/>",
            ),
            (
                "<kernel>/k</kernel><initrd/><cmdline>a='b'</cmdline>",
                "<kernel>/k</kernel><cmdline>a=&apos;b&apos;</cmdline>",
            ),
            (
                "<nvram template='/t'>/v</nvram><loader type='pflash' secure='yes' readonly='yes'>/l</loader>",
                "<loader readonly='yes' secure='yes' type='pflash'>/l</loader><nvram template='/t'>/v</nvram>",
            ),
            ("<acpi><table type='slic'>/s//t</table></acpi>", "<acpi><table type='slic'>/s/t</table></acpi>"),
            ("<smbios mode='sysinfo'/>", "<smbios mode='sysinfo'/>"),
            ("<init>/i</init>", ""),
            (
                "<firmware><feature name='secure-boot' enabled='no'/></firmware>",
                "<firmware><feature enabled='no' name='secure-boot'/></firmware>",
            ),
        ] {
            let xml = format!("<os><type arch='x86_64' machine='pc'>hvm</type>{content}</os>");
            let expected = format!("<os><type arch='x86_64' machine='pc'>hvm</type>{written}</os>");
            assert_eq!(round(&xml).unwrap(), expected);
        }
        assert_eq!(
            round("<os><type>exe</type><init>/i</init><initarg>a</initarg><initenv name='N'>v</initenv><boot dev='hd'/></os>").unwrap(),
            "<os><type>exe</type><init>/i</init><initarg>a</initarg><initenv name='N'>v</initenv></os>"
        );
    }

    #[test]
    fn wrong_machines_are_refused() {
        for (os, code) in [
            ("<os/>", ErrorCode::XmlError),
            ("<os><type>magic</type></os>", ErrorCode::ConfigUnsupported),
            ("<os><type arch='abacus'>hvm</type></os>", ErrorCode::ConfigUnsupported),
            ("<os><type>hvm</type><boot dev='tape'/></os>", ErrorCode::XmlError),
            ("<os firmware='coreboot'><type>hvm</type></os>", ErrorCode::XmlError),
            ("<os><type>hvm</type><loader format='vmdk'/></os>", ErrorCode::XmlError),
            ("<os><type>hvm</type><smbios mode='guess'/></os>", ErrorCode::ConfigUnsupported),
            ("<os><type>exe</type><initarg/></os>", ErrorCode::XmlError),
        ] {
            assert_eq!(round(os).unwrap_err().code(), code, "{os}");
        }
    }
}
