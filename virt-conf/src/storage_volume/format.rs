//! `<format>`: what the bytes of a volume are.

use virt_types::{TextEnum, text_enum};
use virt_xml::Element;

use crate::Result;
use crate::common::storage_source::ImageFormat;
use crate::storage_pool::{PoolType, REFUSE};

text_enum! {
    /// What a partition is for.
    pub enum PartitionFormat {
        #[default] None = "none", Linux = "linux", Fat16 = "fat16", Fat32 = "fat32", LinuxSwap = "linux-swap",
        LinuxLvm = "linux-lvm", LinuxRaid = "linux-raid", Extended = "extended",
    }
}

/// What the bytes of a volume are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeFormat {
    /// An image of this format.
    Image(ImageFormat),
    /// A partition.
    Partition(PartitionFormat),
}

impl VolumeFormat {
    /// The format of volumes in pools of this type where none is given; `None` where volumes have none.
    #[must_use]
    pub const fn default_of(pool: PoolType) -> Option<Self> {
        match pool {
            PoolType::Dir
            | PoolType::Fs
            | PoolType::Netfs
            | PoolType::Rbd
            | PoolType::Gluster
            | PoolType::Vstorage => Some(Self::Image(ImageFormat::Raw)),
            PoolType::Disk => Some(Self::Partition(PartitionFormat::None)),
            PoolType::Logical
            | PoolType::Iscsi
            | PoolType::IscsiDirect
            | PoolType::Scsi
            | PoolType::Mpath
            | PoolType::Sheepdog
            | PoolType::Zfs => None,
        }
    }

    /// Reads the `<format>` child of an element.
    pub(super) fn parse_child(el: Element<'_>, pool: PoolType) -> Result<Option<Self>> {
        let Some(default) = Self::default_of(pool) else {
            el.pass_over(&["format"]);
            return Ok(None);
        };
        let Some(format) = el.child("format") else { return Ok(Some(default)) };
        let Some(text) = format.attr_filled("type") else { return Ok(Some(default)) };
        let (named, hint) = match default {
            Self::Image(_) => (ImageFormat::from_text(text).map(Self::Image), ImageFormat::hint(text)),
            Self::Partition(_) => {
                (PartitionFormat::from_text(text).map(Self::Partition), PartitionFormat::hint(text))
            }
        };
        named.map(Some).ok_or_else(|| {
            let detail = format!("unknown volume format type {text}");
            REFUSE.unsupported(detail).with_hint(hint).at(format.place())
        })
    }

    /// The name.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Image(format) => format.text(),
            Self::Partition(format) => format.text(),
        }
    }
}
