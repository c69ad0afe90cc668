//! Whose the networks of a host are: one process's at a time.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use virt_sys::{FileLock, Pid, PidFd};
use virt_types::{Error, ErrorCode, Result};

use crate::error::{refuse, system};

/// The files that this process has locked.
static OWN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The lock of the driver's directories.
#[derive(Debug)]
pub(super) struct Ownership {
    path: PathBuf,
    _lock: FileLock,
}

impl Ownership {
    /// Takes the directory, if nobody has it.
    ///
    /// A process that is killed lets go of it, but not before the children that it was just making have executed their
    /// programs or died: those are waited for.
    pub(super) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join("engine.lock");
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        if own.contains(&path) {
            return Err(taken(&path));
        }
        let failed = |error| system(format!("cannot lock '{}'", path.display()), error);
        let lock = match FileLock::try_exclusive(&path).map_err(failed)? {
            Some(lock) => lock,
            None if holder_lives(&path) => return Err(taken(&path)),
            None => FileLock::exclusive(&path).map_err(failed)?,
        };
        let mut file = lock.file();
        let written =
            file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        if let Err(error) = written {
            log::warn!("cannot write to '{}': {error}", path.display());
        }
        own.insert(path.clone());
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        OWN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// Whether the process that has written its number lives, and is another one.
fn holder_lives(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(number) = text.trim().parse::<i32>() else { return true };
    let own = u32::try_from(number).is_ok_and(|number| number == std::process::id());
    !own && Pid::from_raw(number)
        .is_some_and(|pid| PidFd::open(pid).is_ok_and(|handle| !matches!(handle.has_ended(), Ok(true))))
}

fn taken(path: &Path) -> Error {
    refuse(ErrorCode::OperationInvalid, "another process has the networks of this host")
        .with_hint(format!("the holder of '{}' serves them: connect to it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time() {
        let dir = std::env::temp_dir().join(format!("virt-network-own-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let first = Ownership::take(&dir).unwrap();
        assert_eq!(Ownership::take(&dir).unwrap_err().code(), ErrorCode::OperationInvalid);
        assert_eq!(std::fs::read_to_string(dir.join("engine.lock")).unwrap(), std::process::id().to_string());
        drop(first);
        Ownership::take(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
