//! The file of a saved guest, which says that it is whole when it is.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::save_image::{Broken, SaveImage};

/// A file that is being written, and that goes if it is not finished.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
    finished: bool,
}

impl NewFile {
    /// Makes the file, and writes what stands before the state.
    pub(super) fn create(path: &Path, image: &SaveImage) -> Result<Self> {
        let head = image.to_bytes(false)?;
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(|error| failed("create file", path, error))?;
        let mut new = Self { path: path.to_owned(), file, finished: false };
        new.file.write_all(&head).map_err(|error| failed("write to", path, error))?;
        Ok(new)
    }

    /// Where the state goes.
    pub(super) fn state(&self) -> Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from).map_err(|error| failed("write to", &self.path, error))
    }

    /// Says that the file is whole, once everything else is on the disk.
    pub(super) fn finish(mut self, drops_cache: bool) -> Result<()> {
        let fail = |error| failed("write to", &self.path, error);
        self.file.sync_all().map_err(fail)?;
        self.file.write_all_at(SaveImage::magic(true), 0).map_err(fail)?;
        self.file.sync_all().map_err(fail)?;
        if drops_cache && let Err(error) = fadvise(&self.file, 0, None, Advice::DontNeed) {
            log::debug!("{} stays in the host's cache: {error}", self.path.display());
        }
        self.finished = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // What is no file of its own, such as a pipe, is not removed.
        let is_file = self.file.metadata().is_ok_and(|metadata| metadata.is_file());
        if !self.finished && is_file {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Reads what stands before the state; the descriptor is at the state's first byte.
pub(super) fn open(path: &Path) -> std::result::Result<(SaveImage, OwnedFd), Broken> {
    let mut file = File::open(path).map_err(|error| Broken::Other(failed("open file", path, error)))?;
    let image = SaveImage::read(&mut file)?;
    Ok((image, file.into()))
}

/// Puts another document into a file that is whole.
pub(crate) fn rewrite(path: &Path, image: &SaveImage) -> Result<()> {
    let file = File::options().write(true).open(path).map_err(|error| failed("open file", path, error))?;
    let fail = |error| failed("write to", path, error);
    file.write_all_at(&image.to_bytes(true)?, 0).map_err(fail)?;
    file.sync_all().map_err(fail)
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or(&reason).to_owned();
    let detail = format!("Failed to {what} '{}': {reason}", path.display());
    Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
}
