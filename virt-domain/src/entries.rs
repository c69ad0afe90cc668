//! Directories whose entries were changed, and are to outlive the host's power.
//!
//! The contents of a file are on the disk before a call is answered; that the directory names it follows within
//! [`DELAY`], with one write for all that was changed meanwhile. A process that is killed loses nothing by that.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// How long others are waited for that change the same directories.
const DELAY: Duration = Duration::from_millis(300);

/// The directories that are to be written.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    changed: Mutex<BTreeSet<PathBuf>>,
    some: Notify,
}

impl Entries {
    /// Has the directory written before long.
    pub(crate) fn changed(&self, dir: &Path) {
        if self.lock().insert(dir.to_owned()) {
            self.some.notify_one();
        }
    }

    /// Writes what is to be written. Blocks.
    fn write(&self) {
        let dirs = std::mem::take(&mut *self.lock());
        for dir in dirs {
            if let Err(error) = virt_sys::fs::sync_dir(&dir) {
                log::warn!("{}", virt_types::Error::from(crate::Error::from(error)).report());
            }
        }
    }

    // Each change is one insertion, or the whole.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes directories until the engine is closed, and the last ones then.
pub(crate) async fn write_entries(entries: Arc<Entries>, mut closing: watch::Receiver<bool>) {
    loop {
        let closed = tokio::select! {
            () = crate::engine::until_closed(&mut closing) => true,
            () = entries.some.notified() => tokio::select! {
                () = crate::engine::until_closed(&mut closing) => true,
                () = tokio::time::sleep(DELAY) => false,
            },
        };
        let worker = Arc::clone(&entries);
        let _ = tokio::task::spawn_blocking(move || worker.write()).await;
        if closed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_directory_is_written_once_and_none_is_forgotten_at_the_end() {
        let (close, closing) = watch::channel(false);
        let entries = Arc::new(Entries::default());
        let dir = std::env::temp_dir();
        entries.changed(&dir);
        entries.changed(&dir);
        assert_eq!(entries.lock().len(), 1);
        entries.write();
        assert!(entries.lock().is_empty());
        let task = tokio::spawn(write_entries(Arc::clone(&entries), closing));
        entries.changed(&dir.join("not there"));
        close.send_replace(true);
        task.await.unwrap();
        assert!(entries.lock().is_empty());
    }
}
