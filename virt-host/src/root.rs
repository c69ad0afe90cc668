//! Reading the kernel's files, of this host or of a recorded one.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;

use virt_conf::common::Bitmap;

use crate::{Error, Result};

/// The most that is read of one of the kernel's files.
const LIMIT: u64 = 16 << 20;

/// Where `/sys` and `/proc` are: `/` for this host, another directory for a recorded one.
///
/// ```
/// let host = virt_host::Root::host();
/// assert!(virt_host::memory::total(&host)? > 0);
/// # Ok::<(), virt_host::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// This host.
    #[must_use]
    pub fn host() -> Self {
        Self(PathBuf::from("/"))
    }

    /// The host that was recorded below this directory.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The place of one of the host's files.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The bytes of a file; `None` where there is none.
    pub(crate) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match virt_sys::fs::read_bounded(&self.path(path), LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Error::Read { path: path.into(), source: error }),
        }
    }

    /// The text of a file without the blanks around it; `None` where there is none.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>> {
        let bytes = self.bytes(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// The text of a file that must be there.
    pub(crate) fn required(&self, path: &str) -> Result<String> {
        let absent = || Error::Missing { path: path.into() };
        self.text(path)?.ok_or_else(absent)
    }

    /// The number in a file; `None` where there is none.
    pub(crate) fn number<T: FromStr>(&self, path: &str) -> Result<Option<T>> {
        self.text(path)?
            .map(|text| text.parse().map_err(|_| Error::Parse { path: path.into(), text }))
            .transpose()
    }

    /// The number in a file that must be there.
    pub(crate) fn required_number<T: FromStr>(&self, path: &str) -> Result<T> {
        self.number(path)?.ok_or_else(|| Error::Missing { path: path.into() })
    }

    /// The set in a file, such as `0-3,8`; `None` where there is none.
    pub(crate) fn set(&self, path: &str) -> Result<Option<Bitmap>> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(Some(Bitmap::default()));
        }
        text.parse().map(Some).map_err(|_| Error::Parse { path: path.into(), text })
    }

    /// Names of a directory's entries, in order; none where there is no directory.
    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(dir)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// The numbers of entries that are named so: `cpu0`, `cpu1`.
    pub(crate) fn numbered(&self, dir: &str, prefix: &str) -> Bitmap {
        let names = self.names(dir);
        names.iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect()
    }

    /// Writes one of the kernel's settings.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let wrap = |source| Error::Write { path: path.into(), source };
        std::fs::write(self.path(path), text).map_err(wrap)
    }
}

fn is_absent(error: &virt_sys::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
