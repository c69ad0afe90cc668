//! Events to subscribers, in order, and never waiting for a slow reader.

use crate::{Publisher, Shared, Subscription, channel};

/// Where the events of one kind of object go: each subscriber's filter, and its queue.
#[derive(Debug)]
pub struct Bus<F, E> {
    subscribers: Vec<(F, Publisher<E>)>,
}

impl<F, E> Default for Bus<F, E> {
    fn default() -> Self {
        Self { subscribers: Vec::new() }
    }
}

impl<F, E: Clone> Bus<F, E> {
    /// Events that match, from now on; at most `capacity` wait for a slow reader.
    pub fn subscribe(&mut self, filter: F, capacity: usize) -> Subscription<E> {
        let (publisher, subscription) = channel(capacity);
        self.subscribers.push((filter, publisher));
        subscription
    }

    /// Gives an event to those whose filter wants it, and forgets those that are gone.
    pub fn publish(&mut self, event: &E, wants: impl Fn(&F) -> bool) {
        let shared = Shared::new(event.clone());
        self.subscribers.retain(|(filter, publisher)| {
            if wants(filter) { publisher.publish(shared.clone()) } else { !publisher.is_closed() }
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::Delivery;

    use super::*;

    #[test]
    fn each_gets_what_it_wants_and_those_that_left_are_forgotten() {
        let mut bus = Bus::<u8, u8>::default();
        let mut one = bus.subscribe(1, 4);
        drop(bus.subscribe(2, 4));
        for event in [1, 2, 1] {
            bus.publish(&event, |wanted| *wanted == event);
        }
        assert_eq!(one.try_next(), Some(Delivery::Event(1)));
        assert_eq!(one.try_next(), Some(Delivery::Event(1)));
        assert_eq!(one.try_next(), None);
        assert_eq!(bus.subscribers.len(), 1);
    }
}
