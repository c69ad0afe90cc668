//! The file that keeps a second daemon away.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// How often the file may be replaced while it is being locked.
const REPLACED_MAX: usize = 100;

/// Why the file could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PidFileError {
    /// Another daemon has it.
    #[error(
        "another daemon runs already{}: it holds '{}'",
        holder.map(|pid| format!(", as process {pid}")).unwrap_or_default(),
        path.display()
    )]
    Held {
        /// The file.
        path: PathBuf,
        /// The daemon, where it can be seen from here.
        holder: Option<virt_sys::Pid>,
    },
    /// It can not be made.
    #[error("cannot make the pid file '{}'", path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
}

/// The held file, which is removed when this is dropped.
///
/// The lock is a record lock on the whole file, as libvirtd's own pid file has one on its first byte: a libvirtd and this
/// daemon exclude each other.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    _file: File,
}

impl PidFile {
    /// Takes the file and writes this process's number into it.
    ///
    /// # Errors
    /// If another daemon holds it, or it can not be made.
    pub fn take(path: &Path) -> Result<Self, PidFileError> {
        let fail = |source| PidFileError::Make { path: path.to_owned(), source };
        for _ in 0..REPLACED_MAX {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                .open(path)
                .map_err(fail)?;
            match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                    // Asking opens the file once more, and closing that gives up nothing: this process has no lock.
                    let holder = virt_sys::PidFile::read_locked(path).ok().flatten();
                    return Err(PidFileError::Held { path: path.to_owned(), holder });
                }
                Err(error) => return Err(fail(error.into())),
            }
            // The one before may have removed the file in the meantime.
            let (locked, found) = (rustix::fs::fstat(&file), rustix::fs::stat(path));
            if locked.map(|l| (l.st_dev, l.st_ino)) != found.map(|f| (f.st_dev, f.st_ino)) {
                continue;
            }
            file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(fail)?;
            return Ok(Self { path: path.to_owned(), _file: file });
        }
        Err(PidFileError::Held { path: path.to_owned(), holder: None })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            log::warn!("cannot remove '{}': {error}", self.path.display());
        }
    }
}
