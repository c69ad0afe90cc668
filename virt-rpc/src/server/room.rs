//! How many clients there may be, and waiting for a place among them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::client::lock;
use super::limits::Limits;

/// The places for clients of a server.
#[derive(Debug)]
pub(super) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    limits: Limits,
    clients: usize,
    unauthenticated: usize,
    next_id: u64,
    closed: bool,
}

impl State {
    const fn has_place(&self) -> bool {
        self.clients < self.limits.clients
            && (self.limits.unauthenticated == 0 || self.unauthenticated < self.limits.unauthenticated)
    }
}

/// A client's place; dropping it leaves it to the next.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Inner>,
    id: u64,
    authenticated: AtomicBool,
}

impl Room {
    pub(super) fn new(limits: Limits) -> Self {
        let state = State { limits, clients: 0, unauthenticated: 0, next_id: 1, closed: false };
        Self(Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }))
    }

    pub(super) fn limits(&self) -> Limits {
        lock(&self.0.state).limits
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        lock(&self.0.state).limits = limits;
        self.0.changed.notify_waiters();
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        let state = lock(&self.0.state);
        (state.clients, state.unauthenticated)
    }

    /// Gives out no more places.
    pub(super) fn close(&self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_waiters();
    }

    /// Waits until there is a place to give; `false` once the room is closed.
    pub(super) async fn has_place(&self) -> bool {
        self.wait(|state| if state.closed { Some(false) } else { state.has_place().then_some(true) }).await
    }

    /// Waits until the room is closed.
    pub(super) async fn closed(&self) {
        self.wait(|state| state.closed.then_some(())).await;
    }

    /// Waits until nobody is there.
    pub(super) async fn empty(&self) {
        self.wait(|state| (state.clients == 0).then_some(())).await;
    }

    /// A place for a client that has come, as one that is not authenticated.
    pub(super) fn take(&self) -> Arc<Place> {
        let mut state = lock(&self.0.state);
        state.clients += 1;
        state.unauthenticated += 1;
        let id = state.next_id;
        state.next_id += 1;
        Arc::new(Place { room: Arc::clone(&self.0), id, authenticated: AtomicBool::new(false) })
    }

    async fn wait<T>(&self, until: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            if let Some(value) = until(&lock(&self.0.state)) {
                return value;
            }
            changed.await;
        }
    }
}

impl Place {
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// The client has shown who it is.
    pub(super) fn authenticate(&self) {
        if !self.authenticated.swap(true, Ordering::Relaxed) {
            lock(&self.room.state).unauthenticated -= 1;
            self.room.changed.notify_waiters();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = lock(&self.room.state);
        state.clients -= 1;
        if !self.authenticated.load(Ordering::Relaxed) {
            state.unauthenticated -= 1;
        }
        drop(state);
        self.room.changed.notify_waiters();
    }
}
