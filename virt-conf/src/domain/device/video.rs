//! `<video>`: graphics cards.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{Address, DeviceInfo, VirtioDriver, sanitize_path};
use crate::domain::VirtType;
use crate::error::{internal, unsupported};
use crate::grammar::Part;

text_enum! {
    /// What kind of card.
    pub enum VideoModel {
        #[default] Default = "default", Vga = "vga", Cirrus = "cirrus", Vmvga = "vmvga", Xen = "xen", Vbox = "vbox",
        Qxl = "qxl", Parallels = "parallels", Virtio = "virtio", Gop = "gop", None = "none", Bochs = "bochs",
        Ramfb = "ramfb",
    }
}

text_enum! {
    /// What renders for it.
    pub enum VideoBackend { Qemu = "qemu", Vhostuser = "vhostuser" }
}

text_enum! {
    /// How bhyve arranges VGA.
    pub enum VgaConf { Io = "io", On = "on", Off = "off" }
}

/// A graphics card.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Video {
    /// `<model type='…'>`.
    pub model: VideoModel,
    /// Memory of the first region, KiB; 0 where the driver decides, as for the three next.
    pub ram: u32,
    /// Video memory, KiB.
    pub vram: u32,
    /// Memory of the 64-bit region, KiB.
    pub vram64: u32,
    /// Memory of the VGA framebuffer, KiB.
    pub vgamem: u32,
    /// Number of screens.
    pub heads: u32,
    /// Whether it is the one that the firmware uses.
    pub primary: bool,
    /// `blob`.
    pub blob: Option<bool>,
    /// `<acceleration>`.
    pub acceleration: Option<Acceleration>,
    /// `<resolution>`: width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// `<driver name='…'>`.
    pub backend: Option<VideoBackend>,
    /// `<driver vgaconf='…'>`.
    pub vgaconf: Option<VgaConf>,
    /// `<driver>`'s virtio options.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

/// `<acceleration>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acceleration {
    /// `accel3d`.
    pub accel3d: Option<bool>,
    /// `accel2d`.
    pub accel2d: Option<bool>,
    /// `rendernode`: the host's DRI device.
    pub rendernode: Option<String>,
}

impl Device for Video {
    const ELEMENT: &'static str = "video";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mut video = Self { heads: 1, ..Self::default() };
        if let Some(model) = el.child("model") {
            video.parse_model(model)?;
        }
        if let Some(driver) = el.child("driver") {
            video.backend = driver.attr_enum("name")?;
            video.virtio = VirtioDriver::parse(driver)?;
            video.vgaconf = driver.attr_enum("vgaconf")?;
        }
        video.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(video)
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.element_if_any("driver", |w| {
                self.virtio.format(w);
                w.attr_opt("vgaconf", self.vgaconf);
                w.attr_opt("name", self.backend);
            });
            w.element("model", |w| self.format_model(w));
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        let default = self.model.default_memory(domain.virt_type);
        if self.ram == 0 && self.model == VideoModel::Qxl {
            self.ram = default;
        }
        if self.vram == 0 {
            self.vram = default;
        }
        for memory in [&mut self.ram, &mut self.vram] {
            *memory = if *memory == 0 { 0 } else { memory.checked_next_power_of_two().unwrap_or(0) };
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        if self.model == VideoModel::Default {
            return Err(internal("missing video model and cannot determine default"));
        }
        let cards = &domain.devices.videos;
        if cards.len() > 1 && cards.iter().any(|card| card.model == VideoModel::None) {
            return Err(unsupported(
                "a 'none' video type must be the only video device defined for the domain",
            ));
        }
        match self.backend {
            Some(VideoBackend::Vhostuser) if self.model != VideoModel::Virtio => {
                return Err(unsupported("'vhostuser' driver is only supported with 'virtio' device"));
            }
            Some(VideoBackend::Vhostuser) => {}
            Some(VideoBackend::Qemu) | None => {
                if self.acceleration.as_ref().is_some_and(|acceleration| acceleration.rendernode.is_some()) {
                    return Err(unsupported("unsupported rendernode accel attribute without 'vhostuser'"));
                }
            }
        }
        if self.resolution.is_some_and(|(x, y)| x == 0 || y == 0) {
            return Err(unsupported("video resolution values must be greater than 0"));
        }
        if self.model != VideoModel::Qxl {
            for (name, value) in [("ram", self.ram), ("vram64", self.vram64), ("vgamem", self.vgamem)] {
                if value != 0 {
                    return Err(unsupported(format!("{name} attribute only supported for video type qxl")));
                }
            }
        }
        if self.model == VideoModel::Ramfb && self.info.address != Address::None {
            return Err(unsupported("address not supported for video type ramfb"));
        }
        if self.model != VideoModel::Virtio {
            self.virtio.refuse()?;
            if self.blob.is_some() {
                return Err(unsupported(format!(
                    "video type '{}' does not support blob resources",
                    self.model
                )));
            }
        }
        Ok(())
    }

    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        let mut list = Vec::new();
        for el in elements {
            let video = Self::parse(el, cx)?;
            // The primary card comes first, wherever it was written.
            let at = if video.primary { 0 } else { list.len() };
            list.insert(at, video);
        }
        Ok(list)
    }
}

impl VideoModel {
    /// Video memory of a card for which none is given, KiB.
    const fn default_memory(self, virt_type: VirtType) -> u32 {
        match (self, virt_type) {
            (Self::Vga | Self::Cirrus | Self::Vmvga, VirtType::Vbox) => 8 * 1024,
            (Self::Vga | Self::Cirrus | Self::Vmvga, VirtType::Vmware) => 4 * 1024,
            (Self::Vga | Self::Cirrus | Self::Vmvga | Self::Bochs, _) => 16 * 1024,
            (Self::Xen, _) => 4 * 1024,
            (Self::Qxl, _) => 64 * 1024,
            _ => 0,
        }
    }
}

impl Video {
    fn parse_model(&mut self, model: Element<'_>) -> Result<()> {
        self.primary = model.attr_yes_no("primary").unwrap_or_default().unwrap_or_default();
        if let Some(acceleration) = model.child("acceleration") {
            self.acceleration = Some(Acceleration::parse(acceleration)?);
        }
        if let Some(resolution) = model.child("resolution") {
            let x = resolution.required("x", resolution.attr_u32("x", Base::Ten)?)?;
            let y = resolution.required("y", resolution.attr_u32("y", Base::Ten)?)?;
            self.resolution = Some((x, y));
        }
        self.model = model.attr_enum("type")?.unwrap_or_default();
        self.ram = model.attr_u32("ram", Base::Ten)?.unwrap_or(0);
        self.vram = model.attr_u32("vram", Base::Ten)?.unwrap_or(0);
        self.vram64 = model.attr_u32("vram64", Base::Ten)?.unwrap_or(0);
        self.vgamem = model.attr_u32("vgamem", Base::Ten)?.unwrap_or(0);
        // What is no card has no screens; filling clears the rest.
        let heads = u32::from(self.model != VideoModel::None);
        self.heads = model.attr_u32("heads", Base::Ten)?.unwrap_or(heads);
        self.blob = model.attr_on_off("blob")?;
        Ok(())
    }

    fn format_model(&self, w: &mut Writer) {
        w.attr("type", self.model.text());
        let memory =
            [("ram", self.ram), ("vram", self.vram), ("vram64", self.vram64), ("vgamem", self.vgamem)];
        for (name, value) in memory.into_iter().chain([("heads", self.heads)]) {
            if value != 0 {
                w.attr(name, value);
            }
        }
        if self.primary {
            w.attr("primary", "yes");
        }
        w.attr_on_off("blob", self.blob);
        if let Some(acceleration) = &self.acceleration {
            w.element("acceleration", |w| {
                w.attr_yes_no("accel3d", acceleration.accel3d);
                w.attr_yes_no("accel2d", acceleration.accel2d);
                w.attr_opt("rendernode", acceleration.rendernode.as_ref());
            });
        }
        if let Some((x, y)) = self.resolution {
            w.element("resolution", |w| {
                if x != 0 && y != 0 {
                    w.attr("x", x);
                    w.attr("y", y);
                }
            });
        }
    }

    /// A card that is only there to say that there is none.
    #[must_use]
    pub fn none(alias: Option<String>) -> Self {
        Self {
            model: VideoModel::None,
            info: DeviceInfo { alias, ..DeviceInfo::default() },
            ..Self::default()
        }
    }
}

impl Acceleration {
    fn parse(el: Element<'_>) -> Result<Self> {
        let rendernode = el.attr("rendernode").map(sanitize_path);
        let acceleration =
            Self { accel3d: el.attr_yes_no("accel3d")?, accel2d: el.attr_yes_no("accel2d")?, rendernode };
        if acceleration == Self::default() {
            return Err(unsupported("missing values for acceleration").at(el.place()));
        }
        Ok(acceleration)
    }
}

grammar! {
    GRAMMAR = [
        Opt("driver", &[Attr("name", OneOf(VideoBackend::NAMES)), Attr("vgaconf", OneOf(VgaConf::NAMES)), With(crate::common::virtio_driver::VIRTIO)]),
        Opt("model", &[
            Must("type", OneOf(VideoModel::NAMES)), Attr("vram", U32), Attr("vram64", U32), Attr("ram", U32), Attr("vgamem", U32),
            Attr("heads", U32), Attr("primary", YesNo), Attr("blob", OnOff),
            Opt("acceleration", &[Attr("accel2d", YesNo), Attr("accel3d", YesNo), Attr("rendernode", PATH)]),
            Opt("resolution", &[Must("x", U32), Must("y", U32)]),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn memory_is_completed_and_rounded() {
        check::<Video>(
            "<video><model type='vga'/></video>",
            "<video>\n  <model type='vga' vram='16384' heads='1'/>\n</video>",
        );
        check::<Video>(
            "<video><model type='qxl' vram='65000' heads='2' primary='yes'/></video>",
            "<video>\n  <model type='qxl' ram='65536' vram='65536' heads='2' primary='yes'/>\n</video>",
        );
        check::<Video>(
            "<video><driver name='qemu'/><model type='virtio'><acceleration accel3d='yes'/><resolution x='800' y='600'/></model></video>",
            "<video>\n  <driver name='qemu'/>\n  <model type='virtio' heads='1'>\n    <acceleration accel3d='yes'/>\n    <resolution x='800' y='600'/>\n  </model>\n</video>",
        );
    }

    #[test]
    fn impossible_cards_are_refused() {
        for (xml, expected) in [
            ("<video/>", "internal error: missing video model and cannot determine default"),
            (
                "<video><model type='vga' ram='4'/></video>",
                "unsupported configuration: ram attribute only supported for video type qxl",
            ),
            (
                "<video><model type='virtio'><acceleration/></model></video>",
                "unsupported configuration: missing values for acceleration",
            ),
            (
                "<video><model type='ramfb'/><address type='pci' slot='3'/></video>",
                "unsupported configuration: address not supported for video type ramfb",
            ),
        ] {
            check::<Video>(xml, expected);
        }
    }
}
