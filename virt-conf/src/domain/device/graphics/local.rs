//! Displays without a network: windows on the host, rendering only, and D-Bus; and RDP, which QEMU has not.

use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use super::listen::Listen;
use super::{Gl, parse_audio};
use crate::domain::{FormatContext, ParseContext};
use crate::error::internal;
use crate::{ParseFlags, Result};

fn owned(el: Element<'_>, name: &'static str) -> Option<String> {
    el.attr(name).map(str::to_owned)
}

fn flag(w: &mut Writer, name: &str, value: bool) {
    if value {
        w.attr(name, "yes");
    }
}

/// A window on the host's X display.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sdl {
    /// `display`: name of the X display.
    pub display: Option<String>,
    /// `xauth`: path of the X cookie file.
    pub xauth: Option<String>,
    /// `fullscreen`.
    pub fullscreen: bool,
    /// `<gl enable='…'>`.
    pub gl: Option<bool>,
}

impl Sdl {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            fullscreen: el.attr_yes_no("fullscreen")?.unwrap_or(false),
            xauth: owned(el, "xauth"),
            display: owned(el, "display"),
            gl: Gl::parse_required(el)?.enable,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr_opt("display", self.display.as_ref());
        w.attr_opt("xauth", self.xauth.as_ref());
        flag(w, "fullscreen", self.fullscreen);
        if self.gl.is_some() {
            w.element("gl", |w| w.attr_yes_no("enable", self.gl));
        }
    }
}

/// A window of the hypervisor's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desktop {
    /// `display`: name of the X display.
    pub display: Option<String>,
    /// `fullscreen`.
    pub fullscreen: bool,
}

impl Desktop {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let fullscreen = el.attr_yes_no("fullscreen")?.unwrap_or(false);
        Ok(Self { fullscreen, display: owned(el, "display") })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr_opt("display", self.display.as_ref());
        flag(w, "fullscreen", self.fullscreen);
    }
}

/// Rendering without a display of its own; others show the result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EglHeadless {
    /// `<gl rendernode='…'>`: the host's DRI device.
    pub rendernode: Option<String>,
}

impl EglHeadless {
    pub(super) fn parse(el: Element<'_>) -> Self {
        Self { rendernode: el.child("gl").and_then(|gl| owned(gl, "rendernode")) }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if let Some(rendernode) = &self.rendernode {
            w.element("gl", |w| w.attr("rendernode", rendernode));
        }
    }
}

/// A display on a message bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DbusDisplay {
    /// `p2p`: clients are handed over one by one, there is no bus.
    pub p2p: bool,
    /// `address` of the bus; absent where the domain gets one of its own.
    pub address: Option<String>,
    /// `<gl>`.
    pub gl: Gl,
    /// `<audio id='…'>`, from 1.
    pub audio: Option<u32>,
}

impl DbusDisplay {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            p2p: el.attr_yes_no("p2p")?.unwrap_or(false),
            address: owned(el, "address"),
            gl: Gl::parse_required(el)?,
            audio: parse_audio(el)?,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        flag(w, "p2p", self.p2p);
        w.attr_opt("address", self.address.as_ref());
        self.gl.format(w);
        if let Some(id) = self.audio {
            w.element("audio", |w| w.attr("id", id));
        }
    }
}

/// An RDP server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rdp {
    /// Where it waits for clients.
    pub listens: Vec<Listen>,
    /// `port`; 0 until one is chosen.
    pub port: i32,
    /// `autoport`: the driver chooses the port.
    pub autoport: bool,
    /// `replaceUser`: a new client takes the place of the old one.
    pub replace_user: bool,
    /// `multiUser`: several clients at once.
    pub multi_user: bool,
}

impl Rdp {
    pub(super) fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let listens = Listen::parse_all(el, false, cx)?;
        let port = el
            .attr("port")
            .map(|text| {
                number::parse_i32(text, Base::Ten)
                    .ok_or_else(|| internal(format!("cannot parse rdp port {text}")).at(el.place()))
            })
            .transpose()?;
        let autoport = matches!(port, None | Some(-1)) || el.attr("autoport") == Some("yes");
        let forget = autoport && cx.flags.contains(ParseFlags::INACTIVE);
        Ok(Self {
            listens,
            port: if forget { 0 } else { port.unwrap_or(0) },
            autoport,
            replace_user: el.attr("replaceUser") == Some("yes"),
            multi_user: el.attr("multiUser") == Some("yes"),
        })
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        if self.port != 0 || self.autoport {
            w.attr("port", self.port);
        }
        flag(w, "autoport", self.autoport);
        flag(w, "replaceUser", self.replace_user);
        flag(w, "multiUser", self.multi_user);
        if let Some(listen) = self.listens.first() {
            listen.format_on_display(w, cx);
        }
        let migratable = cx.flags.contains(crate::FormatFlags::MIGRATABLE);
        for listen in self.listens.iter().filter(|listen| !(migratable && listen.from_config)) {
            listen.format(w, cx);
        }
    }
}
