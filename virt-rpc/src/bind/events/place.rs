//! How many clients are sent events by whoever tells of them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many registrations of the process. Whoever tells of an event has other things to do than to send it to thousands.
const PLACES: usize = 256;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// One of the places.
#[derive(Debug)]
pub(super) struct Place(&'static AtomicUsize);

impl Place {
    /// A place, if one is free.
    pub(super) fn take() -> Option<Self> {
        Self::of(&TAKEN, PLACES)
    }

    fn of(taken: &'static AtomicUsize, places: usize) -> Option<Self> {
        let one_more = |taken| (taken < places).then_some(taken + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Self(taken))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_given_up() {
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        let take = || Place::of(&TAKEN, 2);
        let (one, two) = (take(), take());
        assert!(one.is_some() && two.is_some() && take().is_none());
        drop(one);
        assert!(take().is_some());
    }
}
