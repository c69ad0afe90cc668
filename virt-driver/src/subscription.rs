//! Bounded event queues that tell a slow reader what it lost, and never hold up the sender.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Shared;

/// What a subscriber reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<T> {
    /// The next event.
    Event(T),
    /// The reader was too slow: so many events were dropped here, oldest first.
    Lagged(u64),
}

struct Queue<T> {
    events: VecDeque<Shared<T>>,
    capacity: usize,
    lost: u64,
    closed: bool,
    waker: Option<Waker>,
}

/// The sending half of [`channel`].
pub struct Publisher<T> {
    queue: Arc<Mutex<Queue<T>>>,
}

/// The reading half of [`channel`]; dropping it ends the subscription.
pub struct Subscription<T> {
    queue: Arc<Mutex<Queue<T>>>,
}

/// A queue that holds at most `capacity` events (at least one).
///
/// ```
/// use virt_driver::{Delivery, channel};
/// let (publisher, mut subscription) = channel(2);
/// for event in 1..=3 {
///     assert!(publisher.publish(event));
/// }
/// assert_eq!(subscription.try_next(), Some(Delivery::Lagged(1)));
/// assert_eq!(subscription.try_next(), Some(Delivery::Event(2)));
/// assert_eq!(subscription.try_next(), Some(Delivery::Event(3)));
/// assert_eq!(subscription.try_next(), None);
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Publisher<T>, Subscription<T>) {
    let queue = Arc::new(Mutex::new(Queue {
        events: VecDeque::new(),
        capacity: capacity.max(1),
        lost: 0,
        closed: false,
        waker: None,
    }));
    (Publisher { queue: Arc::clone(&queue) }, Subscription { queue })
}

// A panic while the lock is held cannot leave the queue half changed: every change is one push or pop.
fn lock<T>(queue: &Mutex<Queue<T>>) -> MutexGuard<'_, Queue<T>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Publisher<T> {
    /// Puts an event into the queue, in place of the oldest one if it is full. False if nobody reads any more.
    ///
    /// An event for several queues is best put into them as one [`Shared`].
    pub fn publish(&self, event: impl Into<Shared<T>>) -> bool {
        let event = event.into();
        let waker = {
            let mut queue = lock(&self.queue);
            if queue.closed {
                return false;
            }
            if queue.events.len() == queue.capacity {
                queue.events.pop_front();
                queue.lost += 1;
            }
            queue.events.push_back(event);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Whether the reader is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.queue).closed
    }
}

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        let waker = {
            let mut queue = lock(&self.queue);
            queue.closed = true;
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        lock(&self.queue).closed = true;
    }
}

impl<T> Subscription<T> {
    /// What is in the queue now, without waiting.
    pub fn try_shared(&mut self) -> Option<Delivery<Shared<T>>> {
        let mut queue = lock(&self.queue);
        if queue.lost > 0 {
            return Some(Delivery::Lagged(std::mem::take(&mut queue.lost)));
        }
        queue.events.pop_front().map(Delivery::Event)
    }

    /// The next event, or `None` once the sender is gone and the queue is empty.
    pub fn poll_shared(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery<Shared<T>>>> {
        let mut queue = lock(&self.queue);
        if queue.lost > 0 {
            return Poll::Ready(Some(Delivery::Lagged(std::mem::take(&mut queue.lost))));
        }
        if let Some(event) = queue.events.pop_front() {
            return Poll::Ready(Some(Delivery::Event(event)));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        if queue.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            queue.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl<T: Clone> Subscription<T> {
    /// [`Subscription::try_shared`] for a reader that wants the event for itself.
    pub fn try_next(&mut self) -> Option<Delivery<T>> {
        self.try_shared().map(Delivery::into_own)
    }

    /// The next event, or `None` once the sender is gone and the queue is empty. Safe to drop half way.
    pub async fn next(&mut self) -> Option<Delivery<T>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// [`Subscription::next`] for hand-written futures.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery<T>>> {
        self.poll_shared(context).map(|delivery| delivery.map(Delivery::into_own))
    }
}

impl<T: Clone> Delivery<Shared<T>> {
    fn into_own(self) -> Delivery<T> {
        match self {
            Self::Event(event) => Delivery::Event(event.into_inner()),
            Self::Lagged(lost) => Delivery::Lagged(lost),
        }
    }
}

impl<T> std::fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("queued", &lock(&self.queue).events.len()).finish()
    }
}

impl<T> std::fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("queued", &lock(&self.queue).events.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_comes_after_what_was_queued() {
        let (publisher, mut subscription) = channel(4);
        publisher.publish('a');
        drop(publisher);
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(subscription.poll_next(&mut context), Poll::Ready(Some(Delivery::Event('a'))));
        assert_eq!(subscription.poll_next(&mut context), Poll::Ready(None));
    }

    #[test]
    fn a_gone_reader_is_noticed() {
        let (publisher, subscription) = channel(1);
        assert!(publisher.publish(1) && !publisher.is_closed());
        drop(subscription);
        assert!(publisher.is_closed() && !publisher.publish(2));
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(false.into()));
        let waker = Waker::from(Arc::clone(&flag));
        let (publisher, mut subscription) = channel(1);
        assert!(subscription.poll_next(&mut Context::from_waker(&waker)).is_pending());
        publisher.publish(7);
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(subscription.try_next(), Some(Delivery::Event(7)));
    }
}
