//! `<graphics>`: how people see and use the guest.

mod auth;
mod listen;
mod local;
mod spice;
#[cfg(test)]
mod tests;
mod vnc;

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

pub use auth::{Connected, GraphicsAuth};
pub use listen::{Listen, ListenAt, ListenType};
pub use local::{DbusDisplay, Desktop, EglHeadless, Rdp, Sdl};
pub use spice::{
    ImageCompression, MouseMode, Spice, SpiceChannel, SpiceChannelMode, StreamingMode, WanCompression,
};
pub use vnc::{SharePolicy, Vnc};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::error::xml_error;
use crate::grammar::Part;

text_enum! {
    /// The kinds of display.
    pub enum GraphicsType {
        #[default] Sdl = "sdl", Vnc = "vnc", Rdp = "rdp", Desktop = "desktop", Spice = "spice",
        EglHeadless = "egl-headless", Dbus = "dbus",
    }
}

/// A display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Graphics {
    /// A window on the host.
    Sdl(Sdl),
    /// A VNC server.
    Vnc(Vnc),
    /// An RDP server.
    Rdp(Rdp),
    /// A window of the hypervisor's own.
    Desktop(Desktop),
    /// A SPICE server.
    Spice(Spice),
    /// Rendering only.
    EglHeadless(EglHeadless),
    /// A display on a message bus.
    Dbus(DbusDisplay),
}

impl Default for Graphics {
    fn default() -> Self {
        Self::Sdl(Sdl::default())
    }
}

/// `<gl>`: whether OpenGL is used, and the host's DRI device for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gl {
    /// `enable`.
    pub enable: Option<bool>,
    /// `rendernode`.
    pub rendernode: Option<String>,
}

impl Gl {
    /// Reads the child of a display; it has to say whether OpenGL is used.
    fn parse_required(graphics: Element<'_>) -> Result<Self> {
        let Some(el) = graphics.child("gl") else { return Ok(Self::default()) };
        let rendernode = el.attr("rendernode").map(str::to_owned);
        Ok(Self { enable: Some(el.required("enable", el.attr_yes_no("enable")?)?), rendernode })
    }

    fn format(&self, w: &mut Writer) {
        if self.enable.is_some() {
            w.element("gl", |w| {
                w.attr_yes_no("enable", self.enable);
                w.attr_opt("rendernode", self.rendernode.as_ref());
            });
        }
    }
}

/// Reads `<audio id='…'>`.
fn parse_audio(el: Element<'_>) -> Result<Option<u32>> {
    let Some(audio) = el.child("audio") else { return Ok(None) };
    let id = audio.required("id", audio.attr_u32("id", Base::Ten)?)?;
    audio.nonzero("id", Some(id))
}

impl Graphics {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> GraphicsType {
        match self {
            Self::Sdl(_) => GraphicsType::Sdl,
            Self::Vnc(_) => GraphicsType::Vnc,
            Self::Rdp(_) => GraphicsType::Rdp,
            Self::Desktop(_) => GraphicsType::Desktop,
            Self::Spice(_) => GraphicsType::Spice,
            Self::EglHeadless(_) => GraphicsType::EglHeadless,
            Self::Dbus(_) => GraphicsType::Dbus,
        }
    }

    /// Where it waits for clients.
    #[must_use]
    pub fn listens(&self) -> &[Listen] {
        match self {
            Self::Vnc(vnc) => &vnc.listens,
            Self::Rdp(rdp) => &rdp.listens,
            Self::Spice(spice) => &spice.listens,
            Self::Sdl(_) | Self::Desktop(_) | Self::EglHeadless(_) | Self::Dbus(_) => &[],
        }
    }

    /// Where it waits for clients, to change it.
    pub fn listens_mut(&mut self) -> &mut [Listen] {
        match self {
            Self::Vnc(vnc) => &mut vnc.listens,
            Self::Rdp(rdp) => &mut rdp.listens,
            Self::Spice(spice) => &mut spice.listens,
            Self::Sdl(_) | Self::Desktop(_) | Self::EglHeadless(_) | Self::Dbus(_) => &mut [],
        }
    }

    /// Whether it renders with the host's OpenGL.
    #[must_use]
    pub fn uses_opengl(&self) -> bool {
        match self {
            Self::Sdl(sdl) => sdl.gl == Some(true),
            Self::Spice(spice) => spice.gl.enable == Some(true),
            Self::Dbus(dbus) => dbus.gl.enable == Some(true),
            Self::EglHeadless(_) => true,
            Self::Vnc(_) | Self::Rdp(_) | Self::Desktop(_) => false,
        }
    }
}

impl Device for Graphics {
    const ELEMENT: &'static str = "graphics";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        Ok(match el.required("type", el.attr_enum::<GraphicsType>("type")?)? {
            GraphicsType::Sdl => Self::Sdl(Sdl::parse(el)?),
            GraphicsType::Vnc => Self::Vnc(Vnc::parse(el, cx)?),
            GraphicsType::Rdp => Self::Rdp(Rdp::parse(el, cx)?),
            GraphicsType::Desktop => Self::Desktop(Desktop::parse(el)?),
            GraphicsType::Spice => Self::Spice(Spice::parse(el, cx)?),
            GraphicsType::EglHeadless => Self::EglHeadless(EglHeadless::parse(el)),
            GraphicsType::Dbus => Self::Dbus(DbusDisplay::parse(el)?),
        })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.kind());
            match self {
                Self::Sdl(sdl) => sdl.format(w),
                Self::Vnc(vnc) => vnc.format(w, cx),
                Self::Rdp(rdp) => rdp.format(w, cx),
                Self::Desktop(desktop) => desktop.format(w),
                Self::Spice(spice) => spice.format(w, cx),
                Self::EglHeadless(egl) => egl.format(w),
                Self::Dbus(dbus) => dbus.format(w),
            }
        });
    }

    fn info(&self) -> Option<&DeviceInfo> {
        None
    }

    fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
        None
    }

    fn fill(&mut self, _domain: &Domain) -> Result<()> {
        // Without any port the server can not be reached but through the engine; say so.
        if let Self::Spice(spice) = self
            && !spice.autoport
            && spice.port == 0
            && spice.tls_port == 0
            && let Some(first) = spice.listens.first_mut()
            && matches!(first.at, ListenAt::Address(_))
        {
            first.at = ListenAt::None;
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        let kind = self.kind();
        let remote = matches!(self, Self::Vnc(_) | Self::Spice(_));
        Listen::validate_all(self.listens(), kind.text(), remote)?;
        match self {
            Self::Vnc(vnc) => domain.require_audio(vnc.audio),
            Self::Dbus(dbus) if dbus.p2p && dbus.address.is_some() => {
                Err(xml_error("D-Bus p2p with an address is not supported"))
            }
            Self::Sdl(_)
            | Self::Rdp(_)
            | Self::Desktop(_)
            | Self::Spice(_)
            | Self::EglHeadless(_)
            | Self::Dbus(_) => Ok(()),
        }
    }

    /// A domain has at most one display of a kind that can be changed while it runs.
    fn same_device(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

grammar! {
    GRAMMAR = [
        Must("type", OneOf(GraphicsType::NAMES)),
        When("type", &["sdl"], &[
            Attr("display", Str), Attr("xauth", Str), Attr("fullscreen", YesNo),
            Opt("gl", &[Must("enable", YesNo)]),
        ]),
        When("type", &["desktop"], &[Attr("display", Str), Attr("fullscreen", YesNo)]),
        When("type", &["rdp"], &[
            Attr("port", Integer), Attr("autoport", YesNo), Attr("replaceUser", YesNo), Attr("multiUser", YesNo),
            With(auth::GRAMMAR), With(listen::GRAMMAR),
        ]),
        When("type", &["egl-headless"], &[Opt("gl", &[Must("rendernode", PATH), Attr("enable", YesNo)])]),
        When("type", &["dbus"], &[
            Attr("p2p", YesNo), Attr("address", Str), Opt("gl", &[Must("enable", YesNo), Attr("rendernode", PATH)]), Opt("audio", &[Must("id", U32)]),
        ]),
        When("type", &["vnc"], vnc::GRAMMAR),
        When("type", &["spice"], spice::GRAMMAR),
        With(crate::common::device_info::INFO),
    ];
}
