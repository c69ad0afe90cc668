//! `<target>` and `<backingStore>`: the bytes of a volume, and those behind it.

use std::collections::BTreeSet;

use virt_types::{TextEnum, text_enum};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use super::format::VolumeFormat;
use crate::Result;
use crate::common::scaled::parse_scaled;
use crate::common::{Encryption, Permissions};
use crate::storage_pool::{PoolType, REFUSE};

text_enum! {
    /// What an image of version 3 may have.
    pub enum VolumeFeature { LazyRefcounts = "lazy_refcounts", ExtendedL2 = "extended_l2" }
}

/// The bytes of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeTarget {
    /// `<path>`
    pub path: Option<String>,
    /// `<format type='…'/>`; always there in pools whose volumes have formats.
    pub format: Option<VolumeFormat>,
    /// `<permissions>`
    pub permissions: Permissions,
    /// `<timestamps>`. Never read from a document.
    pub timestamps: Option<Timestamps>,
    /// `<encryption>`
    pub encryption: Option<Encryption>,
    /// `<compat>`: the version of QEMU that has to read the image, such as `1.1`.
    pub compat: Option<String>,
    /// `<nocow>`: whether the file is never copied on a write. Not written again.
    pub nocow: bool,
    /// `<clusterSize>` in bytes; 0 where not given.
    pub cluster_size: u64,
    /// `<features>`
    pub features: Option<BTreeSet<VolumeFeature>>,
}

/// When a volume was used, in seconds and nanoseconds since the beginning of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamps {
    /// `<atime>`: read.
    pub accessed: Option<(u64, u32)>,
    /// `<mtime>`: written.
    pub modified: Option<(u64, u32)>,
    /// `<ctime>`: changed in owner, mode and the like.
    pub changed: Option<(u64, u32)>,
    /// `<btime>`: made.
    pub born: Option<(u64, u32)>,
}

impl VolumeTarget {
    /// Reads the `<target>` of a volume.
    pub(super) fn parse_child(volume: Element<'_>, pool: PoolType) -> Result<Self> {
        let Some(el) = volume.child("target") else {
            return Ok(Self { format: VolumeFormat::default_of(pool), ..Self::default() });
        };
        let mut target = Self::parse_place(el, pool)?;
        target.encryption = el.child("encryption").map(Encryption::parse).transpose()?;
        target.compat = el.child_text("compat");
        if target.compat.as_ref().is_some_and(|compat| !is_version(compat)) {
            return Err(REFUSE.xml("forbidden characters in 'compat' attribute").at(el.place()));
        }
        target.nocow = el.child("nocow").is_some();
        if let Some(size) = el.child("clusterSize") {
            let (text, unit) = (size.text(), size.attr("unit"));
            if !text.is_empty() {
                target.cluster_size = parse_scaled("./target/clusterSize", &text, unit, 1, u64::MAX)
                    .map_err(|error| error.at(size.place()))?;
            }
        }
        target.features = el.child("features").map(parse_features).transpose()?;
        el.pass_over(&["timestamps"]);
        Ok(target)
    }

    /// Reads the `<backingStore>` of a volume, if that has a path.
    pub(super) fn parse_backing(volume: Element<'_>, pool: PoolType) -> Result<Option<Self>> {
        let Some(el) = volume.child("backingStore") else { return Ok(None) };
        el.pass_over(&["timestamps"]);
        if el.child_text("path").is_none() {
            return Ok(None);
        }
        Self::parse_place(el, pool).map(Some)
    }

    fn parse_place(el: Element<'_>, pool: PoolType) -> Result<Self> {
        Ok(Self {
            path: el.child_text("path"),
            format: VolumeFormat::parse_child(el, pool)?,
            permissions: Permissions::parse_child(el)?,
            ..Self::default()
        })
    }

    pub(super) fn format(&self, w: &mut Writer, name: &str) {
        w.open_element(name, |w| {
            w.text_element_opt("path", self.path.as_ref());
            if let Some(format) = self.format {
                w.element("format", |w| w.attr("type", format.text()));
            }
            self.permissions.format(w);
            if let Some(timestamps) = &self.timestamps {
                timestamps.format(w);
            }
            if let Some(encryption) = &self.encryption {
                encryption.format(w);
            }
            w.text_element_opt("compat", self.compat.as_ref());
            if self.cluster_size > 0 {
                w.text_element_with("clusterSize", |w| w.attr("unit", "B"), self.cluster_size);
            }
            if let Some(features) = &self.features {
                w.element("features", |w| {
                    for feature in features {
                        w.element(feature.text(), |_| {});
                    }
                });
            }
        });
    }
}

impl Timestamps {
    fn format(&self, w: &mut Writer) {
        w.open_element("timestamps", |w| {
            for (name, time) in [
                ("atime", self.accessed),
                ("mtime", self.modified),
                ("ctime", self.changed),
                ("btime", self.born),
            ] {
                match time {
                    None => {}
                    Some((seconds, 0)) => w.text_element(name, seconds),
                    Some((seconds, nanoseconds)) => {
                        w.text_element(name, format_args!("{seconds}.{nanoseconds:09}"));
                    }
                }
            }
        });
    }
}

fn is_version(text: &str) -> bool {
    let number = |text: &str| parse_u32(text, Base::Ten).is_some();
    text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
}

fn parse_features(el: Element<'_>) -> Result<BTreeSet<VolumeFeature>> {
    el.pass_over(&["lazy_refcounts", "extended_l2"]);
    el.children()
        .map(|feature| {
            let name = feature.name();
            VolumeFeature::from_text(name).ok_or_else(|| {
                let detail = format!("unsupported feature {name}");
                REFUSE.unsupported(detail).with_hint(VolumeFeature::hint(name)).at(feature.place())
            })
        })
        .collect()
}
