//! `type` and `<source>` of a file system.

use virt_types::{ErrorCode, ErrorDomain, SizeUnit, TextEnum, scale, text_enum};
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::error::xml_error;
use crate::{Error, Result};

text_enum! {
    /// The kinds of source, as `type` spells them.
    pub enum FilesystemType {
        #[default] Mount = "mount", Block = "block", File = "file", Template = "template", Ram = "ram", Bind = "bind",
        Volume = "volume",
    }
}

/// What is shared or mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesystemSource {
    /// A directory of the host; or a server of files that listens on a socket.
    Mount {
        /// `dir`.
        dir: Option<String>,
        /// `socket`.
        socket: Option<String>,
    },
    /// A block device of the host.
    Block(String),
    /// An image of the host.
    File(String),
    /// A template of an OpenVZ host.
    Template(String),
    /// Memory, in bytes.
    Ram(u64),
    /// A directory of the container itself; or a server of files.
    Bind {
        /// `dir`.
        dir: Option<String>,
        /// `socket`.
        socket: Option<String>,
    },
    /// A volume of a storage pool.
    Volume {
        /// `pool`.
        pool: Option<String>,
        /// `volume`.
        volume: Option<String>,
    },
}

impl Default for FilesystemSource {
    fn default() -> Self {
        Self::Mount { dir: None, socket: None }
    }
}

impl FilesystemSource {
    pub(super) fn parse(filesystem: Element<'_>, target: Option<&str>) -> Result<Self> {
        let kind = filesystem.attr_enum("type")?.unwrap_or_default();
        let el = filesystem.child("source");
        let text = |name| el.and_then(|el| el.attr(name)).map(str::to_owned);
        let socket = text("socket");
        let missing = || {
            let error = Error::new(ErrorCode::NoSource, ErrorDomain::Domain, target.unwrap_or_default());
            error.at(filesystem.place())
        };
        let required = |name| text(name).ok_or_else(missing);
        let directory = || match (text("dir"), &socket) {
            (None, None) => Err(missing()),
            (dir, socket) => Ok((dir, socket.clone())),
        };
        Ok(match kind {
            FilesystemType::Mount => {
                let (dir, socket) = directory()?;
                Self::Mount { dir, socket }
            }
            FilesystemType::Bind => {
                let (dir, socket) = directory()?;
                Self::Bind { dir, socket }
            }
            FilesystemType::Block => Self::Block(required("dev")?),
            FilesystemType::File => Self::File(required("file")?),
            FilesystemType::Template => Self::Template(required("name")?),
            FilesystemType::Ram => Self::Ram(parse_ram(filesystem, el)?),
            FilesystemType::Volume => {
                let (pool, volume) = (text("pool"), text("volume"));
                if pool.is_some() != volume.is_some() {
                    let detail = "'pool' and 'volume' must be specified together for 'pool' type source";
                    return Err(xml_error(detail).at(filesystem.place()));
                }
                Self::Volume { pool, volume }
            }
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        let one = |w: &mut Writer, name: &str, value: &str| w.element("source", |w| w.attr(name, value));
        match self {
            Self::Mount { socket: Some(socket), .. } | Self::Bind { socket: Some(socket), .. } => {
                one(w, "socket", socket);
            }
            Self::Mount { dir, .. } | Self::Bind { dir, .. } => {
                if let Some(dir) = dir {
                    one(w, "dir", dir);
                }
            }
            Self::Block(path) => one(w, "dev", path),
            Self::File(path) => one(w, "file", path),
            Self::Template(name) => one(w, "name", name),
            Self::Ram(bytes) => w.element("source", |w| {
                w.attr("usage", bytes / 1024);
                w.attr("units", "KiB");
            }),
            Self::Volume { pool, volume } => w.element("source", |w| {
                w.attr_opt("pool", pool.as_ref());
                w.attr_opt("volume", volume.as_ref());
            }),
        }
    }

    /// `type` as it is written.
    #[must_use]
    pub fn type_text(&self) -> &'static str {
        let kind = match self {
            Self::Mount { .. } => FilesystemType::Mount,
            Self::Block(_) => FilesystemType::Block,
            Self::File(_) => FilesystemType::File,
            Self::Template(_) => FilesystemType::Template,
            Self::Ram(_) => FilesystemType::Ram,
            Self::Bind { .. } => FilesystemType::Bind,
            Self::Volume { .. } => FilesystemType::Volume,
        };
        kind.text()
    }

    /// The path or name, of the kinds that have one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Mount { dir, .. } | Self::Bind { dir, .. } => dir.as_deref(),
            Self::Block(path) | Self::File(path) | Self::Template(path) => Some(path),
            Self::Ram(_) | Self::Volume { .. } => None,
        }
    }

    /// The socket of a server of files that someone else runs.
    #[must_use]
    pub fn socket(&self) -> Option<&str> {
        match self {
            Self::Mount { socket, .. } | Self::Bind { socket, .. } => socket.as_deref(),
            Self::Block(_) | Self::File(_) | Self::Template(_) | Self::Ram(_) | Self::Volume { .. } => None,
        }
    }
}

fn parse_ram(filesystem: Element<'_>, el: Option<Element<'_>>) -> Result<u64> {
    let Some((el, usage)) = el.and_then(|el| el.attr("usage").map(|usage| (el, usage))) else {
        return Err(xml_error("missing 'usage' attribute for RAM filesystem").at(filesystem.place()));
    };
    let value = number::parse_u64(usage, Base::Ten).ok_or_else(|| {
        xml_error(format!("cannot parse usage '{usage}' for RAM filesystem")).at(el.place())
    })?;
    let unit = match el.attr("units").filter(|unit| !unit.is_empty()) {
        None => SizeUnit { bytes: 1024 },
        Some(name) => SizeUnit::from_name(name).ok_or_else(|| {
            let detail = format!("unknown suffix '{name}'");
            el.attr_error("units", ErrorCode::InvalidArg, ErrorDomain::None, detail)
        })?,
    };
    scale(value, unit, u64::MAX).ok_or_else(|| {
        let detail = format!("value too large: {usage}{}", el.attr("units").unwrap_or_default());
        el.error(ErrorCode::Overflow, ErrorDomain::None, detail)
    })
}
