//! `<filesystem>`: a directory of the host in the guest, or a container's mount.

mod source;
mod virtiofs;

use virt_types::{ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use source::FilesystemSource;
pub use virtiofs::{CacheMode, SandboxMode, Virtiofs};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::common::device_info::Takes;
use crate::common::storage_source::ImageFormat;
use crate::common::{DeviceInfo, VirtioDriver, scaled};
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;
use crate::{Error, Result};

text_enum! {
    /// Who serves the files.
    pub enum FilesystemDriver {
        #[default] Default = "default", Path = "path", Handle = "handle", Loop = "loop", Nbd = "nbd", Ploop = "ploop",
        Virtiofs = "virtiofs",
    }
}

text_enum! {
    /// How the guest's permissions are kept on the host.
    pub enum AccessMode { Passthrough = "passthrough", Mapped = "mapped", Squash = "squash" }
}

text_enum! {
    /// When written data reaches the host's disk.
    pub enum WritePolicy { #[default] Default = "default", Immediate = "immediate" }
}

text_enum! {
    /// Which revisions of the standard a virtio device speaks.
    pub enum FilesystemModel {
        Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

text_enum! {
    /// What happens where the shared tree has several devices.
    pub enum Multidevs { #[default] Default = "default", Remap = "remap", Forbid = "forbid", Warn = "warn" }
}

/// A shared file system.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filesystem {
    /// `type` and `<source>`.
    pub source: FilesystemSource,
    /// `<driver type='…'>`.
    pub driver: FilesystemDriver,
    /// `<driver format='…'>`.
    pub format: Option<ImageFormat>,
    /// `<driver wrpolicy='…'>`.
    pub write_policy: WritePolicy,
    /// Options of the virtio transport.
    pub virtio: VirtioDriver,
    /// `accessmode`.
    pub access_mode: Option<AccessMode>,
    /// `model`.
    pub model: Option<FilesystemModel>,
    /// `multidevs`.
    pub multidevs: Multidevs,
    /// `fmode`: permissions of new files; 0 for the hypervisor's choice.
    pub file_mode: u32,
    /// `dmode`: permissions of new directories; 0 for the hypervisor's choice.
    pub dir_mode: u32,
    /// What only virtiofs has.
    pub virtiofs: Virtiofs,
    /// `<target dir='…'/>`: mount tag or mount point.
    pub target: Option<String>,
    /// `<readonly/>`.
    pub readonly: bool,
    /// `<space_hard_limit>`, bytes; 0 for none.
    pub space_hard_limit: u64,
    /// `<space_soft_limit>`, bytes; 0 for none.
    pub space_soft_limit: u64,
    /// Alias, address and boot order.
    pub info: DeviceInfo,
}

impl Device for Filesystem {
    const ELEMENT: &'static str = "filesystem";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mode = |name| {
            let mode = el.attr_with(name, " Expected non-negative integer value", |text| {
                u32::from_str_radix(text, 8).ok()
            })?;
            match mode {
                Some(mode) if mode > 0o777 => {
                    Err(xml_error(format!("invalid {name}: '0{mode:o}'")).at(el.place()))
                }
                mode => Ok(mode.unwrap_or(0)),
            }
        };
        let limit = |name| {
            Ok::<_, Error>(
                el.child(name).map(|limit| scaled::parse(limit, 1, u64::MAX)).transpose()?.unwrap_or(0),
            )
        };
        let access_mode = match el.attr("accessmode") {
            Some("") => None,
            _ => el.attr_enum("accessmode")?,
        };
        let mut filesystem = Self {
            access_mode,
            file_mode: mode("fmode")?,
            dir_mode: mode("dmode")?,
            model: el.attr_enum("model")?,
            multidevs: el.attr_enum("multidevs")?.unwrap_or_default(),
            space_hard_limit: limit("space_hard_limit")?,
            space_soft_limit: limit("space_soft_limit")?,
            target: el
                .child("target")
                .and_then(|target| target.attr("dir"))
                .filter(|dir| !dir.is_empty())
                .map(str::to_owned),
            readonly: el.child("readonly").is_some(),
            ..Self::default()
        };
        if let Some(driver) = el.child("driver") {
            filesystem.driver = driver.attr_enum("type")?.unwrap_or_default();
            filesystem.write_policy = driver.attr_enum("wrpolicy")?.unwrap_or_default();
            filesystem.format = match driver.attr("format") {
                None => None,
                Some(text) => Some(ImageFormat::from_text(text).ok_or_else(|| {
                    unsupported(format!("unknown driver format value '{text}'")).at(driver.place())
                })?),
            };
            filesystem.virtio = VirtioDriver::parse(driver)?;
        }
        if filesystem.driver == FilesystemDriver::Virtiofs {
            filesystem.virtiofs = Virtiofs::parse(el)?;
        }
        filesystem.source = FilesystemSource::parse(el, filesystem.target.as_deref())?;
        filesystem.info = DeviceInfo::parse(el, Takes::BOOT, cx.flags)?;
        Ok(filesystem)
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        let positive = |number: u64| Some(number).filter(|number| *number > 0);
        let mode = |mode: u32| Some(mode).filter(|mode| *mode > 0).map(|mode| format!("{mode:04o}"));
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.source.type_text());
            w.attr_opt("accessmode", self.access_mode);
            w.attr_opt("model", self.model);
            w.attr_opt("multidevs", Some(self.multidevs).filter(|m| *m != Multidevs::Default));
            w.attr_opt("fmode", mode(self.file_mode));
            w.attr_opt("dmode", mode(self.dir_mode));
            w.element_if_any("driver", |w| {
                if self.driver != FilesystemDriver::Default {
                    w.attr("type", self.driver);
                    w.attr_opt("format", self.format);
                    w.attr_opt("wrpolicy", Some(self.write_policy).filter(|p| *p != WritePolicy::Default));
                    w.attr_opt("queue", positive(self.virtiofs.queue_size));
                }
                self.virtio.format(w);
            });
            if self.driver == FilesystemDriver::Virtiofs {
                self.virtiofs.format(w);
            }
            self.source.format(w);
            if let Some(target) = &self.target {
                w.element("target", |w| w.attr("dir", target));
            }
            if self.readonly {
                w.element("readonly", |_| {});
            }
            self.info.format(w, Takes::BOOT);
            for (name, bytes) in
                [("space_hard_limit", self.space_hard_limit), ("space_soft_limit", self.space_soft_limit)]
            {
                if bytes > 0 {
                    w.text_element_with(name, |w| w.attr("unit", "bytes"), bytes);
                }
            }
        });
    }

    has_info!();

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        if self.source.socket().is_none() {
            self.access_mode.get_or_insert(AccessMode::Passthrough);
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        let Some(target) = &self.target else {
            let source = self.source.path().or_else(|| self.source.socket()).unwrap_or_default();
            return Err(Error::new(ErrorCode::NoTarget, ErrorDomain::Domain, source));
        };
        if self.info.boot_order.is_some() && self.driver != FilesystemDriver::Virtiofs {
            return Err(unsupported("boot order is only supported for virtiofs"));
        }
        let twin = domain.devices.filesystems.iter().any(|other| {
            !std::ptr::eq(other, self)
                && other.driver == FilesystemDriver::Virtiofs
                && other.target.as_ref() == Some(target)
        });
        if twin {
            return Err(unsupported(format!("filesystem target '{target}' specified twice")));
        }
        Ok(())
    }

    fn same_device(&self, other: &Self) -> bool {
        self.target == other.target
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        if self.target != target.target {
            let text = |target: &Option<String>| target.clone().unwrap_or_default();
            return Err(unsupported(format!(
                "Target filesystem guest target {} does not match source {}",
                text(&target.target),
                text(&self.target)
            )));
        }
        if self.model != target.model {
            let text = |model: Option<FilesystemModel>| model.map_or("default", TextEnum::text);
            return Err(unsupported(format!(
                "Target model {} does not match source {}",
                text(target.model),
                text(self.model)
            )));
        }
        self.virtio.check_abi(&target.virtio)
    }
}

grammar! {
    GRAMMAR = [
        Attr("type", OneOf(source::FilesystemType::NAMES)), Attr("accessmode", OneOf(AccessMode::NAMES)),
        Attr("model", OneOf(FilesystemModel::NAMES)), Attr("multidevs", OneOf(Multidevs::NAMES)), Attr("fmode", Str), Attr("dmode", Str),
        Opt("driver", &[
            Attr("type", OneOf(FilesystemDriver::NAMES)), Attr("format", OneOf(ImageFormat::NAMES)),
            Attr("wrpolicy", OneOf(WritePolicy::NAMES)), Attr("queue", U32), With(crate::common::virtio_driver::VIRTIO),
        ]),
        Opt("binary", virtiofs::GRAMMAR),
        Opt("source", &[
            Attr("dir", Str), Attr("file", PATH), Attr("name", Str), Attr("usage", U64), Attr("units", UNIT),
            Attr("pool", Str), Attr("volume", Str), Attr("socket", PATH),
        ]),
        Opt("target", &[Must("dir", Str)]), Opt("readonly", FLAG),
        Opt("space_hard_limit", SIZE), Opt("space_soft_limit", SIZE), With(crate::common::device_info::BOOT), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests;
