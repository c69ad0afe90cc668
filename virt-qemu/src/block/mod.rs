//! Images as QEMU's block nodes: a storage node that reaches the bytes, a format node that makes sense of them, and
//! a slice between them where only a part of the storage is meant.

mod backend;
mod bitmap;
pub mod create;
mod curl;
mod format;
pub(crate) mod legacy;
mod number;
mod secret;

use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::{Backing, ImageFormat, Location};
use virt_conf::domain::device::{DetectZeroes, Discard, Disk, DiskCache, DiskDevice, DiskIo};
use virt_types::Result;

pub use bitmap::{Bitmap, Bitmaps};
pub use number::number_images;
pub use secret::{MANAGED_HELPER, SecretSource, SecretUsage, encryption_secret};

use crate::error::{internal, unsupported};
use crate::plan::{Part, PlanContext, Props};

/// The longest name of a block node.
const MAX_NODE_NAME: usize = 31;

/// How an image is read and written, beside what the image itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageOptions {
    /// The host's caching.
    pub cache: DiskCache,
    /// The host's way of reading and writing.
    pub io: Option<DiskIo>,
    /// What becomes of discards.
    pub discard: Option<Discard>,
    /// What becomes of zeros.
    pub detect_zeroes: Option<DetectZeroes>,
    /// Discards keep the references of a qcow2 image.
    pub discard_no_unref: Option<bool>,
    /// A directory is shown as a floppy disk.
    pub floppy: bool,
}

impl ImageOptions {
    /// The options of a disk's own image, or of one behind it.
    #[must_use]
    pub fn of_disk(disk: &Disk, top: bool) -> Self {
        Self {
            cache: effective_cache(disk),
            io: disk.driver.io,
            discard: disk.driver.discard,
            detect_zeroes: if top { disk.driver.effective_detect_zeroes() } else { None },
            discard_no_unref: disk.driver.discard_no_unref,
            floppy: disk.device == DiskDevice::Floppy,
        }
    }
}

/// The caching of a disk: an image that others write to is never cached.
#[must_use]
pub fn effective_cache(disk: &Disk) -> DiskCache {
    match disk.driver.cache {
        DiskCache::Default if disk.source.shared && !disk.source.readonly => DiskCache::None,
        cache => cache,
    }
}

/// QEMU's three switches of a cache mode: the device reports a write cache, the host's page cache is bypassed, and
/// flushes are ignored.
#[must_use]
pub const fn cache_switches(cache: DiskCache) -> Option<(bool, bool, bool)> {
    match cache {
        DiskCache::Default => None,
        DiskCache::None => Some((true, true, false)),
        DiskCache::Writethrough => Some((false, false, false)),
        DiskCache::Writeback => Some((true, false, false)),
        DiskCache::Directsync => Some((false, true, false)),
        DiskCache::Unsafe => Some((true, false, true)),
    }
}

/// An image with the names of its nodes.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// The image.
    pub source: &'a StorageSource,
    /// What the names begin with, such as `libvirt-3`.
    pub prefix: &'a str,
    /// How it is read and written.
    pub options: ImageOptions,
}

impl Image<'_> {
    /// Name of the node that reaches the bytes.
    #[must_use]
    pub fn storage_node(&self) -> String {
        format!("{}-storage", self.prefix)
    }

    /// Name of the node that the guest, or the image before it, uses.
    #[must_use]
    pub fn format_node(&self) -> String {
        format!("{}-format", self.prefix)
    }

    /// Name of the node between them, where only a part of the storage is meant and the format can not say so.
    #[must_use]
    pub fn slice_node(&self) -> Option<String> {
        let raw =
            matches!(self.source.format, None | Some(ImageFormat::Raw)) && self.source.encryption.is_none();
        (self.source.slice.is_some() && !raw).then(|| format!("{}-slice-sto", self.prefix))
    }

    /// The parts that make the image's nodes, lowest first; `backing` is the node behind it.
    ///
    /// # Errors
    /// For places and formats that QEMU can not reach or read.
    pub fn parts(&self, backing: BackingNode<'_>, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
        let node = self.storage_node();
        let mut parts = secret::objects(self, &node, cx)?;
        parts.push(Part::Blockdev(backend::props(self, &node, cx)?.extend(self.common(&node, false)?)));
        if let (Some(name), Some(slice)) = (self.slice_node(), self.source.slice) {
            let props = Props::new()
                .str("driver", "raw")
                .str("node-name", name)
                .u64("offset", slice.offset)
                .u64("size", slice.size)
                .str("file", self.storage_node())
                .bool("auto-read-only", true)
                .str("discard", "unmap");
            parts.push(Part::Blockdev(props));
        }
        parts.push(Part::Blockdev(format::props(self, backing)?));
        Ok(parts)
    }

    /// Name of the only node of a SCSI unit, whose bytes nobody but the guest makes sense of.
    #[must_use]
    pub fn bare_node(&self) -> String {
        format!("{}-backend", self.prefix)
    }

    /// The parts that make the only node of a SCSI unit.
    ///
    /// # Errors
    /// For places that QEMU can not reach.
    pub fn bare_parts(&self, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
        let node = self.bare_node();
        let mut parts = secret::objects(self, &node, cx)?;
        parts.push(Part::Blockdev(backend::props(self, &node, cx)?.extend(self.common(&node, true)?)));
        Ok(parts)
    }

    /// What the storage node and the format node have alike; `effective` is the one that is used from above.
    fn common(&self, name: &str, effective: bool) -> Result<Props> {
        if name.len() > MAX_NODE_NAME {
            return Err(internal(format!("node-name '{name}' too long for qemu")));
        }
        let cache = cache_switches(self.options.cache)
            .map(|(_, direct, no_flush)| Props::new().bool("direct", direct).bool("no-flush", no_flush));
        let with_cache = |props: Props| match cache {
            Some(cache) => props.object("cache", cache),
            None => props,
        };
        let props = Props::new().str("node-name", name);
        if effective {
            let props = props
                .bool("read-only", self.source.readonly)
                .opt_str("discard", self.options.discard.map(virt_types::TextEnum::text))
                .opt_str("detect-zeroes", self.options.detect_zeroes.map(virt_types::TextEnum::text));
            return Ok(with_cache(props));
        }
        Ok(with_cache(props).bool("auto-read-only", true).str("discard", "unmap"))
    }
}

/// What is behind an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackingNode<'a> {
    /// Nobody said; QEMU looks into the image.
    Unknown,
    /// Nothing.
    End,
    /// This node.
    Node(&'a str),
}

/// The parts that make all nodes of an image and of those behind it, the last one first. Each image has its number.
///
/// # Errors
/// As [`Image::parts`], and for an image without a number.
pub fn chain_parts(disk: &Disk, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
    let mut images = Vec::new();
    for (depth, source) in disk.source.chain().enumerate() {
        images.push((source, prefix(source)?, ImageOptions::of_disk(disk, depth == 0)));
    }
    let mut parts = Vec::new();
    let mut behind: Option<String> = None;
    for (source, prefix, options) in images.iter().rev() {
        let image = Image { source, prefix, options: *options };
        let backing = match (&behind, &source.backing) {
            (Some(node), _) => BackingNode::Node(node),
            (None, Some(Backing::End)) => BackingNode::End,
            (None, _) => BackingNode::Unknown,
        };
        parts.extend(image.parts(backing, cx)?);
        behind = Some(image.format_node());
    }
    Ok(parts)
}

/// The name of the node that a disk's device uses.
///
/// # Errors
/// For an image without a number.
pub fn top_node(disk: &Disk) -> Result<String> {
    Ok(format!("{}-format", prefix(&disk.source)?))
}

/// What the names of an image's nodes begin with.
fn prefix(source: &StorageSource) -> Result<String> {
    let number = source.index.ok_or_else(|| internal("image has no number"))?;
    Ok(format!("libvirt-{number}"))
}

/// Refuses an image whose format can have nothing behind it, but has.
fn check_backing(source: &StorageSource, backing: BackingNode<'_>) -> Result<()> {
    let format = source.format.unwrap_or(ImageFormat::Raw);
    if matches!(backing, BackingNode::Node(_)) && !format.has_backing() {
        return Err(unsupported(format!("storage format '{format}' does not support backing store")));
    }
    Ok(())
}

/// The format of an image, where nothing was said what such a place usually has.
#[must_use]
pub fn effective_format(source: &StorageSource) -> ImageFormat {
    match (source.format, source.location.actual()) {
        (Some(format), _) => format,
        (None, Location::Dir { .. }) => ImageFormat::Fat,
        (None, _) => ImageFormat::Raw,
    }
}
