//! Images on servers.

use virt_types::{ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// How a server is spoken to.
    pub enum Protocol {
        #[default] Nbd = "nbd", Rbd = "rbd", Sheepdog = "sheepdog", Gluster = "gluster", Iscsi = "iscsi", Http = "http",
        Https = "https", Ftp = "ftp", Ftps = "ftps", Tftp = "tftp", Ssh = "ssh", Vxhs = "vxhs", Nfs = "nfs",
    }
}

text_enum! {
    /// What carries the protocol.
    pub enum Transport { #[default] Tcp = "tcp", Unix = "unix", Rdma = "rdma" }
}

/// An image on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSource {
    /// `protocol`.
    pub protocol: Protocol,
    /// `name` of the image; of RBD and Gluster with pool or volume before the first slash.
    pub name: Option<String>,
    /// `query` of an URL.
    pub query: Option<String>,
    /// `tls`.
    pub tls: Option<bool>,
    /// `tlsHostname`: the name that the certificate has to have.
    pub tls_hostname: Option<String>,
    /// Whether `tls` comes from the driver's configuration rather than the document.
    pub tls_from_config: bool,
    /// `<host>`.
    pub hosts: Vec<NetworkHost>,
    /// `<reconnect delay='…'/>` of NBD, seconds; 0 for never.
    pub reconnect_delay: u32,
    /// `<snapshot name='…'/>`.
    pub snapshot: Option<String>,
    /// `<config file='…'/>` of RBD.
    pub config_file: Option<String>,
    /// `<initiator><iqn name='…'/>` of iSCSI.
    pub initiator: Option<String>,
    /// `<ssl verify='…'/>`.
    pub ssl_verify: Option<bool>,
    /// `<cookies>`.
    pub cookies: Vec<Cookie>,
    /// `<readahead size='…'/>`, bytes; 0 for the hypervisor's choice.
    pub readahead: u64,
    /// `<timeout seconds='…'/>`; 0 for the hypervisor's choice.
    pub timeout: u64,
    /// `<identity user='…'/>` of NFS.
    pub nfs_user: Option<String>,
    /// `<identity group='…'/>` of NFS.
    pub nfs_group: Option<String>,
    /// `<knownHosts path='…'/>` of SSH.
    pub known_hosts: Option<String>,
    /// `<identity>` of SSH.
    pub ssh_identity: Option<SshIdentity>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkHost {
    /// `name`: host name or address.
    pub name: Option<String>,
    /// `port`; 0 for the protocol's own.
    pub port: u32,
    /// `transport`.
    pub transport: Transport,
    /// `socket` of the unix transport.
    pub socket: Option<String>,
}

/// A cookie that is sent to a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// `name`.
    pub name: String,
    /// Its value, a secret.
    pub value: String,
}

/// Who an SSH server is told that we are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshIdentity {
    /// `username`.
    pub username: String,
    /// `keyfile`.
    pub keyfile: Option<String>,
    /// `agentsock`.
    pub agent: Option<String>,
}

impl Protocol {
    /// The port that a server of this protocol listens on; 0 where the protocol has none.
    #[must_use]
    pub const fn default_port(self) -> u32 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Ftp => 21,
            Self::Ftps => 990,
            Self::Tftp => 69,
            Self::Sheepdog => 7000,
            Self::Nbd => 10809,
            Self::Ssh => 22,
            Self::Iscsi => 3260,
            Self::Gluster => 24007,
            Self::Vxhs => 9999,
            Self::Rbd | Self::Nfs => 0,
        }
    }

    const fn is_web(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether QEMU reads it through libcurl.
    #[must_use]
    pub const fn is_curl(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Ftp | Self::Ftps)
    }
}

impl NetworkSource {
    /// Pool and image of RBD, volume and path of Gluster.
    #[must_use]
    pub fn pool_and_image(&self) -> Option<(&str, &str)> {
        self.name.as_deref()?.split_once('/')
    }

    pub(super) fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let protocol: Protocol = el.required("protocol", el.attr_enum("protocol")?)?;
        let name = el.attr("name");
        match (name, protocol) {
            (None, Protocol::Nbd) => {}
            (None, _) => return Err(xml_error("missing name for disk source").at(el.place())),
            (Some(name), Protocol::Rbd | Protocol::Gluster) if name.find('/').unwrap_or(0) == 0 => {
                let detail = format!("can't split path '{name}' into pool name and image name");
                return Err(xml_error(detail).at(el.place()));
            }
            _ => {}
        }
        let child_attr = |child, name| {
            el.child(child)
                .and_then(|child| child.attr(name))
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let mut source = Self {
            protocol,
            name: name.filter(|name| !name.is_empty()).map(str::to_owned),
            tls: el.attr_yes_no("tls")?,
            tls_hostname: el.attr("tlsHostname").map(str::to_owned),
            snapshot: child_attr("snapshot", "name"),
            config_file: child_attr("config", "file"),
            initiator: el
                .descend(&["initiator", "iqn"])
                .and_then(|iqn| iqn.attr("name"))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            hosts: el.children_named("host").map(NetworkHost::parse).collect::<Result<_>>()?,
            ..Self::default()
        };
        if flags.contains(ParseFlags::STATUS) {
            source.tls_from_config = el.attr_i32("tlsFromConfig", Base::Ten)?.unwrap_or(0) != 0;
        }
        for host in &mut source.hosts {
            if host.transport == Transport::Tcp && host.port == 0 {
                host.port = protocol.default_port();
            }
        }
        source.parse_options(el)?;
        Ok(source)
    }

    /// What only some protocols have.
    fn parse_options(&mut self, el: Element<'_>) -> Result<()> {
        if self.protocol == Protocol::Nbd
            && let Some(reconnect) = el.child("reconnect")
        {
            self.reconnect_delay = reconnect.attr_u32("delay", Base::Ten)?.unwrap_or(0);
        }
        if self.protocol == Protocol::Nfs
            && let Some(identity) = el.child("identity")
        {
            self.nfs_user = identity.attr("user").map(str::to_owned);
            self.nfs_group = identity.attr("group").map(str::to_owned);
        }
        if matches!(self.protocol, Protocol::Https | Protocol::Ftps)
            && let Some(ssl) = el.child("ssl")
        {
            self.ssl_verify = ssl.attr_yes_no("verify")?;
        }
        if self.protocol.is_web() {
            self.query = el.attr("query").map(str::to_owned);
            if let Some(cookies) = el.child("cookies") {
                self.cookies = cookies.children_named("cookie").map(Cookie::parse).collect::<Result<_>>()?;
                check_cookies(&self.cookies).map_err(|error| error.at(cookies.place()))?;
            }
        }
        if self.protocol.is_curl() {
            self.readahead = curl_number(el, "readahead", "size")?;
            self.timeout = curl_number(el, "timeout", "seconds")?;
        }
        if self.protocol == Protocol::Ssh {
            self.known_hosts = match el.child("knownHosts") {
                Some(known) => Some(known.attr_required("path")?.to_owned()),
                None => None,
            };
            self.ssh_identity = el.child("identity").map(SshIdentity::parse).transpose()?;
        }
        Ok(())
    }

    pub(super) fn format_attributes(&self, w: &mut Writer, flags: FormatFlags) {
        w.attr("protocol", self.protocol);
        w.attr_opt("name", self.name.as_ref());
        w.attr_opt("query", self.query.as_ref());
        if !(flags.contains(FormatFlags::MIGRATABLE) && self.tls_from_config) {
            w.attr_yes_no("tls", self.tls);
        }
        w.attr_opt("tlsHostname", self.tls_hostname.as_ref());
        if flags.contains(FormatFlags::STATUS) {
            w.attr("tlsFromConfig", u8::from(self.tls_from_config));
        }
    }

    pub(super) fn format_children(&self, w: &mut Writer, flags: FormatFlags) {
        for host in &self.hosts {
            host.format(w);
        }
        if self.nfs_user.is_some() || self.nfs_group.is_some() {
            w.element("identity", |w| {
                w.attr_opt("user", self.nfs_user.as_ref());
                w.attr_opt("group", self.nfs_group.as_ref());
            });
        }
        if self.reconnect_delay > 0 {
            w.element("reconnect", |w| w.attr("delay", self.reconnect_delay));
        }
        if let Some(snapshot) = &self.snapshot {
            w.element("snapshot", |w| w.attr("name", snapshot));
        }
        if let Some(file) = &self.config_file {
            w.element("config", |w| w.attr("file", file));
        }
        if let Some(iqn) = &self.initiator {
            w.element("initiator", |w| w.element("iqn", |w| w.attr("name", iqn)));
        }
        w.element_if_any("ssl", |w| w.attr_yes_no("verify", self.ssl_verify));
        if flags.contains(FormatFlags::SECURE) && !self.cookies.is_empty() {
            w.element("cookies", |w| {
                for cookie in &self.cookies {
                    w.text_element_with("cookie", |w| w.attr("name", &cookie.name), &cookie.value);
                }
            });
        }
        if self.readahead > 0 {
            w.element("readahead", |w| w.attr("size", self.readahead));
        }
        if self.timeout > 0 {
            w.element("timeout", |w| w.attr("seconds", self.timeout));
        }
        if let Some(path) = &self.known_hosts {
            w.element("knownHosts", |w| w.attr("path", path));
        }
        if let Some(identity) = &self.ssh_identity {
            w.element("identity", |w| {
                w.attr("username", &identity.username);
                w.attr_opt("keyfile", identity.keyfile.as_ref());
                w.attr_opt("agentsock", identity.agent.as_ref());
            });
        }
    }
}

impl NetworkHost {
    /// Reads a `<host>` element.
    ///
    /// # Errors
    /// For what the transport needs and the element lacks.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let transport = el.attr_enum("transport")?.unwrap_or_default();
        let socket = el.attr("socket").map(str::to_owned);
        let fail = |detail: String| Err(xml_error(detail).at(el.place()));
        if transport == Transport::Unix {
            return match socket {
                None => fail("missing socket for unix transport".to_owned()),
                socket => Ok(Self { name: None, port: 0, transport, socket }),
            };
        }
        if socket.is_some() {
            return fail(format!("transport '{}' does not support socket attribute", transport.text()));
        }
        let Some(name) = el.attr("name") else { return fail("missing name for host".to_owned()) };
        let port = match el.attr("port") {
            None => 0,
            Some(text) => parse_port(el, text)?,
        };
        Ok(Self { name: Some(name.to_owned()), port, transport, socket: None })
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        w.element("host", |w| {
            w.attr_opt("name", self.name.as_ref());
            w.attr_opt("port", Some(self.port).filter(|port| *port > 0));
            w.attr_opt("transport", Some(self.transport).filter(|t| *t != Transport::Tcp));
            w.attr_opt("socket", self.socket.as_ref());
        });
    }
}

fn parse_port(el: Element<'_>, text: &str) -> Result<u32> {
    let detail = match number::parse_u32(text, Base::Ten) {
        Some(port) if port <= u32::from(u16::MAX) => return Ok(port),
        Some(_) => format!("port '{text}' out of range"),
        None => format!("failed to parse port number '{text}'"),
    };
    Err(el.attr_error("port", ErrorCode::InvalidArg, ErrorDomain::None, detail))
}

fn curl_number(el: Element<'_>, child: &'static str, name: &'static str) -> Result<u64> {
    let Some(child) = el.child(child) else { return Ok(0) };
    let Some(text) = child.attr(name).filter(|text| !text.is_empty()) else { return Ok(0) };
    number::parse_u64(text, Base::Ten)
        .ok_or_else(|| xml_error("invalid readahead size or timeout").at(child.place()))
}

impl Cookie {
    fn parse(el: Element<'_>) -> Result<Self> {
        let name = el
            .attr("name")
            .filter(|name| !name.is_empty())
            .ok_or_else(|| xml_error("missing cookie name").at(el.place()))?;
        let value = el.text();
        if value.is_empty() {
            return Err(xml_error(format!("missing value for cookie '{name}'")).at(el.place()));
        }
        Ok(Self { name: name.to_owned(), value })
    }

    /// Refuses characters that RFC 6265 keeps out of cookies.
    fn check(&self) -> Result<()> {
        let value_ok = |text: &str| text.chars().all(|c| ('!'..='~').contains(&c) && !"\",;\\".contains(c));
        let name_ok = value_ok(&self.name) && !self.name.contains(|c| "()<>@:/[]?={}".contains(c));
        if !name_ok {
            return Err(xml_error(format!("cookie name '{}' contains invalid characters", self.name)));
        }
        let bare = match self.value.strip_prefix('"') {
            None => Some(self.value.as_str()),
            Some(rest) => rest.strip_suffix('"'),
        };
        if !bare.is_some_and(value_ok) {
            return Err(xml_error(format!("value of cookie '{}' contains invalid characters", self.name)));
        }
        Ok(())
    }
}

fn check_cookies(cookies: &[Cookie]) -> Result<()> {
    for (i, cookie) in cookies.iter().enumerate() {
        cookie.check()?;
        if cookies[i + 1..].iter().any(|other| other.name == cookie.name) {
            return Err(xml_error(format!("duplicate cookie '{}'", cookie.name)));
        }
    }
    Ok(())
}

impl SshIdentity {
    fn parse(el: Element<'_>) -> Result<Self> {
        let text = |name| el.attr(name).map(str::to_owned);
        let username = el.attr_required("username")?.to_owned();
        let (keyfile, agent) = (text("keyfile"), text("agentsock"));
        if keyfile.is_none() && agent.is_none() {
            let detail = "element 'identity' requires either 'keyfile' or 'agentsock' attribute";
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Self { username, keyfile, agent })
    }
}
