//! `<volume>`: a volume of a storage pool.

mod check;
mod format;
mod target;
#[cfg(test)]
mod tests;

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{Base, parse_u64};
use virt_xml::{Document, Element, Writer};

pub use format::{PartitionFormat, VolumeFormat};
pub use target::{Timestamps, VolumeFeature, VolumeTarget};

use crate::Result;
use crate::common::sanitize_path;
use crate::common::scaled::parse_scaled;
use crate::storage_pool::{PoolType, REFUSE};

text_enum! {
    /// What a volume is on the host.
    pub enum VolumeType {
        #[default] File = "file", Block = "block", Dir = "dir", Network = "network", Netdir = "netdir", Ploop = "ploop",
    }
}

/// Whether a volume's document has to say how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Capacity {
    /// It has to.
    #[default]
    Required,
    /// Not where there is another image behind it.
    UnlessBacked,
    /// It need not: another volume is copied.
    Optional,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// `type`
    pub kind: VolumeType,
    /// `<name>`
    pub name: String,
    /// `<key>`: what names it on the host; absent until the engine gives one.
    pub key: Option<String>,
    /// `<source>`: the parts of devices that it is made of. Never read from a document.
    pub extents: Vec<Extent>,
    /// `<capacity>` in bytes; absent where it follows from another image.
    pub capacity: Option<u64>,
    /// `<allocation>` in bytes; the capacity where not given.
    pub allocation: Option<u64>,
    /// `<physical>` in bytes; 0 where not known. Never read from a document.
    pub physical: u64,
    /// `<target>`
    pub target: VolumeTarget,
    /// `<backingStore>`
    pub backing: Option<VolumeTarget>,
}

/// A part of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extent {
    /// The device.
    pub path: String,
    /// First byte.
    pub start: u64,
    /// Last byte.
    pub end: u64,
}

impl Volume {
    /// Reads a document for a pool of this type.
    ///
    /// # Errors
    /// For what is no XML, no volume, or wrong in itself; with the place.
    pub fn parse(xml: &str, pool: PoolType, capacity: Capacity) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("volume")?, pool, capacity)
    }

    /// Reads a `<volume>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Volume::parse`].
    pub fn parse_element(el: Element<'_>, pool: PoolType, capacity: Capacity) -> Result<Self> {
        let name =
            el.child_text("name").ok_or_else(|| REFUSE.xml("missing volume name element").at(el.place()))?;
        let kind = match el.attr_filled("type") {
            None => VolumeType::File,
            Some(text) => VolumeType::from_text(text).ok_or_else(|| {
                let detail = format!("unknown volume type '{text}'");
                REFUSE.unsupported(detail).with_hint(VolumeType::hint(text)).at(el.place())
            })?,
        };
        let backing = VolumeTarget::parse_backing(el, pool)?;
        let size = parse_size(el, "capacity")?;
        let dispensable = match capacity {
            Capacity::Required => false,
            Capacity::UnlessBacked => backing.is_some(),
            Capacity::Optional => true,
        };
        if size.is_none() && !dispensable {
            return Err(REFUSE.xml("missing capacity element").at(el.place()));
        }
        let allocation = parse_size(el, "allocation")?;
        el.pass_over(&["source", "physical"]);
        Ok(Self {
            kind,
            name,
            key: el.child_text("key"),
            extents: Vec::new(),
            capacity: size,
            allocation,
            physical: 0,
            target: VolumeTarget::parse_child(el, pool)?,
            backing,
        })
    }

    /// Completes a volume as it was read. Its place is below that of its pool, if that has one, and is its key as well.
    ///
    /// Filling a filled volume changes nothing.
    pub fn fill(&mut self, pool: Option<&str>) {
        if let Some(pool) = pool {
            let path = format!("{}/{}", sanitize_path(pool), self.name);
            self.key = Some(path.clone());
            self.target.path = Some(path);
        }
        if self.target.features.is_some() {
            self.target.compat.get_or_insert_with(|| "1.1".to_owned());
        }
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w);
        w.finish()
    }

    /// Writes the `<volume>` element into another document.
    pub fn format_into(&self, w: &mut Writer) {
        w.element("volume", |w| {
            w.attr("type", self.kind);
            w.text_element("name", &self.name);
            w.text_element_opt("key", self.key.as_ref());
            w.element_if_any("source", |w| self.format_extents(w));
            let capacity = self.capacity.unwrap_or(0);
            let bytes = |w: &mut Writer, name: &str, bytes: u64| {
                w.text_element_with(name, |w| w.attr("unit", "bytes"), bytes);
            };
            bytes(w, "capacity", capacity);
            bytes(w, "allocation", self.allocation.unwrap_or(capacity));
            if self.physical > 0 {
                bytes(w, "physical", self.physical);
            }
            self.target.format(w, "target");
            if let Some(backing) = &self.backing {
                backing.format(w, "backingStore");
            }
        });
    }

    fn format_extents(&self, w: &mut Writer) {
        for device in self.extents.chunk_by(|one, next| one.path == next.path) {
            w.element("device", |w| {
                w.attr("path", &device[0].path);
                for extent in device {
                    w.element("extent", |w| {
                        w.attr("start", extent.start);
                        w.attr("end", extent.end);
                    });
                }
            });
        }
    }
}

/// Bytes of a child element's text with its `unit` attribute.
fn parse_size(el: Element<'_>, name: &'static str) -> Result<Option<u64>> {
    let Some(child) = el.child(name) else { return Ok(None) };
    let (text, unit) = (child.text(), child.attr("unit"));
    if text.is_empty() {
        return Ok(None);
    }
    if parse_u64(&text, Base::Ten).is_none() {
        return Err(REFUSE.xml("malformed capacity element").at(child.place()));
    }
    // Offsets in files are signed.
    let bytes = parse_scaled(name, &text, unit, 1, i64::MAX.unsigned_abs());
    bytes.map(Some).map_err(|error| error.at(child.place()))
}
