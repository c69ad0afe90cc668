//! Addresses, ports and render nodes of displays.

use std::path::Path;

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Gl, Graphics, Listen, ListenAt, Spice, SpiceChannelMode, Vnc};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::PrepareContext;
use crate::caps::Cap;
use crate::config::Config;
use crate::error::{internal, unsupported};
use crate::plan;

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortUse {
    /// VNC.
    Vnc,
    /// VNC for web clients.
    Websocket,
    /// SPICE.
    Spice,
    /// SPICE over TLS.
    SpiceTls,
}

/// Where displays get their TCP ports from.
pub trait Ports {
    /// A port that nobody uses.
    ///
    /// # Errors
    /// Where all are taken.
    fn take(&mut self, purpose: PortUse) -> Result<i32>;
}

/// The ports of a plan that nobody will start: always the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct PretendedPorts;

impl Ports for PretendedPorts {
    fn take(&mut self, purpose: PortUse) -> Result<i32> {
        Ok(match purpose {
            PortUse::Vnc => 5900,
            PortUse::Spice => 5901,
            PortUse::SpiceTls => 5902,
            PortUse::Websocket => -1,
        })
    }
}

/// Decides what the displays of a domain leave open.
///
/// # Errors
/// For a network without address, a host that can not render, and where all ports are taken.
pub fn graphics(domain: &mut Domain, cx: &PrepareContext<'_>, ports: &mut dyn Ports) -> Result<()> {
    let directory = plan::domain_dir(&cx.config.lib_dir, domain);
    let bus = plan::message_bus(&cx.config.state_dir, domain);
    for display in &mut domain.devices.graphics {
        choose_render_node(display, cx)?;
        let (listen, sockets) = match display {
            Graphics::Vnc(_) => (Some(&cx.config.vnc.listen), cx.config.vnc.auto_unix_socket),
            Graphics::Spice(_) => (Some(&cx.config.spice.listen), cx.config.spice.auto_unix_socket),
            _ => (None, false),
        };
        let socket = directory.join(format!("{}.sock", display.kind()));
        for place in display.listens_mut() {
            choose_place(place, listen.filter(|_| !sockets), sockets, &socket, cx)?;
        }
        if let Graphics::Dbus(dbus) = display
            && !dbus.p2p
        {
            dbus.address.get_or_insert_with(|| format!("unix:path={}", bus.display()));
        }
    }
    for display in &mut domain.devices.graphics {
        if display.listens().first().is_some_and(|place| place.at.is_tcp()) {
            match display {
                Graphics::Vnc(vnc) => choose_vnc_ports(vnc, ports)?,
                Graphics::Spice(spice) => choose_spice_ports(spice, cx.config, ports)?,
                Graphics::Sdl(_)
                | Graphics::Rdp(_)
                | Graphics::Desktop(_)
                | Graphics::EglHeadless(_)
                | Graphics::Dbus(_) => {}
            }
        }
    }
    Ok(())
}

fn choose_render_node(display: &mut Graphics, cx: &PrepareContext<'_>) -> Result<()> {
    let (node, supported) = match display {
        Graphics::Spice(Spice { gl: Gl { enable: Some(true), rendernode }, .. }) => {
            (rendernode, cx.caps.has(Cap::SpiceRendernode))
        }
        Graphics::EglHeadless(egl) => (&mut egl.rendernode, cx.caps.has(Cap::EglHeadlessRendernode)),
        Graphics::Dbus(dbus) if dbus.gl.enable == Some(true) => (&mut dbus.gl.rendernode, true),
        _ => return Ok(()),
    };
    if node.is_none() && supported {
        let first = cx.host.render_node.clone().ok_or_else(|| {
            internal("No DRM render nodes available")
                .with_hint("OpenGL needs a device /dev/dri/renderD*; load the driver of a graphics card")
        })?;
        *node = Some(first);
    }
    Ok(())
}

fn choose_place(
    place: &mut Listen,
    default: Option<&String>,
    sockets: bool,
    socket: &Path,
    cx: &PrepareContext<'_>,
) -> Result<()> {
    let path = || Some(socket.display().to_string());
    match &mut place.at {
        ListenAt::Address(None) if sockets => {
            *place = Listen { from_config: true, ..ListenAt::Socket(path()).into() };
        }
        ListenAt::Address(address @ None) => {
            place.from_config = default.is_some();
            *address = default.cloned();
        }
        ListenAt::Network { network: Some(network), address: address @ None } => {
            let found = cx.host.network_addresses.get(network).ok_or_else(|| {
                let detail = format!("no network with matching name '{network}'");
                Error::new(ErrorCode::NoNetwork, ErrorDomain::Network, detail)
            })?;
            *address = Some(found.clone());
        }
        ListenAt::Socket(at @ None) => {
            *at = path();
            place.auto_generated = true;
        }
        ListenAt::None
        | ListenAt::Address(Some(_))
        | ListenAt::Network { .. }
        | ListenAt::Socket(Some(_)) => {}
    }
    Ok(())
}

fn choose_vnc_ports(vnc: &mut Vnc, ports: &mut dyn Ports) -> Result<()> {
    if vnc.autoport {
        vnc.port = ports.take(PortUse::Vnc)?;
    }
    if vnc.websocket == -1 {
        vnc.websocket = ports.take(PortUse::Websocket)?;
        vnc.websocket_generated = vnc.websocket != -1;
    }
    Ok(())
}

fn choose_spice_ports(spice: &mut Spice, config: &Config, ports: &mut dyn Ports) -> Result<()> {
    let modes = || spice.channels.iter().map(|(_, mode)| *mode).chain([spice.default_mode]);
    let any = spice.default_mode == SpiceChannelMode::Any;
    let wants = |mode| spice.autoport && modes().any(|wanted| wanted == mode);
    let plain = wants(SpiceChannelMode::Insecure) || (spice.autoport && any);
    let tls = wants(SpiceChannelMode::Secure) || (spice.autoport && any && config.spice.tls);
    if plain || spice.port == -1 {
        spice.port = ports.take(PortUse::Spice)?;
    }
    if tls || spice.tls_port == -1 {
        if !config.spice.tls {
            return Err(unsupported(
                "Auto allocation of spice TLS port requested but spice TLS is disabled in qemu.conf",
            ));
        }
        spice.tls_port = ports.take(PortUse::SpiceTls)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::device::{DbusDisplay, SpiceChannel};

    use super::*;
    use crate::caps::Capabilities;
    use crate::config::{SpiceConfig, VncConfig};
    use crate::host::Host;

    fn prepared(display: Graphics, config: &Config) -> Result<Graphics> {
        let host =
            Host { network_addresses: [("lab".to_owned(), "10.7.0.1".to_owned())].into(), ..Host::default() };
        let caps = Capabilities { caps: [Cap::SpiceRendernode].into(), ..Capabilities::default() };
        let mut domain = Domain { name: "web".into(), ..Domain::default() };
        domain.devices.graphics.push(display);
        let cx = PrepareContext { caps: &caps, config, host: &host, processor: None };
        graphics(&mut domain, &cx, &mut PretendedPorts)?;
        Ok(domain.devices.graphics.remove(0))
    }

    fn vnc(at: ListenAt) -> Graphics {
        Graphics::Vnc(Vnc { listens: vec![at.into()], autoport: true, ..Vnc::default() })
    }

    fn network(name: &str) -> ListenAt {
        ListenAt::Network { network: Some(name.to_owned()), address: None }
    }

    #[test]
    fn places_that_are_left_open_are_chosen() {
        let config = Config::system();
        let sockets = VncConfig { auto_unix_socket: true, ..VncConfig::default() };
        let sockets = Config { vnc: sockets, ..Config::system() };
        let path = "/var/lib/libvirt/qemu/domain--1-web/vnc.sock";
        for (at, config, place, socket) in [
            (ListenAt::Address(None), &config, Some("127.0.0.1"), None),
            (ListenAt::Address(Some("::".into())), &config, Some("::"), None),
            (network("lab"), &config, Some("10.7.0.1"), None),
            (ListenAt::Address(None), &sockets, None, Some(path)),
            (ListenAt::Socket(None), &config, None, Some(path)),
            (ListenAt::None, &config, None, None),
        ] {
            let display = prepared(vnc(at), config).unwrap();
            let listen = &display.listens()[0];
            assert_eq!(listen.at.address(), place);
            let found = match &listen.at {
                ListenAt::Socket(socket) => socket.as_deref(),
                _ => None,
            };
            assert_eq!(found, socket);
        }
        let error = prepared(vnc(network("nowhere")), &config).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoNetwork);
    }

    #[test]
    fn spice_gets_the_ports_that_its_channels_need() {
        let tls = Config { spice: SpiceConfig { tls: true, ..SpiceConfig::default() }, ..Config::system() };
        let plain = Config::system();
        let spice = |mode, channels: &[(SpiceChannel, SpiceChannelMode)]| Spice {
            listens: vec![ListenAt::Address(None).into()],
            autoport: true,
            default_mode: mode,
            channels: channels.to_vec(),
            ..Spice::default()
        };
        let secure = (SpiceChannel::Main, SpiceChannelMode::Secure);
        for (display, config, expected) in [
            (spice(SpiceChannelMode::Any, &[]), &plain, Some((5901, 0))),
            (spice(SpiceChannelMode::Any, &[]), &tls, Some((5901, 5902))),
            (spice(SpiceChannelMode::Secure, &[]), &tls, Some((0, 5902))),
            (spice(SpiceChannelMode::Insecure, &[secure]), &tls, Some((5901, 5902))),
            (spice(SpiceChannelMode::Insecure, &[secure]), &plain, None),
        ] {
            let ports = match prepared(Graphics::Spice(display), config) {
                Ok(Graphics::Spice(spice)) => Some((spice.port, spice.tls_port)),
                _ => None,
            };
            assert_eq!(ports, expected);
        }
    }

    #[test]
    fn rendering_needs_a_device_and_a_bus_display_a_bus() {
        let gl = Gl { enable: Some(true), rendernode: None };
        let spice = Spice { listens: vec![ListenAt::None.into()], gl, ..Spice::default() };
        let error = prepared(Graphics::Spice(spice), &Config::system()).unwrap_err();
        assert_eq!(error.detail(), "No DRM render nodes available");
        let dbus = prepared(Graphics::Dbus(DbusDisplay::default()), &Config::system()).unwrap();
        let Graphics::Dbus(dbus) = dbus else { panic!("another display") };
        assert_eq!(dbus.address.as_deref(), Some("unix:path=/run/libvirt/qemu/dbus/-1-web-dbus.sock"));
    }
}
