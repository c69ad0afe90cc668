//! Waiting for a process to end, without polling.

use std::io;
use std::process::ExitStatus;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::pidfd::PidFd;

/// A process, to be waited for from tasks of a tokio runtime.
#[derive(Debug)]
pub struct Process(AsyncFd<PidFd>);

impl Process {
    /// Takes over a handle on a process.
    ///
    /// # Errors
    /// Outside a runtime, or where the kernel has no more room for watched descriptors.
    pub fn new(pidfd: PidFd) -> io::Result<Self> {
        // A process only ever becomes readable, once, when it ends.
        // SAFETY: a `PidFd` owns its descriptor, always gives the same one, and closes it only when dropped.
        let registered = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) };
        registered.map(Self).map_err(Into::into)
    }

    /// The handle.
    #[must_use]
    pub fn pidfd(&self) -> &PidFd {
        self.0.get_ref()
    }

    /// Waits until the process has ended, and reaps it where it is this process's child.
    pub async fn ended(&self) {
        let _ = self.exited().await;
    }

    /// Waits likewise; how it ended, where it is this process's child and nobody has reaped it before.
    pub async fn exited(&self) -> Option<ExitStatus> {
        // Readiness fails only when the runtime shuts down, and then nobody waits any more.
        if self.0.readable().await.is_err() {
            return None;
        }
        self.pidfd().try_exit().ok().flatten()
    }
}
