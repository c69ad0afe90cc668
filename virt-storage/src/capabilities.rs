//! What kinds of pools and volumes there can be, as a document.

use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_pool::{DiskFormat, FsFormat, LogicalFormat, NetfsFormat, PoolFormat, PoolType};
use virt_conf::storage_volume::{PartitionFormat, VolumeFormat};
use virt_types::TextEnum;
use virt_xml::Writer;

/// The `<storagepoolCapabilities>` of a host that serves these types of pools.
///
/// ```
/// let xml = virt_storage::capabilities(&|_| true);
/// assert!(xml.starts_with("<storagepoolCapabilities>\n  <pool type='dir' supported='yes'>"));
/// ```
#[must_use]
pub fn capabilities(supported: &dyn Fn(PoolType) -> bool) -> String {
    let mut w = Writer::new();
    w.element("storagepoolCapabilities", |w| {
        for (kind, name) in PoolType::SPELLINGS {
            w.open_element("pool", |w| {
                w.attr("type", name);
                w.attr("supported", if supported(*kind) { "yes" } else { "no" });
                if let Some(format) = PoolFormat::default_of(*kind) {
                    formats(w, "poolOptions", "sourceFormatType", format.text(), &pool_formats(format));
                }
                if let Some(format) = VolumeFormat::default_of(*kind) {
                    let all = volume_formats(*kind, format);
                    formats(w, "volOptions", "targetFormatType", format.text(), &all);
                }
            });
        }
    });
    w.finish()
}

fn formats(w: &mut Writer, element: &str, name: &str, default: &str, all: &[&str]) {
    w.element(element, |w| {
        w.element("defaultFormat", |w| w.attr("type", default));
        w.open_element("enum", |w| {
            w.attr("name", name);
            all.iter().for_each(|value| w.text_element("value", value));
        });
    });
}

fn names<T: TextEnum + 'static>() -> Vec<&'static str> {
    T::SPELLINGS.iter().map(|(_, name)| *name).collect()
}

fn pool_formats(format: PoolFormat) -> Vec<&'static str> {
    match format {
        PoolFormat::Fs(_) => names::<FsFormat>(),
        PoolFormat::Netfs(_) => names::<NetfsFormat>(),
        PoolFormat::Disk(_) => names::<DiskFormat>(),
        PoolFormat::Logical(_) => names::<LogicalFormat>(),
    }
}

fn volume_formats(kind: PoolType, format: VolumeFormat) -> Vec<&'static str> {
    match format {
        // libvirt says no more of them than which is usual.
        VolumeFormat::Image(_) if kind == PoolType::Rbd => Vec::new(),
        VolumeFormat::Image(_) => std::iter::once("none").chain(names::<ImageFormat>()).collect(),
        VolumeFormat::Partition(_) => names::<PartitionFormat>(),
    }
}
