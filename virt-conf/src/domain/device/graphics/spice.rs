//! `<graphics type='spice'>`.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::auth::GraphicsAuth;
use super::listen::{Listen, ListenAt};
use super::{Gl, GraphicsType};
use crate::domain::{FormatContext, ParseContext};
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// The channels between server and client.
    pub enum SpiceChannel {
        Main = "main", Display = "display", Inputs = "inputs", Cursor = "cursor", Playback = "playback",
        Record = "record", Smartcard = "smartcard", Usbredir = "usbredir",
    }
}

text_enum! {
    /// Whether a channel is encrypted.
    pub enum SpiceChannelMode { #[default] Any = "any", Secure = "secure", Insecure = "insecure" }
}

text_enum! {
    /// How images are compressed.
    pub enum ImageCompression {
        AutoGlz = "auto_glz", AutoLz = "auto_lz", Quic = "quic", Glz = "glz", Lz = "lz", Off = "off",
    }
}

text_enum! {
    /// When images are compressed further for slow connections.
    pub enum WanCompression { Auto = "auto", Never = "never", Always = "always" }
}

text_enum! {
    /// What is taken for video and sent as a stream.
    pub enum StreamingMode { Filter = "filter", All = "all", Off = "off" }
}

text_enum! {
    /// Who draws the pointer.
    pub enum MouseMode { Server = "server", Client = "client" }
}

/// A SPICE server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spice {
    /// Where it waits for clients.
    pub listens: Vec<Listen>,
    /// `port`; 0 for none, -1 where the driver chooses.
    pub port: i32,
    /// `tlsPort`; 0 for none, -1 where the driver chooses.
    pub tls_port: i32,
    /// `autoport`: the driver chooses the ports.
    pub autoport: bool,
    /// `defaultMode`: of the channels that are not named.
    pub default_mode: SpiceChannelMode,
    /// `<channel>`s, those whose mode is not left open.
    pub channels: Vec<(SpiceChannel, SpiceChannelMode)>,
    /// `keymap`.
    pub keymap: Option<String>,
    /// `passwd` and what goes with it.
    pub auth: Option<GraphicsAuth>,
    /// `<image compression='…'>`.
    pub image: Option<ImageCompression>,
    /// `<jpeg compression='…'>`.
    pub jpeg: Option<WanCompression>,
    /// `<zlib compression='…'>`.
    pub zlib: Option<WanCompression>,
    /// `<playback compression='…'>`.
    pub playback: Option<bool>,
    /// `<streaming mode='…'>`.
    pub streaming: Option<StreamingMode>,
    /// `<mouse mode='…'>`.
    pub mouse: Option<MouseMode>,
    /// `<clipboard copypaste='…'>`.
    pub copy_paste: Option<bool>,
    /// `<filetransfer enable='…'>`.
    pub file_transfer: Option<bool>,
    /// `<gl>`.
    pub gl: Gl,
}

/// The attribute of a child, which has to be there where the child is.
fn setting<'a, T>(
    el: Element<'a>,
    child: &'static str,
    attribute: &'static str,
    read: impl FnOnce(Element<'a>, &'static str) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let Some(child) = el.child(child) else { return Ok(None) };
    child.required(attribute, read(child, attribute)?).map(Some)
}

impl Spice {
    pub(super) fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mut spice = Self {
            listens: Listen::parse_all(el, false, cx)?,
            port: el.attr_i32("port", Base::Ten)?.unwrap_or(0),
            tls_port: el.attr_i32("tlsPort", Base::Ten)?.unwrap_or(0),
            autoport: el.attr_yes_no("autoport")?.unwrap_or(false),
            default_mode: el.attr_enum("defaultMode")?.unwrap_or_default(),
            ..Self::default()
        };
        // The old way to ask for ports.
        spice.autoport |= spice.port == -1 && spice.tls_port == -1;
        if spice.autoport && cx.flags.contains(ParseFlags::INACTIVE) {
            (spice.port, spice.tls_port) = (0, 0);
        }
        spice.keymap = el.attr("keymap").map(str::to_owned);
        spice.auth = GraphicsAuth::parse(el, GraphicsType::Spice)?;
        for channel in el.children_named("channel") {
            let name = channel.required("name", channel.attr_enum("name")?)?;
            let mode = channel.required("mode", channel.attr_enum("mode")?)?;
            spice.channels.retain(|(known, _)| *known != name);
            if mode != SpiceChannelMode::Any {
                spice.channels.push((name, mode));
            }
        }
        spice.channels.sort_unstable();
        spice.image = setting(el, "image", "compression", Element::attr_enum)?;
        spice.jpeg = setting(el, "jpeg", "compression", Element::attr_enum)?;
        spice.zlib = setting(el, "zlib", "compression", Element::attr_enum)?;
        spice.playback = setting(el, "playback", "compression", Element::attr_on_off)?;
        spice.streaming = setting(el, "streaming", "mode", Element::attr_enum)?;
        spice.copy_paste = setting(el, "clipboard", "copypaste", Element::attr_yes_no)?;
        spice.file_transfer = setting(el, "filetransfer", "enable", Element::attr_yes_no)?;
        spice.gl = Gl::parse_required(el)?;
        spice.mouse = setting(el, "mouse", "mode", Element::attr_enum)?;
        Ok(spice)
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let migratable = cx.flags.contains(FormatFlags::MIGRATABLE);
        if let Some(listen) = self.listens.first() {
            match &listen.at {
                ListenAt::Address(_) | ListenAt::Network { .. } => {
                    for (name, port) in [("port", self.port), ("tlsPort", self.tls_port)] {
                        w.attr_opt(name, Some(port).filter(|port| *port != 0));
                    }
                    w.attr("autoport", if self.autoport { "yes" } else { "no" });
                    listen.format_on_display(w, cx);
                }
                // How an older peer is told to listen nowhere, or where its own settings say.
                ListenAt::None if migratable => w.attr("autoport", "no"),
                ListenAt::Socket(_) if migratable && listen.from_config => w.attr("autoport", "yes"),
                ListenAt::None | ListenAt::Socket(_) => {}
            }
        }
        w.attr_opt("keymap", self.keymap.as_ref());
        if self.default_mode != SpiceChannelMode::Any {
            w.attr("defaultMode", self.default_mode);
        }
        if let Some(auth) = &self.auth {
            auth.format(w, cx);
        }
        for listen in &self.listens {
            if !(migratable && (listen.from_config || listen.at == ListenAt::None)) {
                listen.format(w, cx);
            }
        }
        for (name, mode) in &self.channels {
            w.element("channel", |w| {
                w.attr("name", name);
                w.attr("mode", mode);
            });
        }
        self.format_settings(w);
    }

    fn format_settings(&self, w: &mut Writer) {
        let on_off = |value| if value { "on" } else { "off" };
        let yes_no = |value| if value { "yes" } else { "no" };
        for (element, attribute, value) in [
            ("image", "compression", self.image.map(TextEnum::text)),
            ("jpeg", "compression", self.jpeg.map(TextEnum::text)),
            ("zlib", "compression", self.zlib.map(TextEnum::text)),
            ("playback", "compression", self.playback.map(on_off)),
            ("streaming", "mode", self.streaming.map(TextEnum::text)),
            ("mouse", "mode", self.mouse.map(TextEnum::text)),
            ("clipboard", "copypaste", self.copy_paste.map(yes_no)),
            ("filetransfer", "enable", self.file_transfer.map(yes_no)),
        ] {
            if let Some(value) = value {
                w.element(element, |w| w.attr(attribute, value));
            }
        }
        self.gl.format(w);
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("port", Integer), Attr("tlsPort", Integer), Attr("autoport", YesNo), Attr("keymap", Str),
        Attr("defaultMode", OneOf(SpiceChannelMode::NAMES)), With(super::auth::GRAMMAR), With(super::listen::GRAMMAR),
        Many("channel", &[Must("name", OneOf(SpiceChannel::NAMES)), Must("mode", OneOf(SpiceChannelMode::NAMES))]),
        Opt("image", &[Must("compression", OneOf(ImageCompression::NAMES))]),
        Opt("jpeg", &[Must("compression", OneOf(WanCompression::NAMES))]),
        Opt("zlib", &[Must("compression", OneOf(WanCompression::NAMES))]),
        Opt("playback", &[Must("compression", OnOff)]), Opt("streaming", &[Must("mode", OneOf(StreamingMode::NAMES))]),
        Opt("mouse", &[Must("mode", OneOf(MouseMode::NAMES))]), Opt("clipboard", &[Must("copypaste", YesNo)]),
        Opt("filetransfer", &[Must("enable", YesNo)]), Opt("gl", &[Must("enable", YesNo), Attr("rendernode", PATH)]),
    ];
}
