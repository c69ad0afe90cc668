//! Where a character device of the guest ends on the host: `<source>`, `<protocol>` and `<log>`.
//!
//! Serial and parallel ports, consoles, channels, smartcards, redirected USB devices, entropy sources and TPMs share
//! it; the kind is an attribute of the element around it.

mod format;
mod parse;

use virt_types::{TextEnum, text_enum};

pub use parse::Labels;

use super::seclabel::DeviceSeclabel;

text_enum! {
    /// The kinds of host end, as `type` spells them.
    pub enum ChardevType {
        Null = "null", Vc = "vc", Pty = "pty", Dev = "dev", File = "file", Pipe = "pipe", Stdio = "stdio",
        Udp = "udp", Tcp = "tcp", Unix = "unix", Spicevmc = "spicevmc", Spiceport = "spiceport", Nmdm = "nmdm",
        QemuVdagent = "qemu-vdagent", Dbus = "dbus",
    }
}

text_enum! {
    /// What is spoken over a TCP connection.
    pub enum TcpProtocol { #[default] Raw = "raw", Telnet = "telnet", Telnets = "telnets", Tls = "tls" }
}

text_enum! {
    /// What a channel of SPICE is for; known from the device, never written.
    pub enum SpicevmcName { #[default] Vdagent = "vdagent", Smartcard = "smartcard", Usbredir = "usbredir" }
}

text_enum! {
    /// Who draws the mouse pointer.
    pub enum MouseMode { #[default] Default = "default", Server = "server", Client = "client" }
}

text_enum! {
    /// Whether a socket connects or listens.
    pub(crate) enum SourceMode { #[default] Connect = "connect", Bind = "bind" }
}

/// The host end of a character device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chardev {
    /// What it is.
    pub source: ChardevSource,
    /// `<log>`: where everything that the guest writes is copied to.
    pub log: Option<ChardevLog>,
    /// Overrides of the domain's security label.
    pub seclabels: Vec<DeviceSeclabel>,
}

/// A copy of everything that the guest writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChardevLog {
    /// `file`.
    pub file: String,
    /// `append`.
    pub append: Option<bool>,
}

/// The kinds of host end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChardevSource {
    /// What is written is dropped.
    Null,
    /// A virtual console of QEMU's own window.
    Vc,
    /// A pseudo terminal.
    Pty {
        /// The terminal's path, of running domains only.
        path: Option<String>,
    },
    /// A device of the host.
    Dev {
        /// `path`.
        path: Option<String>,
    },
    /// A file that is written to.
    File {
        /// `path`.
        path: Option<String>,
        /// `append`.
        append: Option<bool>,
    },
    /// A named pipe, or a pair of them with `.in` and `.out` appended.
    Pipe {
        /// `path`.
        path: Option<String>,
    },
    /// Standard input and output of QEMU.
    Stdio,
    /// Datagrams.
    Udp(UdpSource),
    /// A TCP connection.
    Tcp(TcpSource),
    /// A unix socket.
    Unix(UnixSource),
    /// A channel of SPICE with a meaning of its own.
    Spicevmc(SpicevmcName),
    /// A channel of SPICE with a name.
    Spiceport {
        /// `channel`.
        channel: Option<String>,
    },
    /// A null modem of bhyve.
    Nmdm {
        /// `master`.
        master: Option<String>,
        /// `slave`.
        slave: Option<String>,
    },
    /// QEMU's own implementation of the SPICE agent.
    QemuVdagent {
        /// `<clipboard copypaste='…'/>`.
        clipboard: Option<bool>,
        /// `<mouse mode='…'/>`.
        mouse: MouseMode,
    },
    /// A channel over D-Bus.
    Dbus {
        /// `channel`.
        channel: Option<String>,
    },
}

impl Default for ChardevSource {
    fn default() -> Self {
        Self::Pty { path: None }
    }
}

/// The two ends of a datagram source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UdpSource {
    /// Host to send to.
    pub connect_host: Option<String>,
    /// Port or service to send to.
    pub connect_service: Option<String>,
    /// Address to receive at.
    pub bind_host: Option<String>,
    /// Port or service to receive at.
    pub bind_service: Option<String>,
}

/// A TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TcpSource {
    /// Whether the guest listens, by `mode='bind'`.
    pub listen: bool,
    /// `host`.
    pub host: Option<String>,
    /// `service`: port or service.
    pub service: Option<String>,
    /// `<protocol type='…'/>`.
    pub protocol: TcpProtocol,
    /// `tls`.
    pub tls: Option<bool>,
    /// Whether `tls` came from the driver's settings.
    pub tls_from_config: bool,
    /// `<reconnect>`.
    pub reconnect: Reconnect,
}

/// A unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnixSource {
    /// Whether the guest listens, by `mode='bind'`.
    pub listen: bool,
    /// `path`; absent where the engine chooses one.
    pub path: Option<String>,
    /// `<reconnect>`.
    pub reconnect: Reconnect,
}

/// Whether a lost connection is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconnect {
    /// `enabled`.
    pub enabled: Option<bool>,
    /// `timeout`: seconds between two attempts, given where it is enabled.
    pub timeout: u32,
}

impl ChardevSource {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ChardevType {
        match self {
            Self::Null => ChardevType::Null,
            Self::Vc => ChardevType::Vc,
            Self::Pty { .. } => ChardevType::Pty,
            Self::Dev { .. } => ChardevType::Dev,
            Self::File { .. } => ChardevType::File,
            Self::Pipe { .. } => ChardevType::Pipe,
            Self::Stdio => ChardevType::Stdio,
            Self::Udp(_) => ChardevType::Udp,
            Self::Tcp(_) => ChardevType::Tcp,
            Self::Unix(_) => ChardevType::Unix,
            Self::Spicevmc(_) => ChardevType::Spicevmc,
            Self::Spiceport { .. } => ChardevType::Spiceport,
            Self::Nmdm { .. } => ChardevType::Nmdm,
            Self::QemuVdagent { .. } => ChardevType::QemuVdagent,
            Self::Dbus { .. } => ChardevType::Dbus,
        }
    }

    /// A source of this kind about which nothing more is known.
    #[must_use]
    pub fn empty(kind: ChardevType) -> Self {
        match kind {
            ChardevType::Null => Self::Null,
            ChardevType::Vc => Self::Vc,
            ChardevType::Pty => Self::Pty { path: None },
            ChardevType::Dev => Self::Dev { path: None },
            ChardevType::File => Self::File { path: None, append: None },
            ChardevType::Pipe => Self::Pipe { path: None },
            ChardevType::Stdio => Self::Stdio,
            ChardevType::Udp => Self::Udp(UdpSource::default()),
            ChardevType::Tcp => Self::Tcp(TcpSource::default()),
            ChardevType::Unix => Self::Unix(UnixSource::default()),
            ChardevType::Spicevmc => Self::Spicevmc(SpicevmcName::default()),
            ChardevType::Spiceport => Self::Spiceport { channel: None },
            ChardevType::Nmdm => Self::Nmdm { master: None, slave: None },
            ChardevType::QemuVdagent => Self::QemuVdagent { clipboard: None, mouse: MouseMode::default() },
            ChardevType::Dbus => Self::Dbus { channel: None },
        }
    }

    /// Whether both lead to the same place; how a connection is secured does not count.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(a), Self::Tcp(b)) => {
                let plain = |tcp: &TcpSource| TcpSource { tls: None, tls_from_config: false, ..tcp.clone() };
                plain(a) == plain(b)
            }
            _ => self == other,
        }
    }

    /// The file, device or socket of the host that it uses, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Pty { path } | Self::Dev { path } | Self::File { path, .. } | Self::Pipe { path } => {
                path.as_deref()
            }
            Self::Unix(unix) => unix.path.as_deref(),
            Self::Null
            | Self::Vc
            | Self::Stdio
            | Self::Udp(_)
            | Self::Tcp(_)
            | Self::Spicevmc(_)
            | Self::Spiceport { .. }
            | Self::Nmdm { .. }
            | Self::QemuVdagent { .. }
            | Self::Dbus { .. } => None,
        }
    }
}

impl Chardev {
    /// The kind as it is spelled.
    #[must_use]
    pub fn type_text(&self) -> &'static str {
        self.source.kind().text()
    }
}

grammar! {
    /// What every character device has of its host end.
    pub CHARDEV = [
        Attr("type", OneOf(ChardevType::NAMES)),
        Many("source", SOURCE),
        Opt("protocol", &[Attr("type", OneOf(TcpProtocol::NAMES))]),
        Opt("log", &[Must("file", PATH), Attr("append", OnOff)]),
    ];
    /// `<source>`
    pub SOURCE = [
        Attr("mode", OneOf(SourceMode::NAMES)), Attr("path", Str), Attr("append", OnOff), Attr("host", Str),
        Attr("service", Str), Attr("tls", YesNo), Attr("channel", Str), Attr("master", Str), Attr("slave", Str),
        Attr("startupPolicy", Str), Attr("wiremode", Str),
        Opt("reconnect", RECONNECT), With(crate::common::seclabel::SECLABELS),
        Opt("mouse", &[Must("mode", OneOf(&["server", "client"]))]), Opt("clipboard", &[Must("copypaste", YesNo)]),
    ];
    /// `<reconnect>`
    pub RECONNECT = [
        Must("enabled", YesNo), Attr("timeout", U32),
    ];
}
