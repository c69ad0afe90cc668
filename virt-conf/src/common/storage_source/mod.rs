//! Where the bytes of an image are: `<source>`, `<backingStore>`, `<mirror>` and their like.

mod backing;
mod backing_name;
mod location;
mod network;
mod reservations;

use virt_types::text_enum;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

pub use backing::Backing;
pub(crate) use backing::{backing_source_index, image_format, storage_type};
pub use backing_name::BackingName;
pub use location::{Location, Nvme, PoolMode, StorageType, Volume};
pub use network::{Cookie, NetworkHost, NetworkSource, Protocol, SshIdentity, Transport};
pub use reservations::Reservations;

use super::scaled;
use super::{Auth, DeviceSeclabel, Encryption};
use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// Formats of images.
    pub enum ImageFormat {
        Raw = "raw", Dir = "dir", Bochs = "bochs", Cloop = "cloop", Dmg = "dmg", Iso = "iso", Vpc = "vpc",
        Vdi = "vdi", Fat = "fat", Vhd = "vhd", Ploop = "ploop", Cow = "cow", Qcow = "qcow", Qcow2 = "qcow2",
        Qed = "qed", Vmdk = "vmdk",
    }
}

impl ImageFormat {
    /// Whether an image of this format may have another one behind it.
    #[must_use]
    pub const fn has_backing(self) -> bool {
        matches!(self, Self::Cow | Self::Qcow | Self::Qcow2 | Self::Qed | Self::Vmdk)
    }
}

/// An image: where it is, what format it has, and what it takes to read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageSource {
    /// Where it is.
    pub location: Location,
    /// Its format; absent until given or chosen.
    pub format: Option<ImageFormat>,
    /// `index`: the number of the image in a running domain.
    pub index: Option<u32>,
    /// Whether nothing is written to it.
    pub readonly: bool,
    /// Whether others write to it at the same time.
    pub shared: bool,
    /// `<auth>`.
    pub auth: Option<Auth>,
    /// `<encryption>`.
    pub encryption: Option<Encryption>,
    /// `<reservations>`.
    pub reservations: Option<Reservations>,
    /// `<slices>`: the part of the file or device that is the image.
    pub slice: Option<Slice>,
    /// `<seclabel>`, one per security driver at most.
    pub seclabels: Vec<DeviceSeclabel>,
    /// `<metadata_cache><max_size>`, bytes.
    pub metadata_cache: Option<u64>,
    /// `<backingStore>`: the image behind it; absent where nobody has looked.
    pub backing: Option<Backing>,
    /// Whether the chain was read from the image rather than written by a person.
    pub detected: bool,
}

/// A part of a file or device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// What of a `<source>` element stands elsewhere, or comes from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceParts<'a> {
    /// `startupPolicy`.
    pub startup_policy: Option<&'a str>,
    /// `index` is written.
    pub with_index: bool,
    /// `<auth>` stands beside the element.
    pub skip_auth: bool,
    /// `<encryption>` stands beside the element.
    pub skip_encryption: bool,
    /// The element is written even if it says nothing.
    pub even_empty: bool,
}

impl StorageSource {
    /// Whether there is no image: a drive without a medium.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match &self.location {
            Location::File { path, .. } | Location::Block { path } | Location::Dir { path } => path.is_none(),
            Location::Volume(volume) => match &volume.actual {
                Some(Location::File { path, .. } | Location::Block { path } | Location::Dir { path }) => {
                    path.is_none()
                }
                _ => false,
            },
            Location::Network(_)
            | Location::Nvme(_)
            | Location::VhostUser { .. }
            | Location::VhostVdpa { .. } => false,
        }
    }

    /// The image, then each that was named or found behind it.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |source| source.backing_source())
    }

    /// The image behind this one.
    #[must_use]
    pub fn backing_source(&self) -> Option<&Self> {
        match &self.backing {
            Some(Backing::Source(source)) => Some(source),
            Some(Backing::End) | None => None,
        }
    }

    /// The image behind this one, to change it.
    pub fn backing_source_mut(&mut self) -> Option<&mut Self> {
        match &mut self.backing {
            Some(Backing::Source(source)) => Some(source),
            Some(Backing::End) | None => None,
        }
    }

    /// Reads a `<source>` element of this storage type.
    ///
    /// # Errors
    /// For what the type needs and the element lacks.
    pub fn parse(el: Element<'_>, kind: StorageType, flags: ParseFlags) -> Result<Self> {
        Ok(Self {
            location: Location::parse(el, kind, flags)?,
            auth: el.child("auth").map(Auth::parse).transpose()?,
            encryption: el.child("encryption").map(Encryption::parse).transpose()?,
            reservations: el.child("reservations").map(Reservations::parse).transpose()?,
            slice: Slice::parse(el)?,
            seclabels: DeviceSeclabel::parse_all(el, flags)?,
            ..Self::default()
        })
    }

    /// Writes the element under this name.
    pub fn format(&self, w: &mut Writer, name: &str, parts: SourceParts<'_>, flags: FormatFlags) {
        let content = |w: &mut Writer| {
            let location = self.location.format_attributes(w, flags);
            let network = matches!(location, Location::Network(_));
            w.attr_opt("startupPolicy", parts.startup_policy.filter(|_| !network));
            w.attr_opt("index", self.index.filter(|index| parts.with_index && *index > 0));
            location.format_children(w, flags);
            if let Some(slice) = self.slice {
                w.element("slices", |w| {
                    w.element("slice", |w| {
                        w.attr("type", "storage");
                        w.attr("offset", slice.offset);
                        w.attr("size", slice.size);
                    });
                });
            }
            if !network {
                for label in &self.seclabels {
                    label.format(w, flags);
                }
            }
            // The pool has its own credentials.
            let volume = matches!(self.location, Location::Volume(_));
            if let Some(auth) = self.auth.as_ref().filter(|_| !parts.skip_auth && !volume) {
                auth.format(w);
            }
            if let Some(encryption) = self.encryption.as_ref().filter(|_| !parts.skip_encryption) {
                encryption.format(w);
            }
            if let Some(reservations) = &self.reservations {
                reservations.format(w, flags);
            }
        };
        if parts.even_empty { w.element(name, content) } else { w.element_if_any(name, content) }
    }
}

impl Slice {
    fn parse(source: Element<'_>) -> Result<Option<Self>> {
        let Some(el) = source.child("slices").and_then(|slices| {
            slices.children_named("slice").find(|slice| slice.attr("type") == Some("storage"))
        }) else {
            return Ok(None);
        };
        let text = |name| el.attr(name).filter(|text| !text.is_empty());
        let (Some(offset), Some(size)) = (text("offset"), text("size")) else {
            return Err(xml_error("missing offset or size attribute of slice").at(el.place()));
        };
        let number = |name: &str, text: &str| {
            number::parse_u64(text, Base::Ten).ok_or_else(|| {
                xml_error(format!("malformed value '{text}' of '{name}' attribute of slice")).at(el.place())
            })
        };
        Ok(Some(Self { offset: number("offset", offset)?, size: number("size", size)? }))
    }
}

/// Reads `<metadata_cache><max_size>` of this element, in bytes.
///
/// # Errors
/// For what is no size.
pub fn parse_metadata_cache(el: Element<'_>) -> Result<Option<u64>> {
    let Some(size) = el.descend(&["metadata_cache", "max_size"]) else { return Ok(None) };
    Ok(Some(scaled::parse(size, 1, u64::MAX)?).filter(|bytes| *bytes > 0))
}

/// Writes `<metadata_cache><max_size>`, where there is a size.
pub fn format_metadata_cache(w: &mut Writer, bytes: Option<u64>) {
    if let Some(bytes) = bytes {
        w.element("metadata_cache", |w| {
            w.text_element_with("max_size", |w| w.attr("unit", "bytes"), bytes);
        });
    }
}

grammar! {
    /// `<source>` of an image, its children.
    pub SOURCE_CHILDREN = [
        Attr("startupPolicy", OneOf(&["mandatory", "requisite", "optional"])), Attr("index", U32),
        With(crate::common::seclabel::SECLABELS), Opt("encryption", crate::common::encryption::ENCRYPTION),
        Opt("auth", crate::common::auth::AUTH), Opt("reservations", reservations::RESERVATIONS),
        Opt("slices", &[Many("slice", &[
            Must("type", OneOf(&["storage"])), Must("offset", U64), Must("size", U64),
        ])]),
    ];
    /// `<source>` of an image, by the `type` of the element around it.
    pub SOURCES = [
        When("type", &["", "file"], &[Opt("source", &[Attr("file", Str), Attr("fdgroup", Str), With(SOURCE_CHILDREN)])]),
        When("type", &["block"], &[Opt("source", &[Attr("dev", PATH), With(SOURCE_CHILDREN)])]),
        When("type", &["dir"], &[Opt("source", &[Must("dir", PATH), With(SOURCE_CHILDREN)])]),
        When("type", &["network"], &[One("source", NETWORK_SOURCE)]),
        When("type", &["volume"], &[Opt("source", &[
            Must("pool", Str), Must("volume", Str), Attr("mode", OneOf(PoolMode::NAMES)), With(SOURCE_CHILDREN),
        ])]),
        When("type", &["nvme"], &[Opt("source", &[
            Must("type", OneOf(&["pci"])), Attr("managed", YesNo), Must("namespace", POSITIVE),
            One("address", crate::common::address::PCI_SOURCE), With(SOURCE_CHILDREN),
        ])]),
        When("type", &["vhostuser"], &[Opt("source", &[
            Must("type", OneOf(&["unix"])), Must("path", PATH), Attr("index", U32), Opt("reconnect", crate::common::chardev::RECONNECT),
        ])]),
        When("type", &["vhostvdpa"], &[Opt("source", &[Must("dev", PATH), With(SOURCE_CHILDREN)])]),
    ];
    /// `<source>` of an image on another host.
    pub NETWORK_SOURCE = [
        Must("protocol", OneOf(Protocol::NAMES)), Attr("name", Str), Attr("query", Str), Attr("tls", YesNo),
        Attr("tlsHostname", Str),
        Many("host", &[
            Attr("name", Str), Attr("port", Str), Attr("transport", OneOf(Transport::NAMES)), Attr("socket", PATH),
        ]),
        Opt("snapshot", &[Must("name", Str)]), Opt("config", &[Must("file", PATH)]),
        Opt("initiator", &[One("iqn", &[Must("name", Str)])]), Opt("readahead", &[Must("size", U64)]),
        Opt("timeout", &[Must("seconds", U32)]), Opt("ssl", &[Must("verify", YesNo)]),
        Opt("cookies", &[Many("cookie", &[Must("name", Str), Text(Str)])]),
        Opt("identity", &[Attr("user", Str), Attr("group", Str)]),
        Opt("knownHosts", &[Must("path", Str)]),
        Opt("reconnect", &[Must("delay", U32)]), With(SOURCE_CHILDREN),
    ];
    /// `<format>` of an image.
    pub FORMAT = [
        Must("type", OneOf(ImageFormat::NAMES)),
        Opt("metadata_cache", METADATA_CACHE),
    ];
    /// `<metadata_cache>`
    pub METADATA_CACHE = [Opt("max_size", SIZE)];
    /// `<backingStore>`: an image behind another.
    pub BACKING = [
        Attr("type", OneOf(StorageType::NAMES)), Attr("index", U32),
        With(SOURCES), Opt("format", FORMAT), Again("backingStore", || BACKING),
    ];
}
