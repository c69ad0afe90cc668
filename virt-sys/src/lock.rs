//! Locks on files: `flock` for ownership, record locks for finding the process behind a pid file.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::error::{Error, Result};
use crate::{Pid, PidFd};

/// How often a file may be replaced while it is being locked.
const REPLACED_MAX: usize = 100;

/// A file (or directory) held under an `flock`.
///
/// The lock belongs to the open file and is shared with every duplicate of the descriptor: a process
/// that is being created by [`Spawn`](crate::Spawn) holds it along with its parent until it has made
/// its pid file. It ends when this value is dropped, at once and for all of them, or when the last
/// descriptor is closed, should this process be killed.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Locks exclusively; makes the file (mode 0600) if it is not there. `None` if another holds it.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn try_exclusive(path: impl Into<PathBuf>) -> Result<Option<Self>> {
        Self::lock(path.into(), FlockOperation::NonBlockingLockExclusive)
    }

    /// Locks for sharing; `None` if another holds it exclusively. Like [`FileLock::try_exclusive`].
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn try_shared(path: impl Into<PathBuf>) -> Result<Option<Self>> {
        Self::lock(path.into(), FlockOperation::NonBlockingLockShared)
    }

    /// Locks exclusively, waiting for others as long as it takes.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn exclusive(path: impl Into<PathBuf>) -> Result<Self> {
        Self::wait(path.into(), FlockOperation::LockExclusive)
    }

    /// Locks for sharing, waiting for an exclusive holder as long as it takes.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn shared(path: impl Into<PathBuf>) -> Result<Self> {
        Self::wait(path.into(), FlockOperation::LockShared)
    }

    /// The locked file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn wait(path: PathBuf, operation: FlockOperation) -> Result<Self> {
        match Self::lock(path.clone(), operation)? {
            Some(lock) => Ok(lock),
            None => Err(Error::file("lock", path, io::Error::from_raw_os_error(libc::EWOULDBLOCK))),
        }
    }

    /// A file may be removed, and made anew, between its opening and its locking: then the lock is on
    /// a file that nobody else will find, and is taken again.
    fn lock(path: PathBuf, operation: FlockOperation) -> Result<Option<Self>> {
        for _ in 0..REPLACED_MAX {
            match Self::lock_once(path.clone(), operation)? {
                Some(lock) if !lock.is_at_path() => {}
                result => return Ok(result),
            }
        }
        Err(Error::file("lock the ever changing", path, io::Error::from_raw_os_error(libc::ESTALE)))
    }

    fn is_at_path(&self) -> bool {
        match (rustix::fs::fstat(&self.file), rustix::fs::stat(&self.path)) {
            (Ok(locked), Ok(found)) => (locked.st_dev, locked.st_ino) == (found.st_dev, found.st_ino),
            _ => false,
        }
    }

    fn lock_once(path: PathBuf, operation: FlockOperation) -> Result<Option<Self>> {
        let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd =
            match rustix::fs::open(&path, flags | OFlags::RDWR | OFlags::CREATE, Mode::RUSR | Mode::WUSR) {
                Err(rustix::io::Errno::ISDIR) => {
                    rustix::fs::open(&path, flags | OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
                }
                other => other,
            }
            .map_err(|e| Error::file("open", &path, e))?;
        match rustix::io::retry_on_intr(|| rustix::fs::flock(&fd, operation)) {
            Ok(()) => Ok(Some(Self { file: File::from(fd), path })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(Error::file("lock", path, error)),
        }
    }
}

/// Closing alone would leave the lock to any process that is just being created elsewhere in this
/// one, for the time until its exec.
impl Drop for FileLock {
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            log::warn!("cannot unlock '{}': {error}", self.path.display());
        }
    }
}

impl AsFd for FileLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Reading of the pid files that [`Spawn::pid_file`](crate::Spawn::pid_file) makes.
#[derive(Debug)]
pub enum PidFile {}

impl PidFile {
    /// The pid of the process that holds the lock on the file; `None` if there is no file, or nobody
    /// holds it. The number written in the file is not looked at: it may be stale.
    /// A process that is being killed gives the lock up a moment after its memory.
    ///
    /// # Errors
    /// When the file cannot be opened, or its holder has no pid here (another pid namespace).
    pub fn read_locked(path: impl AsRef<Path>) -> Result<Option<Pid>> {
        let path = path.as_ref();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Error::file("open", path, error)),
        };
        let mut lock = crate::spawn::whole_file(libc::F_WRLCK);
        // SAFETY: the lock is a valid flock structure that the kernel may overwrite.
        if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETLK, &raw mut lock) } != 0 {
            return Err(Error::file("ask for the lock on", path, io::Error::last_os_error()));
        }
        if lock.l_type == libc::F_UNLCK as libc::c_short {
            return Ok(None);
        }
        match Pid::from_raw(lock.l_pid).filter(|_| lock.l_pid > 0) {
            Some(pid) => Ok(Some(pid)),
            None => Err(Error::Locked { path: path.to_path_buf(), holder: None }),
        }
    }

    /// Like [`PidFile::read_locked`], with a handle that is certain to be on the holder.
    ///
    /// # Errors
    /// Like [`PidFile::read_locked`].
    pub fn open_locked(path: impl AsRef<Path>) -> Result<Option<(Pid, PidFd)>> {
        let path = path.as_ref();
        let Some(pid) = Self::read_locked(path)? else { return Ok(None) };
        let process = match PidFd::open(pid) {
            Ok(process) => process,
            Err(error) if error.errno() == Some(libc::ESRCH) => return Ok(None),
            Err(error) => return Err(error),
        };
        // If the same pid still holds the lock, then the pid cannot have changed hands in between,
        // except to a successor that has locked the file too: which is a right answer as well.
        match Self::read_locked(path)? {
            Some(now) if now == pid => Ok(Some((pid, process))),
            Some(_) => Err(Error::Locked { path: path.to_path_buf(), holder: None }),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn exclusive_and_shared() {
        let dir = TempDir::new("lock");
        let path = dir.path().join("lock");
        let first = FileLock::try_exclusive(&path).unwrap().unwrap();
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
        assert!(FileLock::try_shared(&path).unwrap().is_none());
        drop(first);
        let reader = FileLock::try_shared(&path).unwrap().unwrap();
        let _other = FileLock::shared(&path).unwrap();
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
        assert_eq!(reader.path(), path);
    }

    #[test]
    fn directories_can_be_locked() {
        let dir = TempDir::new("lock-dir");
        let held = FileLock::exclusive(dir.path()).unwrap();
        assert!(FileLock::try_exclusive(dir.path()).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_exclusive(dir.path()).unwrap().is_some());
    }

    #[test]
    fn a_lock_on_a_removed_file_is_none() {
        let dir = TempDir::new("lock-removed");
        let path = dir.path().join("lock");
        let held = FileLock::exclusive(&path).unwrap();
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::exclusive(path)
        });
        // Whether or not it waits already: it ends up with a lock on the new file.
        std::fs::remove_file(&path).unwrap();
        drop(held);
        let lock = waiter.join().unwrap().unwrap();
        assert!(lock.is_at_path());
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
    }

    #[test]
    fn waiting_ends_with_the_holder() {
        let dir = TempDir::new("lock-wait");
        let path = dir.path().join("lock");
        let held = FileLock::exclusive(&path).unwrap();
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::exclusive(path).map(drop)
        });
        drop(held);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn a_pid_file_without_a_holder_has_no_pid() {
        let dir = TempDir::new("pidfile");
        let path = dir.path().join("x.pid");
        assert_eq!(PidFile::read_locked(&path).unwrap(), None);
        std::fs::write(&path, "1\n").unwrap();
        assert_eq!(PidFile::read_locked(&path).unwrap(), None);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(PidFile::read_locked(&link).unwrap_err().errno(), Some(libc::ELOOP));
    }
}
