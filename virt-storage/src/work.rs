//! Work that waits for disks, file servers and programs: on threads of its own, a bounded number of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use virt_types::Result;

use crate::error::internal;

/// How many pieces of work may wait for disks at the same time.
const AT_ONCE: usize = 16;

/// The threads.
#[derive(Debug)]
pub(crate) struct Workers(Arc<Semaphore>);

impl Default for Workers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Workers {
    /// Does the work as soon as there is room. Once it has begun it is finished, whether or not somebody waits for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let room = Arc::clone(&self.0).acquire_owned().await.map_err(|_| over())?;
        let work = move || {
            let done = work();
            drop(room);
            done
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| internal(format!("storage work ended early: {error}")))?
    }
}

/// Who has the turn on a pool changes it; the others wait in the order in which they came.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

/// The turn on a pool. It goes with the work, so that one who no longer waits for the work lets nobody in too early.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turns {
    pub(crate) async fn take(&self) -> Result<Turn> {
        Arc::clone(&self.0).acquire_owned().await.map(Turn).map_err(|_| over())
    }
}

/// Nobody closes the semaphores.
fn over() -> virt_types::Error {
    internal("the storage driver is closed")
}
