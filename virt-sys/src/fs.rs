//! Files that are complete or absent, whatever happens.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// How names of unfinished files end; they begin with a dot.
const SUFFIX: &[u8] = b".virt-tmp";

/// Longest file name that Linux file systems take, in bytes.
const NAME_MAX: usize = 255;

/// Replaces a file's contents: readers see the old or the new ones, and so do they after a crash.
///
/// The bytes go to a temporary file in the same directory, which is synchronised, renamed, and the
/// directory synchronised. The file gets exactly the given permission bits.
///
/// # Errors
/// When any step fails; the temporary file is removed then.
pub fn atomic_write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_synced(path, bytes, mode)?;
    sync_dir(parent(path))
}

/// Like [`atomic_write`], but for the directory, which the caller synchronises: with [`sync_dir`], once for many files. Until
/// then the machine may come up with the old contents again.
///
/// # Errors
/// As [`atomic_write`].
pub fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    put(path, bytes, mode, true)
}

/// Like [`atomic_write`], for contents that mean nothing after the machine went down: readers see the old or the new
/// ones whichever process dies when, but nothing waits for the disk.
///
/// # Errors
/// As [`atomic_write`].
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    put(path, bytes, mode, false)
}

fn put(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = temporary_name(path, &format!("{}-w{count}", std::process::id()));
    let result = write_fresh(&temporary, bytes, mode, sync)
        .and_then(|()| std::fs::rename(&temporary, path).map_err(|e| Error::file("replace", path, e)));
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

fn write_fresh(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|e| Error::file("create", path, e))?;
    file.write_all(bytes)
        .and_then(|()| file.set_permissions(std::fs::Permissions::from_mode(mode)))
        .and_then(|()| if sync { file.sync_all() } else { Ok(()) })
        .map_err(|e| Error::file("write", path, e))
}

/// Makes a rename, creation or removal in the directory last.
///
/// # Errors
/// When the directory cannot be opened or synchronised.
pub fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| Error::file("synchronise", dir, e))
}

/// Removes a file, and makes that last. False if there was none.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(parent(path)).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::file("remove", path, error)),
    }
}

/// Makes a directory and those above it, each new one with the given permission bits.
///
/// # Errors
/// When one cannot be made, or something else is in the way.
pub fn create_dir_all(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|e| Error::file("create", path, e))
}

/// Reads a whole file of at most `max` bytes.
///
/// # Errors
/// [`Error::TooLong`] if it is longer; [`Error::File`] if it cannot be read.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Error::file("open", path, e))?;
    // One read takes it all, and another one finds the end.
    let length = file.metadata().map_or(0, |metadata| metadata.len().min(max));
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::file("read", path, e))?;
    if bytes.len() as u64 > max {
        return Err(Error::TooLong { path: path.to_path_buf(), limit: max });
    }
    Ok(bytes)
}

/// Removes what processes that no longer run have left of [`atomic_write`] and of pid files in
/// `dir`. Returns how many files that were.
///
/// # Errors
/// When the directory cannot be read or a file not be removed. A missing directory is empty.
pub fn clean_temporaries(dir: &Path) -> Result<usize> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::file("read", dir, error)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|e| Error::file("read", dir, e))?;
        let Some(pid) = maker(entry.file_name().as_bytes()) else { continue };
        if Path::new(&format!("/proc/{pid}")).exists() {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("remove", entry.path(), error)),
        }
    }
    Ok(removed)
}

/// A name beside `path` for a file that is to be renamed to it. `unique` begins with the pid.
pub(crate) fn temporary_name(path: &Path, unique: &str) -> PathBuf {
    let base = path.file_name().unwrap_or_default().as_bytes();
    let room = NAME_MAX - 2 - unique.len() - SUFFIX.len();
    let base = base.get(..room).unwrap_or(base);
    let name = [b".", base, b".", unique.as_bytes(), SUFFIX].concat();
    path.with_file_name(std::ffi::OsString::from_vec(name))
}

/// The pid in a temporary file's name, if it is one of ours.
fn maker(name: &[u8]) -> Option<u32> {
    let unique = name.strip_prefix(b".")?.strip_suffix(SUFFIX)?.rsplit(|b| *b == b'.').next()?;
    let (pid, count) = std::str::from_utf8(unique).ok()?.split_once('-')?;
    let count = count.strip_prefix('w').unwrap_or(count);
    count.parse::<u64>().ok()?;
    pid.parse().ok()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_with_the_exact_mode() {
        let dir = TempDir::new("atomic");
        let path = dir.path().join("x.xml");
        for (text, mode) in [("one", 0o600), ("two, longer", 0o666), ("", 0o640)] {
            atomic_write(&path, text.as_bytes(), mode).unwrap();
            assert_eq!(read_bounded(&path, 100).unwrap(), text.as_bytes());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
        }
        assert_eq!(names(dir.path()), ["x.xml"]);
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = TempDir::new("atomic-fail");
        let path = dir.path().join("is-a-directory");
        std::fs::create_dir(&path).unwrap();
        let error = atomic_write(&path, b"x", 0o600).unwrap_err();
        assert_eq!(error.errno(), Some(libc::EISDIR));
        assert_eq!(names(dir.path()), ["is-a-directory"]);
        let error = atomic_write(&dir.path().join("none/x"), b"x", 0o600).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOENT));
    }

    #[test]
    fn longest_names_have_temporaries() {
        let dir = TempDir::new("atomic-long");
        let path = dir.path().join("n".repeat(NAME_MAX));
        atomic_write(&path, b"x", 0o600).unwrap();
        assert_eq!(read_bounded(&path, 1).unwrap(), b"x");
    }

    #[test]
    fn bounded_reading() {
        let dir = TempDir::new("bounded");
        let path = dir.path().join("x");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        assert!(matches!(read_bounded(&path, 4), Err(Error::TooLong { limit: 4, .. })));
    }

    #[test]
    fn only_dead_makers_files_are_cleaned() {
        let dir = TempDir::new("clean");
        let child = crate::Spawn::new("/bin/true").start().unwrap();
        child.pidfd.wait_exit(None).unwrap();
        let path = dir.path().join("a.b");
        let dead = temporary_name(&path, &format!("{}-w3", child.pid));
        let dead_pid_file = temporary_name(&path, &format!("{}-0", child.pid));
        let alive = temporary_name(&path, &format!("{}-w3", std::process::id()));
        let foreign = dir.path().join(".swap.virt-tmp");
        for path in [&path, &dead, &dead_pid_file, &alive, &foreign] {
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(clean_temporaries(dir.path()).unwrap(), 2);
        assert!(!dead.exists() && !dead_pid_file.exists() && alive.exists() && foreign.exists());
        assert_eq!(clean_temporaries(&dir.path().join("none")).unwrap(), 0);
        assert!(remove(&alive).unwrap());
        assert!(!remove(&alive).unwrap());
    }
}
