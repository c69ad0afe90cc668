//! Device nodes that may be opened. Only v1 takes a list of them; a group of v2 has no such controller here.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use crate::{Controller, Error, Group, Result};

/// What a device node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// A character device.
    Char,
    /// A block device.
    Block,
}

/// What may be done with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read.
    Read,
    /// Read and written.
    ReadWrite,
    /// Read, written and made anew.
    All,
}

impl Access {
    const fn text(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::ReadWrite => "rw",
            Self::All => "rwm",
        }
    }
}

impl Group {
    /// Lets nothing be opened any more.
    ///
    /// # Errors
    /// Without the controller; when the kernel refuses.
    pub fn deny_all_devices(&self) -> Result<()> {
        let (_, dir) = self.place(Controller::Devices)?;
        self.put(&dir.join("devices.deny"), "a")
    }

    /// Lets every device of a major number be opened, or one of them.
    ///
    /// # Errors
    /// As [`Group::deny_all_devices`].
    pub fn allow_device(
        &self,
        kind: DeviceKind,
        major: u32,
        minor: Option<u32>,
        access: Access,
    ) -> Result<()> {
        let (_, dir) = self.place(Controller::Devices)?;
        self.put(&dir.join("devices.allow"), &rule(kind, major, minor, access))
    }

    /// Lets the device at a path be opened; a path that is no device needs no leave.
    ///
    /// # Errors
    /// [`Error::Path`] for one that is not there; as [`Group::deny_all_devices`].
    pub fn allow_device_path(&self, path: &str, access: Access) -> Result<()> {
        match device(path)? {
            Some((kind, id)) => self.allow_device(kind, major(id), Some(minor(id)), access),
            None => Ok(()),
        }
    }

    /// Lets the device at a path be opened no more.
    ///
    /// # Errors
    /// As [`Group::allow_device_path`].
    pub fn deny_device_path(&self, path: &str, access: Access) -> Result<()> {
        let Some((kind, id)) = device(path)? else { return Ok(()) };
        let (_, dir) = self.place(Controller::Devices)?;
        self.put(&dir.join("devices.deny"), &rule(kind, major(id), Some(minor(id)), access))
    }
}

/// `c 10:232 rw`
fn rule(kind: DeviceKind, major: u32, minor: Option<u32>, access: Access) -> String {
    let kind = if kind == DeviceKind::Char { 'c' } else { 'b' };
    let minor = minor.map_or_else(|| "*".to_owned(), |minor| minor.to_string());
    format!("{kind} {major}:{minor} {}", access.text())
}

fn device(path: &str) -> Result<Option<(DeviceKind, u64)>> {
    let metadata = fs::metadata(path).map_err(|source| Error::Path { path: path.to_owned(), source })?;
    let kind = metadata.file_type();
    Ok(if kind.is_char_device() {
        Some((DeviceKind::Char, metadata.rdev()))
    } else {
        kind.is_block_device().then(|| (DeviceKind::Block, metadata.rdev()))
    })
}

/// The C library's encoding of `dev_t` (makedev(3)).
pub(crate) const fn major(id: u64) -> u32 {
    ((id >> 8 & 0xfff) | (id >> 32 & 0xffff_f000)) as u32
}

pub(crate) const fn minor(id: u64) -> u32 {
    ((id & 0xff) | (id >> 12 & 0xffff_ff00)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_the_kernels() {
        assert_eq!(rule(DeviceKind::Char, 10, Some(232), Access::ReadWrite), "c 10:232 rw");
        assert_eq!(rule(DeviceKind::Block, 136, None, Access::All), "b 136:* rwm");
        let (kind, id) = device("/dev/null").unwrap().unwrap();
        assert_eq!((kind, major(id), minor(id)), (DeviceKind::Char, 1, 3));
        assert_eq!(device("/").unwrap(), None);
    }

    #[test]
    fn large_numbers_are_split_as_the_c_library_does() {
        let id = (0x1234_5678u64 & 0xff) | 0xabc << 8 | (0x1234_5678u64 & !0xff) << 12;
        assert_eq!((major(id), minor(id)), (0xabc, 0x1234_5678));
    }
}
