//! `<driver>` of a disk: how the hypervisor treats its image and its queue.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::VirtioDriver;
use crate::common::storage_source::{
    ImageFormat, StorageSource, format_metadata_cache, parse_metadata_cache,
};
use crate::error::unsupported;

text_enum! {
    /// How the host caches the image.
    pub enum DiskCache {
        #[default] Default = "default", None = "none", Writethrough = "writethrough", Writeback = "writeback",
        Directsync = "directsync", Unsafe = "unsafe",
    }
}

text_enum! {
    /// What happens when the host fails to read or write.
    pub enum ErrorPolicy { Stop = "stop", Report = "report", Ignore = "ignore", Enospace = "enospace" }
}

text_enum! {
    /// How the host reads and writes.
    pub enum DiskIo { Native = "native", Threads = "threads", IoUring = "io_uring" }
}

text_enum! {
    /// What becomes of the guest's discards.
    pub enum Discard { Unmap = "unmap", Ignore = "ignore" }
}

text_enum! {
    /// What becomes of zeros that the guest writes.
    pub enum DetectZeroes { Off = "off", On = "on", Unmap = "unmap" }
}

/// `<driver>` of a disk, but for `type` and `<metadata_cache>`, which are the image's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiskDriver {
    /// `name`.
    pub name: Option<String>,
    /// `cache`.
    pub cache: DiskCache,
    /// `error_policy`.
    pub error_policy: Option<ErrorPolicy>,
    /// `rerror_policy`, for reading.
    pub rerror_policy: Option<ErrorPolicy>,
    /// `io`.
    pub io: Option<DiskIo>,
    /// `ioeventfd`.
    pub ioeventfd: Option<bool>,
    /// `event_idx`.
    pub event_idx: Option<bool>,
    /// `copy_on_read`.
    pub copy_on_read: Option<bool>,
    /// `discard`.
    pub discard: Option<Discard>,
    /// `iothread`: number of the I/O thread that serves it.
    pub iothread: Option<u32>,
    /// `detect_zeroes`.
    pub detect_zeroes: Option<DetectZeroes>,
    /// `discard_no_unref`.
    pub discard_no_unref: Option<bool>,
    /// `queues`; absent for the hypervisor's choice.
    pub queues: Option<u32>,
    /// `queue_size`; absent for the hypervisor's choice.
    pub queue_size: Option<u32>,
    /// Options of the virtio transport.
    pub virtio: VirtioDriver,
}

impl DiskDriver {
    /// Reads the element; what it says of the image goes into `source`.
    pub(super) fn parse(el: Element<'_>, source: &mut StorageSource) -> Result<Self> {
        let driver = Self {
            virtio: VirtioDriver::parse(el)?,
            name: el.attr("name").map(str::to_owned),
            cache: el.attr_enum("cache")?.unwrap_or_default(),
            error_policy: el.attr_enum("error_policy")?,
            rerror_policy: el.attr_enum("rerror_policy")?,
            io: el.attr_enum("io")?,
            ioeventfd: el.attr_on_off("ioeventfd")?,
            event_idx: el.attr_on_off("event_idx")?,
            copy_on_read: el.attr_on_off("copy_on_read")?,
            discard: el.attr_enum("discard")?,
            iothread: el.nonzero("iothread", el.attr_u32("iothread", Base::Ten)?)?,
            detect_zeroes: el.attr_enum("detect_zeroes")?,
            discard_no_unref: el.attr_on_off("discard_no_unref")?,
            queues: el.attr_u32("queues", Base::Ten)?.filter(|n| *n > 0),
            queue_size: el.attr_u32("queue_size", Base::Ten)?.filter(|n| *n > 0),
        };
        if driver.rerror_policy == Some(ErrorPolicy::Enospace) {
            return Err(unsupported("Invalid disk read error policy: 'enospace'").at(el.place()));
        }
        if let Some(text) = el.attr("type") {
            source.format = Some(parse_format(el, text)?);
        }
        source.metadata_cache = parse_metadata_cache(el)?;
        Ok(driver)
    }

    /// Writes the element, with what it says of the image.
    pub(super) fn format(&self, w: &mut Writer, source: &StorageSource) {
        w.element_if_any("driver", |w| {
            w.attr_opt("name", self.name.as_ref());
            w.attr_opt("type", source.format);
            w.attr_opt("cache", Some(self.cache).filter(|cache| *cache != DiskCache::Default));
            w.attr_opt("error_policy", self.error_policy);
            w.attr_opt("rerror_policy", self.rerror_policy);
            w.attr_opt("io", self.io);
            w.attr_on_off("ioeventfd", self.ioeventfd);
            w.attr_on_off("event_idx", self.event_idx);
            w.attr_on_off("copy_on_read", self.copy_on_read);
            w.attr_opt("discard", self.discard);
            w.attr_opt("iothread", self.iothread);
            w.attr_opt("detect_zeroes", self.detect_zeroes);
            w.attr_on_off("discard_no_unref", self.discard_no_unref);
            w.attr_opt("queues", self.queues);
            w.attr_opt("queue_size", self.queue_size);
            self.virtio.format(w);
            format_metadata_cache(w, source.metadata_cache);
        });
    }

    /// What becomes of zeros: without discards there is nothing to unmap.
    #[must_use]
    pub fn effective_detect_zeroes(&self) -> Option<DetectZeroes> {
        match self.detect_zeroes {
            Some(DetectZeroes::Unmap) if self.discard != Some(Discard::Unmap) => Some(DetectZeroes::On),
            other => other,
        }
    }
}

fn parse_format(el: Element<'_>, text: &str) -> Result<ImageFormat> {
    // Xen's old name of a raw image.
    let text = if text == "aio" { "raw" } else { text };
    virt_types::TextEnum::from_text(text)
        .ok_or_else(|| unsupported(format!("unknown driver format value '{text}'")).at(el.place()))
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("name", Str), Attr("type", OneOf(ImageFormat::NAMES)), Attr("cache", OneOf(DiskCache::NAMES)),
        Attr("error_policy", OneOf(ErrorPolicy::NAMES)), Attr("rerror_policy", OneOf(ErrorPolicy::NAMES)),
        Attr("io", OneOf(DiskIo::NAMES)), Attr("ioeventfd", OnOff), Attr("event_idx", OnOff), Attr("copy_on_read", OnOff),
        Attr("discard", OneOf(Discard::NAMES)), Attr("detect_zeroes", OneOf(DetectZeroes::NAMES)), Attr("discard_no_unref", OnOff),
        Attr("iothread", POSITIVE), Attr("queues", POSITIVE), Attr("queue_size", POSITIVE),
        Opt("metadata_cache", crate::common::storage_source::METADATA_CACHE), With(crate::common::virtio_driver::VIRTIO),
    ];
}
