//! Reading and checking the host end.

use virt_types::{ErrorCode, ErrorDomain, TextEnum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{
    Chardev, ChardevLog, ChardevSource, ChardevType, MouseMode, Reconnect, SourceMode, TcpProtocol,
    TcpSource, UdpSource, UnixSource,
};
use crate::common::seclabel::DeviceSeclabel;
use crate::domain::Domain;
use crate::error::{internal, unsupported, xml_error};
use crate::{ParseFlags, Result};

/// What a character device's element may hold besides the source itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// Security labels are read.
    Read,
    /// The device has no labels of its own.
    Ignored,
}

impl Chardev {
    /// Reads the kind of host end from the `type` of a device; `None` where it is not given.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` for an unknown kind; `sentence` begins the message.
    pub fn parse_type(el: Element<'_>, sentence: &str) -> Result<Option<ChardevType>> {
        let Some(text) = el.attr("type") else { return Ok(None) };
        ChardevType::from_text(text).map(Some).ok_or_else(|| {
            let detail = format!("{sentence} {text}");
            el.attr_error("type", ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
                .with_hint(ChardevType::hint(text))
        })
    }

    /// Reads the host end from within a device's element; the kind is known already.
    ///
    /// # Errors
    /// For wrong values and for parts that stand there twice.
    pub fn parse(el: Element<'_>, kind: ChardevType, labels: Labels, flags: ParseFlags) -> Result<Self> {
        let mut chardev = Self { source: ChardevSource::empty(kind), ..Self::default() };
        let sources: Vec<_> = el.children_named("source").collect();
        if let Some(first) = sources.first() {
            // Datagrams alone have an end to send to and another to receive at.
            if sources.len() > 1 && kind != ChardevType::Udp {
                let detail = "only one source element is allowed for character device";
                return Err(xml_error(detail).at(sources[1].place()));
            }
            if sources.len() > 2 {
                let detail = "only two source elements are allowed for character device";
                return Err(xml_error(detail).at(sources[2].place()));
            }
            for source in &sources {
                chardev.source.parse(*source, flags)?;
            }
            if labels == Labels::Read && !flags.contains(ParseFlags::SKIP_SECLABEL) {
                chardev.seclabels = DeviceSeclabel::parse_all(*first, flags)?;
            }
        }
        if let Some(log) = single(el, "log")? {
            let append = log.attr_on_off("append")?;
            chardev.log = log.attr("file").map(|file| ChardevLog { file: file.to_owned(), append });
        }
        if let Some(protocol) = single(el, "protocol")?
            && let ChardevSource::Tcp(tcp) = &mut chardev.source
            && let Some(text) = protocol.attr("type")
        {
            tcp.protocol = TcpProtocol::from_text(text).ok_or_else(|| {
                let detail = format!("Unknown protocol '{text}'");
                protocol.attr_error("type", ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
            })?;
        }
        Ok(chardev)
    }

    /// Checks what every driver would refuse; `own_path` says that the engine can choose the path of a socket.
    ///
    /// # Errors
    /// With libvirt's code and sentence.
    pub fn validate(&self, own_path: bool, domain: &Domain) -> Result<()> {
        self.validate_source(own_path)?;
        DeviceSeclabel::validate_all(&self.seclabels, domain)
    }

    fn validate_source(&self, own_path: bool) -> Result<()> {
        match &self.source {
            ChardevSource::File { path, .. } | ChardevSource::Dev { path } | ChardevSource::Pipe { path } => {
                given(path, "path")
            }
            ChardevSource::Nmdm { master, slave } if master.is_some() != slave.is_some() => {
                Err(internal("Should define both master and slave path attributes for nmdm device"))
            }
            ChardevSource::Tcp(tcp) => {
                given(&tcp.host, "host")?;
                given(&tcp.service, "service")?;
                tcp.reconnect.validate(tcp.listen)
            }
            ChardevSource::Udp(udp) => given(&udp.connect_service, "service"),
            ChardevSource::Unix(unix) => {
                if !own_path {
                    given(&unix.path, "path")?;
                }
                unix.reconnect.validate(unix.listen)
            }
            ChardevSource::Spiceport { channel } | ChardevSource::Dbus { channel } => {
                validate_channel(channel.as_deref())
            }
            ChardevSource::Null
            | ChardevSource::Vc
            | ChardevSource::Pty { .. }
            | ChardevSource::Stdio
            | ChardevSource::Nmdm { .. }
            | ChardevSource::Spicevmc(_)
            | ChardevSource::QemuVdagent { .. } => Ok(()),
        }
    }
}

fn given(value: &Option<String>, attribute: &str) -> Result<()> {
    match value {
        Some(_) => Ok(()),
        None => Err(internal(format!("Missing source {attribute} attribute for char device"))),
    }
}

fn validate_channel(name: Option<&str>) -> Result<()> {
    let Some(name) = name else {
        return Err(unsupported("Missing source channel attribute for char device"));
    };
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
        return Ok(());
    }
    let detail = "Invalid character in source channel for char device";
    Err(virt_types::Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail))
}

/// The one child of this name, if there is one.
fn single<'a>(el: Element<'a>, name: &'static str) -> Result<Option<Element<'a>>> {
    let mut children = el.children_named(name);
    let first = children.next();
    match children.next() {
        Some(second) => {
            let detail = format!("only one {name} element is allowed for character device");
            Err(xml_error(detail).at(second.place()))
        }
        None => Ok(first),
    }
}

fn text(el: Element<'_>, name: &'static str) -> Option<String> {
    el.attr(name).map(str::to_owned)
}

impl ChardevSource {
    fn parse(&mut self, el: Element<'_>, flags: ParseFlags) -> Result<()> {
        match self {
            Self::File { path, append } => {
                *path = text(el, "path");
                *append = el.attr_on_off("append")?;
            }
            // The terminal's path belongs to a running guest.
            Self::Pty { path } => {
                *path = text(el, "path").filter(|_| !flags.contains(ParseFlags::INACTIVE));
            }
            Self::Dev { path } | Self::Pipe { path } => *path = text(el, "path"),
            Self::Unix(unix) => {
                *unix = UnixSource {
                    listen: listens(el)?,
                    path: text(el, "path"),
                    reconnect: Reconnect::parse_child(el)?,
                };
            }
            Self::Udp(udp) => udp.parse(el)?,
            Self::Tcp(tcp) => *tcp = TcpSource::parse(el, flags)?,
            Self::Spiceport { channel } | Self::Dbus { channel } => *channel = text(el, "channel"),
            Self::Nmdm { master, slave } => {
                *master = text(el, "master");
                *slave = text(el, "slave");
            }
            Self::QemuVdagent { clipboard, mouse } => {
                if let Some(el) = el.child("clipboard") {
                    *clipboard = Some(el.required("copypaste", el.attr_yes_no("copypaste")?)?);
                }
                if let Some(el) = el.child("mouse") {
                    *mouse = el.required("mode", el.attr_enum_but("mode", MouseMode::Default)?)?;
                }
            }
            Self::Null | Self::Vc | Self::Stdio | Self::Spicevmc(_) => {}
        }
        Ok(())
    }
}

fn listens(el: Element<'_>) -> Result<bool> {
    Ok(el.attr_enum::<SourceMode>("mode")?.unwrap_or_default() == SourceMode::Bind)
}

impl UdpSource {
    fn parse(&mut self, el: Element<'_>) -> Result<()> {
        let (host, service) = if listens(el)? {
            (&mut self.bind_host, &mut self.bind_service)
        } else {
            (&mut self.connect_host, &mut self.connect_service)
        };
        if host.is_none() && service.is_none() {
            *host = text(el, "host");
            *service = text(el, "service");
        }
        Ok(())
    }
}

impl TcpSource {
    fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let listen = listens(el)?;
        let tls = el.attr_yes_no("tls")?;
        let tls_from_config = flags.contains(ParseFlags::STATUS)
            && el.attr_i32("tlsFromConfig", Base::Ten)?.is_some_and(|value| value != 0);
        Ok(Self {
            listen,
            host: text(el, "host"),
            service: text(el, "service"),
            protocol: TcpProtocol::default(),
            tls,
            tls_from_config,
            reconnect: Reconnect::parse_child(el)?,
        })
    }
}

impl Reconnect {
    /// Reads the `<reconnect>` child of a source, if it has one.
    ///
    /// # Errors
    /// For wrong values and a missing `timeout` where it is enabled.
    pub fn parse_child(source: Element<'_>) -> Result<Self> {
        let Some(el) = source.child("reconnect") else { return Ok(Self::default()) };
        let enabled = el.attr_yes_no("enabled")?;
        let timeout = match enabled {
            Some(true) => el.required("timeout", el.attr_u32("timeout", Base::Ten)?)?,
            _ => 0,
        };
        Ok(Self { enabled, timeout })
    }

    /// Writes the `<reconnect>` child of a source, if there is anything to say.
    pub fn format(&self, w: &mut Writer) {
        if self.enabled.is_some() {
            w.element("reconnect", |w| {
                w.attr_yes_no("enabled", self.enabled);
                w.attr_opt("timeout", (self.enabled == Some(true)).then_some(self.timeout));
            });
        }
    }

    fn validate(&self, listen: bool) -> Result<()> {
        if listen && self.enabled.is_some() {
            return Err(internal("chardev reconnect is possible only for connect mode"));
        }
        Ok(())
    }
}
