//! `<graphics type='vnc'>`.

use virt_types::text_enum;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use super::auth::GraphicsAuth;
use super::listen::{Listen, ListenAt};
use super::{GraphicsType, parse_audio};
use crate::domain::{FormatContext, ParseContext};
use crate::error::internal;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// How several clients share the display.
    pub enum SharePolicy {
        #[default] Default = "default", AllowExclusive = "allow-exclusive", ForceShared = "force-shared",
        Ignore = "ignore",
    }
}

/// A VNC server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vnc {
    /// Where it waits for clients.
    pub listens: Vec<Listen>,
    /// `port`; 0 until one is chosen.
    pub port: i32,
    /// `autoport`: the driver chooses the port.
    pub autoport: bool,
    /// `websocket`: the port for web clients; 0 for none, -1 where the driver chooses.
    pub websocket: i32,
    /// The port for web clients was chosen by the driver.
    pub websocket_generated: bool,
    /// `sharePolicy`.
    pub share_policy: SharePolicy,
    /// `powerControl`: clients may shut down and reset the guest.
    pub power_control: Option<bool>,
    /// `keymap`.
    pub keymap: Option<String>,
    /// `passwd` and what goes with it.
    pub auth: Option<GraphicsAuth>,
    /// `<audio id='…'>`: the backend whose sound goes to clients, from 1.
    pub audio: Option<u32>,
}

impl Vnc {
    pub(super) fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let inactive = cx.flags.contains(ParseFlags::INACTIVE);
        let mut vnc = Self { listens: Listen::parse_all(el, true, cx)?, ..Self::default() };
        match el.attr("port") {
            None => vnc.autoport = true,
            Some(text) => {
                vnc.port = number::parse_i32(text, Base::Ten)
                    .ok_or_else(|| internal(format!("cannot parse vnc port {text}")).at(el.place()))?;
                // The old way to ask for a port.
                if vnc.port == -1 {
                    vnc.autoport = true;
                    vnc.port = if inactive { 0 } else { -1 };
                }
            }
        }
        if let Some(text) = el.attr("autoport") {
            vnc.autoport = match text {
                "yes" => true,
                "no" => false,
                _ => vnc.autoport,
            };
            if vnc.autoport && inactive {
                vnc.port = 0;
            }
        }
        vnc.websocket = el.attr_i32("websocket", Base::Ten)?.unwrap_or(0);
        vnc.websocket_generated = el.attr("websocketGenerated") == Some("yes");
        vnc.share_policy = el.attr_enum("sharePolicy")?.unwrap_or_default();
        vnc.power_control = el.attr_yes_no("powerControl")?;
        vnc.keymap = el.attr("keymap").map(str::to_owned);
        vnc.audio = parse_audio(el)?;
        vnc.auth = GraphicsAuth::parse(el, GraphicsType::Vnc)?;
        Ok(vnc)
    }

    pub(super) fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let migratable = cx.flags.contains(FormatFlags::MIGRATABLE);
        match self.listens.first() {
            Some(listen @ Listen { at: ListenAt::Socket(Some(socket)), .. }) => {
                if !(migratable && (listen.auto_generated || listen.from_config)) {
                    w.attr("socket", socket);
                }
            }
            Some(listen) if listen.at.is_tcp() => {
                self.format_ports(w, cx);
                listen.format_on_display(w, cx);
            }
            Some(_) | None => {}
        }
        w.attr_opt("keymap", self.keymap.as_ref());
        if self.share_policy != SharePolicy::Default {
            w.attr("sharePolicy", self.share_policy);
        }
        w.attr_yes_no("powerControl", self.power_control);
        if let Some(auth) = &self.auth {
            auth.format(w, cx);
        }
        for listen in &self.listens {
            // An older peer reads a socket that the user chose from the display's own attribute.
            let old_form = matches!(listen.at, ListenAt::Socket(Some(_))) && !listen.auto_generated;
            if !(migratable && (listen.from_config || old_form)) {
                listen.format(w, cx);
            }
        }
        if let Some(id) = self.audio {
            w.element("audio", |w| w.attr("id", id));
        }
    }

    fn format_ports(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        if self.port != 0 && !(self.autoport && cx.inactive()) {
            w.attr("port", self.port);
        } else if self.autoport {
            w.attr("port", -1);
        }
        w.attr("autoport", if self.autoport { "yes" } else { "no" });
        if self.websocket_generated && cx.inactive() {
            w.attr("websocket", -1);
        } else if self.websocket != 0 {
            w.attr("websocket", self.websocket);
        }
        if cx.flags.contains(FormatFlags::STATUS) {
            w.attr("websocketGenerated", if self.websocket_generated { "yes" } else { "no" });
        }
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("port", Integer), Attr("autoport", YesNo), Attr("websocket", Integer), Attr("websocketGenerated", YesNo),
        Attr("socket", PATH), Attr("keymap", Str), Attr("sharePolicy", OneOf(SharePolicy::NAMES)), Attr("powerControl", YesNo),
        With(super::auth::GRAMMAR), With(super::listen::GRAMMAR), Opt("audio", &[Must("id", U32)]),
    ];
}
