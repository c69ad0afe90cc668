//! `<disk>`: how a disk is taken along.

use virt_types::TextEnum;
use virt_xml::{Element, Writer};

use super::super::MomentFlags;
use super::REFUSE;
use crate::common::StorageSource;
use crate::common::storage_source::{
    ImageFormat, Location, SourceParts, StorageType, format_metadata_cache, parse_metadata_cache,
};
use crate::domain::device::SnapshotLocation;
use crate::{FormatFlags, ParseFlags, Result};

/// How a disk is taken along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotDisk {
    /// `name`: the disk's target or path.
    pub name: String,
    /// `snapshot`; absent until the engine decides.
    pub location: Option<SnapshotLocation>,
    /// `type`, `<driver>`, `<source>`: the new image of an external one.
    pub source: StorageSource,
    /// `<snapshotDeleteInProgress/>`
    pub delete_in_progress: bool,
}

impl SnapshotDisk {
    pub(super) fn parse(el: Element<'_>, flags: MomentFlags) -> Result<Self> {
        let name = el
            .attr("name")
            .ok_or_else(|| REFUSE.internal("missing name from disk snapshot element").at(el.place()))?;
        let location = el.attr_enum("snapshot")?;
        let kind = el.attr_enum("type")?.unwrap_or(StorageType::File);
        if matches!(kind, StorageType::Volume | StorageType::Dir) {
            return Err(REFUSE.xml(format!("unsupported disk snapshot type '{kind}'")).at(el.place()));
        }
        let delete_in_progress =
            flags.contains(MomentFlags::REDEFINE) && el.child("snapshotDeleteInProgress").is_some();
        let mut source = match el.child("source") {
            Some(source) => StorageSource::parse(source, kind, ParseFlags::empty())?,
            None => StorageSource::default(),
        };
        if let Some(driver) = el.child("driver") {
            if let Some(text) = driver.attr_filled("type") {
                source.format = Some(ImageFormat::from_text(text).ok_or_else(|| {
                    let detail = format!("unknown disk snapshot driver '{text}'");
                    REFUSE.unsupported(detail).with_hint(ImageFormat::hint(text)).at(driver.place())
                })?);
            }
            source.metadata_cache = parse_metadata_cache(driver)?;
        }
        let mut disk = Self { name: name.to_owned(), location, source, delete_in_progress };
        let local = match &disk.source.location {
            Location::File { path, .. } | Location::Block { path } => path.as_ref(),
            _ => None,
        };
        if let Some(path) = local.filter(|path| !path.starts_with('/')) {
            let detail = format!("disk snapshot image path '{path}' must be absolute");
            return Err(REFUSE.xml(detail).at(el.place()));
        }
        if disk.location.is_none() && (disk.path().is_some() || disk.source.format.is_some()) {
            disk.location = Some(SnapshotLocation::External);
        }
        Ok(disk)
    }

    /// The path of the new image, or its name on a server.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.source.location {
            Location::Network(network) => network.name.as_deref(),
            location => location.local_path(),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("disk", |w| {
            w.attr("name", &self.name);
            w.attr_opt("snapshot", self.location);
            let image = self.path().is_some() || self.source.format.is_some();
            if image {
                w.attr("type", self.source.location.storage_type());
            }
            if self.delete_in_progress {
                w.element("snapshotDeleteInProgress", |_| {});
            }
            if image {
                w.element_if_any("driver", |w| {
                    w.attr_opt("type", self.source.format);
                    format_metadata_cache(w, self.source.metadata_cache);
                });
                self.source.format(w, "source", SourceParts::default(), FormatFlags::empty());
            }
        });
    }
}
