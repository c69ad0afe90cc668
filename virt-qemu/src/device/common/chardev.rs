//! The host end of a character device as `-chardev`, with what it needs.

use virt_conf::common::chardev::{
    Chardev, ChardevLog, ChardevSource, MouseMode, Reconnect, TcpProtocol, TcpSource, UnixSource,
};
use virt_conf::domain::device::Graphics;
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use crate::caps::Cap;
use crate::config::Config;
use crate::device::QemuContext;
use crate::error::unsupported;
use crate::plan::{FdSource, Part, PlanContext, Props, keyval};

/// How a `-chardev` is set up beyond what its document says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup {
    /// QEMU starts the guest only when the other end of a listening socket is there.
    pub wait: bool,
    /// A device of the host is a parallel port.
    pub parallel: bool,
    /// QEMU opens a listening socket itself, even where the engine could.
    pub by_path: bool,
}

/// The id of the host end of a device.
#[must_use]
pub fn id(alias: &str) -> String {
    format!("char{alias}")
}

/// The parts of a character device's host end; `id` is the chardev's own.
///
/// # Errors
/// For a kind that QEMU does not have.
pub fn parts(cx: &mut PlanContext<'_>, chardev: &Chardev, id: &str, setup: Setup) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut text = match listener(cx, &chardev.source, setup) {
        Some(fd) => format!("socket,id={id},fd={fd}{}", listen(true, setup.wait)),
        None => backend(&chardev.source, id, setup)?,
    };
    if let ChardevSource::Tcp(tcp) = &chardev.source
        && tcp.tls == Some(true)
    {
        let creds = format!("obj{id}_tls0");
        text.push_str(&format!(",tls-creds={creds}"));
        parts.push(Part::Object(tls_props(tcp, creds, cx.config)));
    }
    if let Some(ChardevLog { file, append }) = &chardev.log {
        text.push_str(&format!(",logfile={}", keyval(file)));
        push_on_off(&mut text, "logappend", *append);
    }
    parts.push(Part::Chardev(text));
    Ok(parts)
}

/// The descriptor of a listening socket, which is there before the guest is: nobody who connects comes too early.
///
/// A domain that does not run is shown with the path instead.
fn listener(cx: &mut PlanContext<'_>, source: &ChardevSource, setup: Setup) -> Option<i32> {
    let ChardevSource::Unix(UnixSource { listen: true, path, .. }) = source else { return None };
    if setup.by_path || cx.domain.id.is_none() {
        return None;
    }
    path.as_ref().map(|path| cx.fd(FdSource::UnixListener(path.into())))
}

fn tls_props(tcp: &TcpSource, id: String, config: &Config) -> Props {
    // A client always checks whom it talks to.
    let (endpoint, verify) =
        if tcp.listen { ("server", config.chardev_tls_x509_verify) } else { ("client", true) };
    Props::new()
        .str("qom-type", "tls-creds-x509")
        .str("id", id)
        .str("dir", config.chardev_tls_x509_cert_dir.to_string_lossy())
        .str("endpoint", endpoint)
        .bool("verify-peer", verify)
}

fn push_on_off(text: &mut String, name: &str, value: Option<bool>) {
    if let Some(value) = value {
        text.push_str(&format!(",{name}={}", if value { "on" } else { "off" }));
    }
}

fn backend(source: &ChardevSource, id: &str, setup: Setup) -> Result<String> {
    let at = |kind: &str, path: &Option<String>| {
        format!("{kind},id={id},path={}", keyval(path.as_deref().unwrap_or_default()))
    };
    Ok(match source {
        ChardevSource::Null => format!("null,id={id}"),
        ChardevSource::Vc => format!("vc,id={id}"),
        ChardevSource::Pty { .. } => format!("pty,id={id}"),
        ChardevSource::Stdio => format!("stdio,id={id}"),
        ChardevSource::Dev { path } => at(if setup.parallel { "parallel" } else { "serial" }, path),
        ChardevSource::Pipe { path } => at("pipe", path),
        ChardevSource::File { path, append } => {
            let mut text = at("file", path);
            push_on_off(&mut text, "append", *append);
            text
        }
        ChardevSource::Udp(udp) => {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            format!(
                "udp,id={id},host={},port={},localaddr={},localport={}",
                text(&udp.connect_host),
                text(&udp.connect_service),
                text(&udp.bind_host),
                udp.bind_service.as_deref().unwrap_or("0")
            )
        }
        ChardevSource::Tcp(tcp) => {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let telnet = if tcp.protocol == TcpProtocol::Telnet { ",telnet=on" } else { "" };
            let listen = listen(tcp.listen, setup.wait);
            let reconnect = reconnect(tcp.reconnect);
            format!(
                "socket,id={id},host={},port={}{telnet}{listen}{reconnect}",
                text(&tcp.host),
                text(&tcp.service)
            )
        }
        ChardevSource::Unix(unix) => {
            let listen = listen(unix.listen, setup.wait);
            format!("{}{listen}{}", at("socket", &unix.path), reconnect(unix.reconnect))
        }
        ChardevSource::Spicevmc(name) => format!("spicevmc,id={id},name={}", name.text()),
        ChardevSource::Spiceport { channel } => {
            format!("spiceport,id={id},name={}", channel.as_deref().unwrap_or_default())
        }
        ChardevSource::Dbus { channel } => {
            format!("dbus,id={id},name={}", channel.as_deref().unwrap_or_default())
        }
        ChardevSource::QemuVdagent { clipboard, mouse } => {
            let mut text = format!("qemu-vdagent,id={id},name=vdagent");
            push_on_off(&mut text, "clipboard", *clipboard);
            let pointer = match mouse {
                MouseMode::Default => None,
                MouseMode::Client => Some(true),
                MouseMode::Server => Some(false),
            };
            push_on_off(&mut text, "mouse", pointer);
            text
        }
        ChardevSource::Nmdm { .. } => return Err(unsupported("unsupported chardev 'nmdm'")),
    })
}

const fn listen(listen: bool, wait: bool) -> &'static str {
    match (listen, wait) {
        (false, _) => "",
        (true, false) => ",server=on,wait=off",
        (true, true) => ",server=on",
    }
}

fn reconnect(reconnect: Reconnect) -> String {
    match reconnect.enabled {
        Some(true) => format!(",reconnect={}", reconnect.timeout),
        Some(false) => ",reconnect=0".to_owned(),
        None => String::new(),
    }
}

/// Refuses what QEMU, or this build of it, does not have.
///
/// # Errors
/// With libvirt's code and sentence.
pub fn check(chardev: &Chardev, cx: &QemuContext<'_>) -> Result<()> {
    let timeout = |reconnect: Reconnect| {
        if reconnect.enabled == Some(true) && reconnect.timeout == 0 {
            let detail = "chardev reconnect source timeout cannot be '0'";
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail));
        }
        Ok(())
    };
    let kind = chardev.type_text();
    match &chardev.source {
        ChardevSource::Tcp(tcp) => timeout(tcp.reconnect),
        ChardevSource::Unix(unix) => timeout(unix.reconnect),
        ChardevSource::QemuVdagent { .. } if !cx.caps.has(Cap::ChardevQemuVdagent) => {
            Err(unsupported(format!("chardev '{kind}' not supported in this QEMU binary")))
        }
        ChardevSource::Spicevmc(_) | ChardevSource::Spiceport { .. } if !has_spice(cx) => {
            Err(unsupported(format!("chardev '{kind}' not supported without spice graphics"))
                .with_hint("add <graphics type='spice'/> to the devices"))
        }
        _ => Ok(()),
    }
}

fn has_spice(cx: &QemuContext<'_>) -> bool {
    cx.domain.devices.graphics.iter().any(|display| matches!(display, Graphics::Spice(_)))
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;
    use virt_conf::common::chardev::{ChardevType, Labels};
    use virt_conf::domain::Domain;
    use virt_types::TextEnum;

    use super::*;
    use crate::caps::Capabilities;
    use crate::host::Host;

    fn argv(xml: &str) -> String {
        let document = virt_xml::Document::parse(xml).unwrap();
        let kind = ChardevType::from_text(document.root().attr("type").unwrap()).unwrap();
        let chardev = Chardev::parse(document.root(), kind, Labels::Read, ParseFlags::INACTIVE).unwrap();
        let (domain, caps) = (Domain::default(), Capabilities::default());
        let (config, host) = (Config::system(), Host::default());
        let mut cx = PlanContext::new(&domain, &caps, &config, &host);
        match parts(&mut cx, &chardev, "c0", Setup::default()) {
            Ok(parts) => parts.iter().flat_map(Part::argv).collect::<Vec<_>>().join(" "),
            Err(error) => error.detail().to_owned(),
        }
    }

    #[test]
    fn each_kind_has_its_backend() {
        for (xml, expected) in [
            ("<serial type='pty'/>", "-chardev pty,id=c0"),
            (
                "<serial type='file'><source path='/a,b' append='off'/><log file='/l' append='on'/></serial>",
                "-chardev file,id=c0,path=/a,,b,append=off,logfile=/l,logappend=on",
            ),
            (
                "<serial type='dev'><source path='/dev/ttyS0'/></serial>",
                "-chardev serial,id=c0,path=/dev/ttyS0",
            ),
            (
                "<serial type='udp'><source service='1'/></serial>",
                "-chardev udp,id=c0,host=,port=1,localaddr=,localport=0",
            ),
            (
                "<serial type='tcp'><source mode='bind' host='h' service='1'/><protocol type='telnet'/></serial>",
                "-chardev socket,id=c0,host=h,port=1,telnet=on,server=on,wait=off",
            ),
            (
                "<serial type='unix'><source path='/s'><reconnect enabled='yes' timeout='9'/></source></serial>",
                "-chardev socket,id=c0,path=/s,reconnect=9",
            ),
            (
                "<serial type='tcp'><source host='h' service='1' tls='yes'/></serial>",
                "-object {\"qom-type\":\"tls-creds-x509\",\"id\":\"objc0_tls0\",\"dir\":\"/etc/pki/qemu\",\"endpoint\":\"client\",\"verify-peer\":true} -chardev socket,id=c0,host=h,port=1,tls-creds=objc0_tls0",
            ),
            (
                "<serial type='qemu-vdagent'><source><clipboard copypaste='no'/><mouse mode='server'/></source></serial>",
                "-chardev qemu-vdagent,id=c0,name=vdagent,clipboard=off,mouse=off",
            ),
            ("<serial type='nmdm'/>", "unsupported chardev 'nmdm'"),
        ] {
            assert_eq!(argv(xml), expected, "{xml}");
        }
    }
}
