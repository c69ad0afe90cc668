//! The host end of a guest's character device, which one caller has at a time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use virt_driver::{BoxFuture, ByteStream, fd_stream_error};
use virt_sys::{Duplex, FileLock};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::super::refusal::failed;

/// The open devices of this process, by their locks.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<PathBuf, Weak<Session>>>);

/// An open device.
#[derive(Debug)]
struct Session {
    device: Duplex,
    lock: Mutex<Option<FileLock>>,
    /// Whether somebody else has taken it.
    taken: watch::Sender<bool>,
}

/// A caller's hold on an open device; dropping it lets the next one in.
#[derive(Debug)]
pub(in crate::driver) struct Opened(Arc<Session>);

impl Sessions {
    /// Opens a device that `lock` guards; with `force` whoever of this process has it loses it. `busy` is what a caller hears
    /// who comes second.
    pub(in crate::driver) fn open(
        &self,
        lock: PathBuf,
        force: bool,
        busy: &str,
        open: impl FnOnce() -> Result<Duplex>,
    ) -> Result<Opened> {
        let take = || {
            FileLock::try_exclusive(lock.clone())
                .map_err(|error| failed("cannot lock the character device").caused_by(error))
        };
        let mut held = take()?;
        if held.is_none() && force {
            let holder = self.map().get(&lock).and_then(Weak::upgrade);
            if let Some(holder) = holder {
                holder.end();
                held = take()?;
            }
        }
        let held = held.ok_or_else(|| failed(busy).with_hint("close the other session first"))?;
        let session = Arc::new(Session {
            device: open()?,
            lock: Mutex::new(Some(held)),
            taken: watch::Sender::new(false),
        });
        let mut map = self.map();
        map.retain(|_, session| session.strong_count() > 0);
        map.insert(lock, Arc::downgrade(&session));
        Ok(Opened(session))
    }

    // A panic while it is held leaves an entry at most, which means nothing.
    fn map(&self) -> MutexGuard<'_, HashMap<PathBuf, Weak<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn end(&self) {
        self.taken.send_replace(true);
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lock) = lock {
            // The lock's file goes before the lock, so that whoever takes it next makes a new one. What is left harms nobody.
            let _ = std::fs::remove_file(lock.path());
        }
    }

    /// Does something with the device, unless it is taken away first.
    async fn while_held<T>(&self, work: impl Future<Output = std::io::Result<T>>, doing: &str) -> Result<T> {
        let mut taken = self.taken.subscribe();
        tokio::select! {
            _ = taken.wait_for(|taken| *taken) => {
                let words = "another session has taken the device";
                Err(Error::new(ErrorCode::OperationAborted, ErrorDomain::Streams, words))
            }
            done = work => done.map_err(|error| fd_stream_error(doing, error)),
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl ByteStream for Opened {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async { self.0.while_held(self.0.device.read(buffer), "cannot read from the device").await })
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async { self.0.while_held(self.0.device.write(bytes), "cannot write to the device").await })
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        // A terminal has no end that could be told.
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn duplex() -> Result<Duplex> {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        Ok(Duplex::new(ours.into()).unwrap())
    }

    #[tokio::test]
    async fn the_second_caller_is_refused_or_takes_it() {
        let lock = std::env::temp_dir().join(format!("virt-session-{}.lock", std::process::id()));
        let sessions = Sessions::default();
        let open = |force| sessions.open(lock.clone(), force, "busy", duplex);
        let first = open(false).unwrap();
        assert_eq!(open(false).unwrap_err().to_string(), "operation failed: busy");
        let second = open(true).unwrap();
        let mut buffer = [0; 4];
        let lost = first.read(&mut buffer).await.unwrap_err();
        assert_eq!(lost.code(), ErrorCode::OperationAborted);
        drop(first);
        // The one that lost it must not let a third one in.
        assert!(open(false).is_err());
        drop(second);
        assert!(open(false).is_ok());
        assert!(!lock.exists());
    }
}
