//! The kinds of place that an image may be in.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::network::NetworkSource;
use crate::common::address::Pci;
use crate::common::chardev::Reconnect;
use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// The kinds of place, as `type` spells them.
    pub enum StorageType {
        #[default] File = "file", Block = "block", Dir = "dir", Network = "network", Volume = "volume",
        Nvme = "nvme", VhostUser = "vhostuser", VhostVdpa = "vhostvdpa",
    }
}

text_enum! {
    /// How the volume of an iSCSI pool is reached: as a device of this host, or by the hypervisor itself.
    pub enum PoolMode { Host = "host", Direct = "direct" }
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    File {
        /// `file`; absent where there is no medium.
        path: Option<String>,
        /// `fdgroup`: open descriptors of this name are used instead of the path.
        fdgroup: Option<String>,
    },
    /// A block device of the host.
    Block {
        /// `dev`; absent where there is no medium.
        path: Option<String>,
    },
    /// A directory that is shown as a file system.
    Dir {
        /// `dir`; absent where there is no medium.
        path: Option<String>,
    },
    /// On a server.
    Network(Box<NetworkSource>),
    /// In a storage pool.
    Volume(Box<Volume>),
    /// A namespace of an NVMe device that is taken from the host.
    Nvme(Nvme),
    /// Behind another process that plays the device.
    VhostUser {
        /// `path` of the process' socket.
        path: String,
        /// `<reconnect>`.
        reconnect: Reconnect,
    },
    /// A vDPA device of the host.
    VhostVdpa {
        /// `dev`.
        path: String,
    },
}

/// A volume of a storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// `pool`; absent where there is no medium.
    pub pool: Option<String>,
    /// `volume`; absent where there is no medium.
    pub volume: Option<String>,
    /// `mode`.
    pub mode: Option<PoolMode>,
    /// Where it really is, once that was looked up.
    pub actual: Option<Location>,
}

/// A namespace of an NVMe device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nvme {
    /// `managed`: the engine takes the device from the host and gives it back.
    pub managed: Option<bool>,
    /// `namespace`, from 1.
    pub namespace: u64,
    /// `<address>` on the host.
    pub address: Pci,
}

impl Default for Location {
    fn default() -> Self {
        Self::File { path: None, fdgroup: None }
    }
}

impl Location {
    /// The kind.
    #[must_use]
    pub const fn storage_type(&self) -> StorageType {
        match self {
            Self::File { .. } => StorageType::File,
            Self::Block { .. } => StorageType::Block,
            Self::Dir { .. } => StorageType::Dir,
            Self::Network(_) => StorageType::Network,
            Self::Volume(_) => StorageType::Volume,
            Self::Nvme(_) => StorageType::Nvme,
            Self::VhostUser { .. } => StorageType::VhostUser,
            Self::VhostVdpa { .. } => StorageType::VhostVdpa,
        }
    }

    /// The place itself: of a volume that was looked up, where it really is.
    #[must_use]
    pub fn actual(&self) -> &Self {
        match self {
            Self::Volume(volume) => volume.actual.as_ref().unwrap_or(self),
            other => other,
        }
    }

    /// The path on this host, where there is one.
    #[must_use]
    pub fn local_path(&self) -> Option<&str> {
        match self.actual() {
            Self::File { path, .. } | Self::Block { path } | Self::Dir { path } => path.as_deref(),
            Self::VhostVdpa { path } => Some(path),
            Self::Network(_) | Self::Volume(_) | Self::Nvme(_) | Self::VhostUser { .. } => None,
        }
    }

    pub(super) fn parse(el: Element<'_>, kind: StorageType, flags: ParseFlags) -> Result<Self> {
        // People write an empty path where they mean no medium.
        let path = |name| el.attr(name).filter(|path| !path.is_empty()).map(str::to_owned);
        Ok(match kind {
            StorageType::File => {
                Self::File { path: path("file"), fdgroup: el.attr("fdgroup").map(str::to_owned) }
            }
            StorageType::Block => Self::Block { path: path("dev") },
            StorageType::Dir => Self::Dir { path: path("dir") },
            StorageType::Network => Self::Network(Box::new(NetworkSource::parse(el, flags)?)),
            StorageType::Volume => Self::Volume(Box::new(Volume::parse(el)?)),
            StorageType::Nvme => Self::Nvme(Nvme::parse(el)?),
            StorageType::VhostUser => parse_vhost_user(el)?,
            StorageType::VhostVdpa => Self::VhostVdpa { path: el.attr_required("dev")?.to_owned() },
        })
    }

    /// Writes the attributes, and gives the place whose children belong into the element.
    pub(super) fn format_attributes(&self, w: &mut Writer, flags: FormatFlags) -> &Self {
        match self {
            Self::File { path, fdgroup } => {
                w.attr_opt("file", path.as_ref());
                w.attr_opt("fdgroup", fdgroup.as_ref());
            }
            Self::Block { path } => w.attr_opt("dev", path.as_ref()),
            Self::Dir { path } => w.attr_opt("dir", path.as_ref()),
            Self::Network(network) => network.format_attributes(w, flags),
            Self::Volume(volume) => {
                w.attr_opt("pool", volume.pool.as_ref());
                w.attr_opt("volume", volume.volume.as_ref());
                w.attr_opt("mode", volume.mode);
                if let Some(actual) = &volume.actual
                    && flags.contains(FormatFlags::VOLUME_TRANSLATED)
                {
                    w.attr("actualType", actual.storage_type());
                    return actual.format_attributes(w, flags);
                }
            }
            Self::Nvme(nvme) => {
                w.attr("type", "pci");
                w.attr_yes_no("managed", nvme.managed);
                w.attr("namespace", nvme.namespace);
            }
            Self::VhostUser { path, .. } => {
                w.attr("type", "unix");
                w.attr("path", path);
            }
            Self::VhostVdpa { path } => w.attr("dev", path),
        }
        self
    }

    pub(super) fn format_children(&self, w: &mut Writer, flags: FormatFlags) {
        match self {
            Self::Network(network) => network.format_children(w, flags),
            Self::Nvme(nvme) => w.element("address", |w| nvme.address.format_place(w)),
            Self::VhostUser { reconnect, .. } => reconnect.format(w),
            Self::File { .. }
            | Self::Block { .. }
            | Self::Dir { .. }
            | Self::Volume(_)
            | Self::VhostVdpa { .. } => {}
        }
    }
}

impl Volume {
    fn parse(el: Element<'_>) -> Result<Self> {
        let text = |name| el.attr(name).map(str::to_owned);
        let (pool, volume) = (text("pool"), text("volume"));
        if pool.is_none() && volume.is_none() {
            return Ok(Self::default());
        }
        if pool.is_none() || volume.is_none() {
            let detail = "'pool' and 'volume' must be specified together for 'pool' type source";
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Self { pool, volume, mode: el.attr_enum("mode")?, actual: None })
    }
}

impl Nvme {
    fn parse(el: Element<'_>) -> Result<Self> {
        match el.attr("type") {
            None => return Err(xml_error("missing 'type' attribute to disk source").at(el.place())),
            Some("pci") => {}
            Some(other) => {
                return Err(xml_error(format!("unsupported source type '{other}'")).at(el.place()));
            }
        }
        let namespace = el.required("namespace", el.attr_u64("namespace", Base::Ten)?)?;
        let managed = el.attr_yes_no("managed")?;
        let address = el
            .child("address")
            .ok_or_else(|| xml_error("NVMe disk source is missing address").at(el.place()))?;
        Ok(Self { managed, namespace, address: Pci::parse(address)? })
    }
}

fn parse_vhost_user(el: Element<'_>) -> Result<Location> {
    let fail = |detail: &str| Err(xml_error(detail).at(el.place()));
    match el.attr("type") {
        None => return fail("missing 'type' attribute for vhostuser disk source"),
        Some("unix") => {}
        Some(_) => return fail("invalid 'type' attribute for vhostuser disk source"),
    }
    let Some(path) = el.attr("path") else {
        return fail("missing 'path' attribute for vhostuser disk source");
    };
    Ok(Location::VhostUser { path: path.to_owned(), reconnect: Reconnect::parse_child(el)? })
}
