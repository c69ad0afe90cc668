//! The types of pools, and what each has.

use virt_types::{TextEnum, text_enum};

use super::REFUSE;
use crate::Result;

text_enum! {
    /// The type of a storage pool.
    pub enum PoolType {
        Dir = "dir", Fs = "fs", Netfs = "netfs", Logical = "logical", Disk = "disk", Iscsi = "iscsi",
        IscsiDirect = "iscsi-direct", Scsi = "scsi", Mpath = "mpath", Rbd = "rbd", Sheepdog = "sheepdog",
        Gluster = "gluster", Zfs = "zfs", Vstorage = "vstorage",
    }
}

impl PoolType {
    /// The types in the order of the flags that choose them in listings (`virConnectListAllStoragePoolsFlags`), from bit 6 on.
    const LISTED: [Self; 14] = [
        Self::Dir,
        Self::Fs,
        Self::Netfs,
        Self::Logical,
        Self::Disk,
        Self::Iscsi,
        Self::Scsi,
        Self::Mpath,
        Self::Rbd,
        Self::Sheepdog,
        Self::Gluster,
        Self::Zfs,
        Self::Vstorage,
        Self::IscsiDirect,
    ];

    /// The flags of a listing that choose types of pools.
    pub const LIST_FLAGS: u32 = ((1 << Self::LISTED.len()) - 1) << 6;

    /// The flag of a listing that chooses this type.
    pub fn list_flag(self) -> u32 {
        Self::LISTED.iter().position(|kind| *kind == self).map_or(0, |position| 1 << (6 + position))
    }
}

text_enum! {
    /// What a file system pool is formatted with.
    pub enum FsFormat {
        #[default] Auto = "auto", Ext2 = "ext2", Ext3 = "ext3", Ext4 = "ext4", Ufs = "ufs", Iso9660 = "iso9660",
        Udf = "udf", Gfs = "gfs", Gfs2 = "gfs2", Vfat = "vfat", HfsPlus = "hfs+", Xfs = "xfs", Ocfs2 = "ocfs2",
        Vmfs = "vmfs",
    }
}

text_enum! {
    /// By which protocol a file system is mounted over the network.
    pub enum NetfsFormat { #[default] Auto = "auto", Nfs = "nfs", Glusterfs = "glusterfs", Cifs = "cifs" }
}

text_enum! {
    /// The kind of a disk's partition table.
    pub enum DiskFormat {
        #[default] Unknown = "unknown", Dos = "dos", Dvh = "dvh", Gpt = "gpt", Mac = "mac", Bsd = "bsd",
        Pc98 = "pc98", Sun = "sun", Lvm2 = "lvm2",
    }
}

text_enum! {
    /// The kind of a volume group.
    pub enum LogicalFormat { Unknown = "unknown", Lvm2 = "lvm2" }
}

/// `<format>` of a pool's source, for the types that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolFormat {
    /// Of a file system.
    Fs(FsFormat),
    /// Of a network file system.
    Netfs(NetfsFormat),
    /// Of a disk.
    Disk(DiskFormat),
    /// Of a volume group.
    Logical(LogicalFormat),
}

/// What the source of a pool consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) host: bool,
    pub(super) device: bool,
    pub(super) dir: bool,
    pub(super) adapter: bool,
    pub(super) name: bool,
    pub(super) initiator: bool,
    /// The volumes are nowhere in the host's own tree of files.
    pub(super) network: bool,
}

impl PoolType {
    pub(super) const fn parts(self) -> Parts {
        let (host, device, dir, adapter, name, initiator, network) = match self {
            Self::Dir | Self::Mpath => (false, false, false, false, false, false, false),
            Self::Fs | Self::Disk => (false, true, false, false, false, false, false),
            Self::Netfs => (true, false, true, false, false, false, false),
            Self::Logical | Self::Zfs => (false, true, false, false, true, false, false),
            Self::Iscsi => (true, true, false, false, false, true, false),
            Self::IscsiDirect => (true, true, false, false, false, true, true),
            Self::Scsi => (false, false, false, true, false, false, false),
            Self::Rbd | Self::Sheepdog => (true, false, false, false, true, false, true),
            Self::Gluster => (true, false, true, false, true, false, true),
            Self::Vstorage => (false, false, false, false, true, false, false),
        };
        Parts { host, device, dir, adapter, name, initiator, network }
    }

    /// Refuses a type that a driver does not know.
    ///
    /// # Errors
    /// `VIR_ERR_INTERNAL_ERROR` with the type's number and name.
    pub fn check_known(self, known: &dyn Fn(Self) -> bool) -> Result<()> {
        if known(self) {
            return Ok(());
        }
        let detail = format!("missing backend for pool type {} ({self})", self.number());
        Err(REFUSE.internal(detail))
    }

    /// The type's number in libvirt, which a refusal shows.
    fn number(self) -> usize {
        Self::SPELLINGS.iter().position(|(kind, _)| *kind == self).unwrap_or(0)
    }
}

impl PoolFormat {
    /// The format that a pool of this type has where none is given.
    #[must_use]
    pub const fn default_of(kind: PoolType) -> Option<Self> {
        match kind {
            PoolType::Fs => Some(Self::Fs(FsFormat::Auto)),
            PoolType::Netfs => Some(Self::Netfs(NetfsFormat::Auto)),
            PoolType::Disk => Some(Self::Disk(DiskFormat::Unknown)),
            PoolType::Logical => Some(Self::Logical(LogicalFormat::Lvm2)),
            _ => None,
        }
    }

    /// The format with this name among those of the same kind.
    pub(super) fn named(self, text: &str) -> Option<Self> {
        match self {
            Self::Fs(_) => FsFormat::from_text(text).map(Self::Fs),
            Self::Netfs(_) => NetfsFormat::from_text(text).map(Self::Netfs),
            Self::Disk(_) => DiskFormat::from_text(text).map(Self::Disk),
            Self::Logical(_) => LogicalFormat::from_text(text).map(Self::Logical),
        }
    }

    /// Which names there are.
    pub(super) fn hint(self, text: &str) -> String {
        match self {
            Self::Fs(_) => FsFormat::hint(text),
            Self::Netfs(_) => NetfsFormat::hint(text),
            Self::Disk(_) => DiskFormat::hint(text),
            Self::Logical(_) => LogicalFormat::hint(text),
        }
    }

    /// The name.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Fs(format) => format.text(),
            Self::Netfs(format) => format.text(),
            Self::Disk(format) => format.text(),
            Self::Logical(format) => format.text(),
        }
    }

    /// Whether a version of the protocol can be given. libvirt compares numbers, which is why it can for the first two
    /// formats of every kind.
    pub(super) fn takes_version(self) -> bool {
        match self {
            Self::Fs(format) => format <= FsFormat::Ext2,
            Self::Netfs(format) => format <= NetfsFormat::Nfs,
            Self::Disk(format) => format <= DiskFormat::Dos,
            Self::Logical(format) => format <= LogicalFormat::Lvm2,
        }
    }
}
