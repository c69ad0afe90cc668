//! The calls of a server, counted.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use tokio::sync::watch;
use virt_rpc::server::{Answer, Call, Client, LookUp, Service, Session};

use crate::config::ServerLimits;

/// Bounds of a pool of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least so many.
    pub least: u32,
    /// At most so many.
    pub most: u32,
    /// So many for priority calls.
    pub priority: u32,
}

/// How many clients all servers have: what keeps an idle daemon alive.
#[derive(Debug, Clone)]
pub struct Presence(Arc<watch::Sender<Clients>>);

#[derive(Debug, Default)]
struct Clients {
    now: u32,
    /// So many there were at once, since memory was last given back.
    most: u32,
}

/// So many clients leave something behind that is worth giving back.
const CROWD: u32 = 512;

impl Clients {
    const fn came(&mut self) {
        self.now += 1;
        if self.most < self.now {
            self.most = self.now;
        }
    }

    /// Answers whether nearly all of a crowd have left.
    const fn left(&mut self) -> bool {
        self.now -= 1;
        let over = self.most >= CROWD && self.now <= self.most / 16;
        if over {
            self.most = self.now;
        }
        over
    }
}

impl Default for Presence {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Clients::default())))
    }
}

impl Presence {
    fn came(&self) {
        self.0.send_modify(Clients::came);
    }

    fn left(&self) {
        let mut over = false;
        self.0.send_modify(|clients| over = clients.left());
        if over {
            // The allocator would keep what thousands of connections have needed.
            tokio::task::spawn_blocking(virt_sys::memory::trim);
        }
    }

    /// Waits until there are clients, or none.
    pub async fn wait(&self, some: bool) {
        let mut count = self.0.subscribe();
        // This value holds the sender.
        let _ = count.wait_for(|clients| (clients.now > 0) == some).await;
    }
}

/// What is known of a server's calls.
#[derive(Debug)]
pub struct Work {
    in_progress: AtomicU32,
    bounds: Mutex<Bounds>,
    presence: Presence,
}

impl Work {
    /// No calls yet, under the bounds of the configuration. Clients are counted in `presence`.
    #[must_use]
    pub fn new(limits: &ServerLimits, presence: Presence) -> Arc<Self> {
        let bounds =
            Bounds { least: limits.min_workers, most: limits.max_workers, priority: limits.prio_workers };
        Arc::new(Self { in_progress: AtomicU32::new(0), bounds: Mutex::new(bounds), presence })
    }

    /// Calls that take time and have not ended.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.in_progress.load(Ordering::Relaxed)
    }

    /// The bounds.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the bounds.
    pub fn set_bounds(&self, bounds: Bounds) {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }
}

/// A service whose calls are counted.
pub struct Counted {
    service: Arc<dyn Service>,
    work: Arc<Work>,
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted").field("work", &self.work).finish_non_exhaustive()
    }
}

impl Counted {
    /// Counts the calls of a service.
    #[must_use]
    pub fn new(service: Arc<dyn Service>, work: Arc<Work>) -> Self {
        Self { service, work }
    }
}

impl Service for Counted {
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        self.work.presence.came();
        Arc::new(CountedSession { session: self.service.open(client), work: Arc::clone(&self.work) })
    }
}

struct CountedSession {
    session: Arc<dyn Session>,
    work: Arc<Work>,
}

impl Session for CountedSession {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        self.session.look_up(program, version, procedure)
    }

    fn call(&self, call: Call<'_>) -> Answer {
        match self.session.call(call) {
            Answer::Later(answer) => {
                let one = One::begin(&self.work);
                Answer::Later(Box::pin(async move {
                    let _one = one;
                    answer.await
                }))
            }
            now @ Answer::Now(_) => now,
        }
    }

    fn poll_events(&self, context: &mut Context<'_>) {
        self.session.poll_events(context);
    }

    fn closed(&self) {
        self.session.closed();
        self.work.presence.left();
    }
}

/// A call in progress.
struct One(Arc<Work>);

impl One {
    fn begin(work: &Arc<Work>) -> Self {
        work.in_progress.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(work))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_when_a_crowd_has_left() {
        let mut clients = Clients::default();
        let mut ebb = |came: u32, left: u32| {
            (0..came).for_each(|_| clients.came());
            (0..left).filter(|_| clients.left()).count()
        };
        assert_eq!(ebb(CROWD - 1, CROWD - 1), 0, "too few");
        assert_eq!(ebb(4 * CROWD, 3 * CROWD), 0, "many are still there");
        assert_eq!(ebb(0, CROWD), 1);
        assert_eq!(ebb(10, 10), 0);
        assert_eq!(ebb(CROWD, CROWD), 1);
    }
}
