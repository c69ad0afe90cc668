//! Files, devices and directories: their sizes, owners and times, and what their first bytes say.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::common::{Encryption, Permissions};
use virt_conf::storage_volume::{Timestamps, Volume, VolumeFormat, VolumeTarget, VolumeType};
use virt_types::Result;

use super::backing;
use super::header::{Header, MAX_HEADER};
use crate::error::{errno, internal, no_volume, system};

/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;
/// Bytes of a block as `stat` counts them.
const BLOCK: u64 = 512;

/// What a volume may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// A file, a block device or a directory.
    All,
    /// A file or a block device.
    Bytes,
}

/// Something that could be a volume, opened for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    stat: Stat,
}

/// Why something is no volume. What a pool passes over may be an error to others.
enum Refused {
    Skip(virt_types::Error),
    Error(virt_types::Error),
}

impl Opened {
    /// Opens what is at a path.
    ///
    /// # Errors
    /// `VIR_ERR_NO_STORAGE_VOL` where there is nothing, `VIR_ERR_INTERNAL_ERROR` for what can be no volume.
    pub(crate) fn open(path: &str, kinds: Kinds) -> Result<Self> {
        Self::try_open(path, kinds).map_err(|(Refused::Error(error) | Refused::Skip(error))| error)
    }

    /// The same, but `None` for what a pool passes over: what vanished, may not be read, or can be no volume.
    pub(crate) fn or_skip(path: &str, kinds: Kinds) -> Result<Option<Self>> {
        match Self::try_open(path, kinds) {
            Ok(opened) => Ok(Some(opened)),
            Err(Refused::Error(error)) => Err(error),
            Err(Refused::Skip(error)) => {
                log::debug!("passed over: {error}");
                Ok(None)
            }
        }
    }

    fn try_open(path: &str, kinds: Kinds) -> Result<Self, Refused> {
        let before = rustix::fs::lstat(path).map_err(|error| match error {
            Errno::NOENT => Refused::Skip(no_volume(format!("no storage vol with matching path '{path}'"))),
            other => Refused::Error(errno(format_args!("cannot stat file '{path}'"), other)),
        })?;
        match FileType::from_raw_mode(before.st_mode) {
            FileType::Fifo => {
                return Err(Refused::Skip(internal(format!("Volume path '{path}' is a FIFO"))));
            }
            FileType::Socket => {
                return Err(Refused::Skip(internal(format!("Volume path '{path}' is a socket"))));
            }
            _ => {}
        }
        // It may have become a pipe since, which nobody should wait for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let cannot_open = |error| errno(format_args!("cannot open volume '{path}'"), error);
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS | Errno::PERM => {
                Refused::Skip(cannot_open(error))
            }
            other => Refused::Error(cannot_open(other)),
        })?;
        let stat = rustix::fs::fstat(&fd)
            .map_err(|error| Refused::Error(errno(format_args!("cannot stat file '{path}'"), error)))?;
        let fits = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile | FileType::BlockDevice => true,
            FileType::Directory => kinds == Kinds::All,
            _ => false,
        };
        if !fits {
            return Err(Refused::Skip(internal(format!("unexpected storage mode for '{path}'"))));
        }
        rustix::io::ioctl_fionbio(&fd, false).map_err(|error| Refused::Error(cannot_open(error)))?;
        Ok(Self { file: File::from(fd), stat })
    }

    pub(crate) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }

    /// The first bytes.
    fn header(&self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = vec![0; MAX_HEADER];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(system(format_args!("cannot read header '{path}'"), error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn sizes(&self, path: &str) -> Result<Sizes> {
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(match FileType::from_raw_mode(self.stat.st_mode) {
            FileType::Directory => Sizes::default(),
            FileType::RegularFile => {
                let size = number(self.stat.st_size);
                Sizes { capacity: size, allocation: number(self.stat.st_blocks) * BLOCK, physical: size }
            }
            _ => {
                let end = rustix::fs::seek(&self.file, rustix::fs::SeekFrom::End(0))
                    .map_err(|error| errno(format_args!("failed to seek to end of {path}"), error))?;
                Sizes { capacity: end, allocation: end, physical: end }
            }
        })
    }

    fn permissions(&self) -> Permissions {
        Permissions {
            mode: Some(self.stat.st_mode & PERMISSIONS),
            owner: Some(self.stat.st_uid),
            group: Some(self.stat.st_gid),
            label: security_label(&self.file),
        }
    }

    fn timestamps(&self) -> Timestamps {
        let time = |seconds: i64, nanoseconds: u64| {
            Some((u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0)))
        };
        Timestamps {
            accessed: time(self.stat.st_atime, self.stat.st_atime_nsec),
            modified: time(self.stat.st_mtime, self.stat.st_mtime_nsec),
            changed: time(self.stat.st_ctime, self.stat.st_ctime_nsec),
            // libvirt shows a time of birth, and knows none on Linux.
            born: Some((0, 0)),
        }
    }

    /// Notes whose it is, and since when.
    fn note(&self, target: &mut VolumeTarget) {
        target.permissions = self.permissions();
        target.timestamps = Some(self.timestamps());
    }
}

/// SELinux's label, where the kernel has them.
fn security_label(file: impl AsFd) -> Option<String> {
    let mut buffer = [0; 512];
    let length = rustix::fs::fgetxattr(file, "security.selinux", &mut buffer).ok()?;
    let label = buffer.get(..length)?;
    let label = label.strip_suffix(b"\0").unwrap_or(label);
    String::from_utf8(label.to_vec()).ok().filter(|label| !label.is_empty())
}

#[derive(Debug, Clone, Copy, Default)]
struct Sizes {
    capacity: u64,
    allocation: u64,
    physical: u64,
}

/// Owner and mode of a pool's directory.
pub(crate) fn describe_directory(path: &str) -> Result<Permissions> {
    let opened = Opened::open(path, Kinds::All)?;
    Ok(opened.permissions())
}

/// What stands in a pool's directory under this name; `None` for what is no volume.
pub(crate) fn discover(directory: &str, name: &str) -> Result<Option<Volume>> {
    let path = format!("{directory}/{name}");
    let mut volume = Volume { name: name.to_owned(), key: Some(path.clone()), ..Volume::default() };
    volume.target.path = Some(path);
    Ok(probe(&mut volume)?.then_some(volume))
}

/// Looks at a volume whose content is another one now.
pub(crate) fn wiped(volume: &mut Volume) -> Result<()> {
    let before = volume.clone();
    if probe(volume)? {
        // What the new content says nothing of stays as it was known.
        volume.backing = volume.backing.take().or(before.backing);
        volume.target.compat = volume.target.compat.take().or(before.target.compat);
        if volume.target.cluster_size == 0 {
            volume.target.cluster_size = before.target.cluster_size;
        }
    }
    Ok(())
}

/// False for what is no volume.
fn probe(volume: &mut Volume) -> Result<bool> {
    let path = volume.target.path.clone().unwrap_or_default();
    let Some(mut opened) = Opened::or_skip(&path, Kinds::All)? else { return Ok(false) };
    let mut path = path;
    volume.kind = VolumeType::File;
    if opened.is_directory() {
        let Some(root) = ploop_root(&path) else {
            set_sizes(volume, opened.sizes(&path)?);
            opened.note(&mut volume.target);
            volume.target.format = Some(VolumeFormat::Image(ImageFormat::Dir));
            volume.kind = VolumeType::Dir;
            return Ok(true);
        };
        path = root;
        let Some(inner) = Opened::or_skip(&path, Kinds::Bytes)? else { return Ok(false) };
        opened = inner;
        volume.kind = VolumeType::Ploop;
    }
    set_sizes(volume, opened.sizes(&path)?);
    opened.note(&mut volume.target);
    let header = Header::probe(&opened.header(&path)?);
    volume.target.format = Some(VolumeFormat::Image(header.format));
    volume.target.cluster_size = header.cluster_size;
    volume.target.compat = header.features.as_ref().map(|_| "1.1".to_owned());
    let size = volume.capacity.unwrap_or(0);
    let capacity = header.capacity.unwrap_or(size);
    let payload = header.encrypted.and_then(|encrypted| encrypted.payload_offset).unwrap_or(0);
    volume.capacity = Some(capacity.saturating_sub(payload));
    volume.target.encryption =
        header.encrypted.map(|encrypted| Encryption { format: encrypted.format, ..Encryption::default() });
    volume.target.features = header.features;
    volume.backing = header.backing.map(|named| backing::target(&path, named));
    if let Some(backing) = &mut volume.backing {
        refresh_backing(backing);
    }
    Ok(true)
}

/// Looks anew at the sizes, owner and times of a volume whose format is known.
pub(crate) fn refresh(volume: &mut Volume) -> Result<()> {
    let path = volume.target.path.clone().unwrap_or_default();
    let opened = Opened::open(&path, Kinds::All)?;
    set_sizes(volume, opened.sizes(&path)?);
    opened.note(&mut volume.target);
    if let Some(VolumeFormat::Image(format)) = volume.target.format {
        if opened.is_directory() {
            if let Some(root) = ploop_root(&path) {
                let inner = Opened::open(&root, Kinds::Bytes)?;
                set_sizes(volume, inner.sizes(&root)?);
                let header = Header::read(&inner.header(&root)?, ImageFormat::Ploop);
                volume.capacity = header.capacity.or(Some(volume.physical));
            }
        } else if format != ImageFormat::Raw || volume.target.encryption.is_some() {
            let header = Header::read(&opened.header(&path)?, format);
            let payload = header.encrypted.and_then(|encrypted| encrypted.payload_offset).unwrap_or(0);
            let capacity = header.capacity.unwrap_or(volume.physical);
            volume.capacity = Some(capacity.saturating_sub(payload));
        }
    }
    if let Some(backing) = &mut volume.backing {
        refresh_backing(backing);
    }
    Ok(())
}

fn set_sizes(volume: &mut Volume, sizes: Sizes) {
    volume.capacity = Some(sizes.capacity);
    volume.allocation = Some(sizes.allocation);
    volume.physical = sizes.physical;
}

/// Where the image behind a volume can not be had, nothing is said of it.
fn refresh_backing(backing: &mut VolumeTarget) {
    let Some(path) = backing.path.clone().filter(|path| path.starts_with('/')) else { return };
    match Opened::or_skip(&path, Kinds::Bytes) {
        Ok(Some(opened)) => opened.note(backing),
        Ok(None) => {}
        Err(error) => log::warn!("the image behind a volume: {error}"),
    }
}

/// The file with the bytes, in the directory of a ploop image.
fn ploop_root(directory: &str) -> Option<String> {
    let root = format!("{directory}/root.hds");
    let complete = Path::new(&root).exists() && Path::new(directory).join("DiskDescriptor.xml").exists();
    complete.then_some(root)
}

/// The format of what is at a path.
pub(super) fn format_at(path: &str) -> Result<ImageFormat> {
    let opened = Opened::open(path, Kinds::All)?;
    if opened.is_directory() {
        return Ok(ImageFormat::Dir);
    }
    Ok(Header::format_of(&opened.header(path)?))
}
