//! `<graphics>` as `-vnc`, `-spice` and `-display`.

use std::path::Path;

use virt_conf::domain::device::{
    AudioType, DbusDisplay, EglHeadless, Graphics, GraphicsType, ListenAt, MouseMode, Sdl, SharePolicy,
    Spice, SpiceChannelMode, Vnc,
};
use virt_types::{Result, TextEnum};

use super::audio::audio_id;
use super::common::{TlsEndpoint, tls_creds_x509};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{internal, unsupported};
use crate::plan::{self, DevicePlan, HostNeed, Part, PlanContext, keyval};

/// Passwords of VNC's own authentication are cut after this many bytes, so longer ones would promise too much.
const VNC_PASSWORD: usize = 8;

impl QemuDevice for Graphics {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let kind = self.kind();
        let cap = match kind {
            GraphicsType::Sdl => Some(Cap::Sdl),
            GraphicsType::Vnc => Some(Cap::Vnc),
            GraphicsType::Spice => Some(Cap::Spice),
            GraphicsType::EglHeadless => Some(Cap::EglHeadless),
            GraphicsType::Dbus => Some(Cap::DisplayDbus),
            GraphicsType::Rdp | GraphicsType::Desktop => None,
        };
        if !cap.is_some_and(|cap| cx.caps.has(cap)) {
            return Err(unsupported(format!("{kind} graphics are not supported with this QEMU")));
        }
        let headless = GraphicsType::EglHeadless;
        if cx.domain.devices.graphics.iter().any(|display| display.kind() == headless) {
            if !matches!(self, Self::EglHeadless(_) | Self::Vnc(_) | Self::Spice(_)) {
                return Err(unsupported(
                    "graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types",
                ));
            }
            if matches!(self, Self::Spice(_)) && self.uses_opengl() {
                return Err(unsupported("multiple OpenGL displays are not supported by QEMU"));
            }
        }
        match self {
            Self::Spice(spice) => check_spice(spice, cx),
            Self::Vnc(vnc) => check_vnc(vnc, cx),
            Self::EglHeadless(egl)
                if egl.rendernode.is_some() && !cx.caps.has(Cap::EglHeadlessRendernode) =>
            {
                Err(unsupported(
                    "This QEMU doesn't support OpenGL rendernode with egl-headless graphics type",
                ))
            }
            Self::Dbus(dbus)
                if dbus.audio.is_some_and(|id| {
                    let audio = cx.domain.audio(Some(id));
                    audio.is_some_and(|audio| audio.backend.kind() != AudioType::Dbus)
                }) =>
            {
                Err(unsupported("The associated audio is not of 'dbus' kind."))
            }
            Self::Sdl(_) | Self::Rdp(_) | Self::Desktop(_) | Self::EglHeadless(_) | Self::Dbus(_) => Ok(()),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        if matches!(self, Self::Vnc(_) | Self::Spice(_)) && self.listens().len() > 1 {
            return Err(unsupported("QEMU does not support multiple listens for one graphics device."));
        }
        let mut plan = DevicePlan::default();
        match self {
            Self::Sdl(sdl) => plan_sdl(sdl, cx, &mut plan),
            Self::Vnc(vnc) => plan_vnc(vnc, cx, &mut plan)?,
            Self::Spice(spice) => plan_spice(spice, cx, &mut plan)?,
            Self::EglHeadless(EglHeadless { rendernode }) => {
                let node = rendernode.as_ref().map(|node| format!(",rendernode={}", keyval(node)));
                let value = format!("egl-headless{}", node.unwrap_or_default());
                plan.parts.push(Part::Option("-display", value));
            }
            Self::Dbus(dbus) => plan_dbus(dbus, cx, &mut plan)?,
            Self::Rdp(_) | Self::Desktop(_) => {
                return Err(unsupported(format!(
                    "{} graphics are not supported with this QEMU",
                    self.kind()
                )));
            }
        }
        Ok(plan)
    }
}

fn check_spice(spice: &Spice, cx: &QemuContext<'_>) -> Result<()> {
    let tcp = spice.listens.first().is_some_and(|listen| listen.at.is_tcp());
    if tcp && spice.tls_port > 0 && !cx.config.spice.tls {
        return Err(unsupported("spice TLS port set in XML configuration, but TLS is disabled in qemu.conf"));
    }
    if spice.gl.enable == Some(true) {
        if !cx.caps.has(Cap::SpiceGl) {
            return Err(unsupported("This QEMU doesn't support spice OpenGL"));
        }
        if spice.gl.rendernode.is_some() && !cx.caps.has(Cap::SpiceRendernode) {
            return Err(unsupported("This QEMU doesn't support spice OpenGL rendernode"));
        }
    }
    Ok(())
}

fn check_vnc(vnc: &Vnc, cx: &QemuContext<'_>) -> Result<()> {
    if vnc.power_control.is_some() && !cx.caps.has(Cap::VncPowerControl) {
        return Err(unsupported("VNC power control is not available"));
    }
    match &vnc.auth {
        Some(auth) if auth.password.len() > VNC_PASSWORD => Err(unsupported(format!(
            "VNC password is {} characters long, only {VNC_PASSWORD} permitted",
            auth.password.len()
        ))),
        _ => Ok(()),
    }
}

const fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn sasl_env(cx: &mut PlanContext<'_>, dir: Option<&Path>) {
    if let Some(dir) = dir.filter(|dir| !dir.as_os_str().is_empty()) {
        cx.env("SASL_CONF_PATH", dir.display().to_string());
    }
}

fn plan_sdl(sdl: &Sdl, cx: &mut PlanContext<'_>, plan: &mut DevicePlan) {
    for (name, value) in [("XAUTHORITY", &sdl.xauth), ("DISPLAY", &sdl.display)] {
        if let Some(value) = value {
            cx.env(name, value);
        }
    }
    if sdl.fullscreen {
        plan.parts.push(Part::Flag("-full-screen"));
    }
    let gl = sdl.gl.map(|gl| format!(",gl={}", on_off(gl)));
    plan.parts.push(Part::Option("-display", format!("sdl{}", gl.unwrap_or_default())));
}

fn plan_vnc(vnc: &Vnc, cx: &mut PlanContext<'_>, plan: &mut DevicePlan) -> Result<()> {
    let audio = audio_id(cx.domain, vnc.audio)?;
    let listen = vnc.listens.first().ok_or_else(|| internal("missing listen element"))?;
    let mut value = match &listen.at {
        ListenAt::Socket(socket) => {
            format!("vnc=unix:{}", keyval(socket.as_deref().unwrap_or_default()))
        }
        ListenAt::Address(_) | ListenAt::Network { .. } => {
            if !vnc.autoport && !(5900..=65535).contains(&vnc.port) {
                return Err(unsupported("vnc port must be in range [5900,65535]"));
            }
            let address = listen.at.address().unwrap_or_default();
            // An IPv6 address would run into the number of the display.
            let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            let websocket = match vnc.websocket {
                0 => String::new(),
                port => format!(",websocket={port}"),
            };
            format!("{address}:{}{websocket}", vnc.port - 5900)
        }
        ListenAt::None => "none".to_owned(),
    };
    if vnc.share_policy != SharePolicy::Default {
        value += &format!(",share={}", vnc.share_policy);
    }
    let config = &cx.config.vnc;
    if vnc.auth.is_some() || config.password.is_some() {
        value += ",password=on";
    }
    if let Some(dir) = &config.tls {
        let endpoint = TlsEndpoint::Server { verify_peer: config.tls_verify };
        plan.parts.push(Part::Object(tls_creds_x509("vnc-tls-creds0", dir, endpoint, None)));
        value += ",tls-creds=vnc-tls-creds0";
    }
    if let Some(dir) = &config.sasl {
        value += ",sasl=on";
        sasl_env(cx, Some(dir));
    }
    if let Some(allowed) = vnc.power_control {
        value += &format!(",power-control={}", on_off(allowed));
    }
    value += &format!(",audiodev={audio}");
    plan.parts.push(Part::Option("-vnc", value));
    plan.parts.extend(vnc.keymap.clone().map(|keymap| Part::Option("-k", keymap)));
    Ok(())
}

fn plan_spice(spice: &Spice, cx: &mut PlanContext<'_>, plan: &mut DevicePlan) -> Result<()> {
    let listen = spice.listens.first().ok_or_else(|| internal("missing listen element"))?;
    let mut options = Vec::new();
    let mut push = |name: &str, value: &str| options.push(format!("{name}={value}"));
    let (plain, tls) = match &listen.at {
        ListenAt::Socket(socket) => {
            push("unix,addr", &keyval(socket.as_deref().unwrap_or_default()));
            (true, false)
        }
        ListenAt::Address(_) | ListenAt::Network { .. } => {
            for (name, port) in [("port", spice.port), ("tls-port", spice.tls_port)] {
                if port > 0 {
                    push(name, &port.to_string());
                }
            }
            let (plain, tls) = (spice.port > 0, spice.tls_port > 0);
            if let Some(address) = listen.at.address().filter(|_| plain || tls) {
                push("addr", address);
            }
            (plain, tls)
        }
        ListenAt::None => {
            // QEMU wants a port where nothing else is said; this one is none.
            push("port", "0");
            (true, false)
        }
    };
    let config = &cx.config.spice;
    if let Some(dir) = &config.sasl {
        push("sasl", "on");
        sasl_env(cx, Some(dir));
    }
    if let Some(mode) = spice.mouse {
        push("agent-mouse", on_off(mode == MouseMode::Client));
    }
    // A password is told through the monitor, where no other process can read it.
    if spice.auth.is_none() && config.password.is_none() {
        push("disable-ticketing", "on");
    }
    if tls {
        push("x509-dir", &keyval(&config.tls_dir.display().to_string()));
    }
    let named = spice.channels.iter().map(|(name, mode)| (name.text(), *mode));
    for (name, mode) in [("default", spice.default_mode)].into_iter().chain(named) {
        let what = |mode: &str| match name {
            "default" => format!("spice defaultMode {mode} requested"),
            _ => format!("spice {mode} channels set"),
        };
        match mode {
            SpiceChannelMode::Any => {}
            SpiceChannelMode::Secure if !tls => {
                return Err(unsupported(format!(
                    "{} in XML configuration, but TLS connection is not available",
                    what("secure")
                )));
            }
            SpiceChannelMode::Insecure if !plain => {
                return Err(unsupported(format!(
                    "{} in XML configuration, but plaintext connection is not available",
                    what("insecure")
                )));
            }
            SpiceChannelMode::Secure => push("tls-channel", name),
            SpiceChannelMode::Insecure => push("plaintext-channel", name),
        }
    }
    for (name, value) in [
        ("image-compression", spice.image.map(TextEnum::text)),
        ("jpeg-wan-compression", spice.jpeg.map(TextEnum::text)),
        ("zlib-glz-wan-compression", spice.zlib.map(TextEnum::text)),
        ("playback-compression", spice.playback.map(on_off)),
        ("streaming-video", spice.streaming.map(TextEnum::text)),
        ("disable-copy-paste", spice.copy_paste.and_then(|allowed| (!allowed).then_some("on"))),
        ("disable-agent-file-xfer", spice.file_transfer.and_then(|allowed| (!allowed).then_some("on"))),
    ] {
        if let Some(value) = value {
            push(name, value);
        }
    }
    if spice.gl.enable == Some(true) {
        push("gl", "on");
        if let Some(node) = &spice.gl.rendernode {
            push("rendernode", &keyval(node));
        }
    }
    // A destination that can not do it falls back by itself.
    push("seamless-migration", "on");
    plan.parts.push(Part::Option("-spice", options.join(",")));
    plan.parts.extend(spice.keymap.clone().map(|keymap| Part::Option("-k", keymap)));
    Ok(())
}

fn plan_dbus(dbus: &DbusDisplay, cx: &PlanContext<'_>, plan: &mut DevicePlan) -> Result<()> {
    let mut value = "dbus".to_owned();
    if dbus.p2p {
        value += ",p2p=on";
    } else {
        let own = plan::message_bus(&cx.config.state_dir, cx.domain);
        let address = dbus.address.as_deref().unwrap_or_default();
        if address == format!("unix:path={}", own.display()) {
            plan.needs.push(HostNeed::MessageBus(own));
        }
        value += &format!(",addr={}", keyval(address));
    }
    if let Some(gl) = dbus.gl.enable {
        value += &format!(",gl={}", on_off(gl));
    }
    if let Some(node) = &dbus.gl.rendernode {
        value += &format!(",rendernode={}", keyval(node));
    }
    if dbus.audio.is_some() {
        value += &format!(",audiodev={}", audio_id(cx.domain, dbus.audio)?);
    }
    plan.parts.push(Part::Option("-display", value));
    Ok(())
}
