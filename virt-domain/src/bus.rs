//! Events to subscribers: numbered, in order, and never waiting for a slow reader.

use std::sync::{Mutex, PoisonError};

use virt_driver::{
    DomainEvent, DomainEventFilter, DomainEventKind, DomainRef, Publisher, Shared, Subscription, channel,
};

/// Where the events of all domains go, and from where each subscriber gets those that it wants.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    published: u64,
    subscribers: Vec<(DomainEventFilter, Publisher<DomainEvent>)>,
}

impl Bus {
    /// Events that match, from now on; at most `capacity` wait for a slow reader.
    pub(crate) fn subscribe(&self, filter: DomainEventFilter, capacity: usize) -> Subscription<DomainEvent> {
        let (publisher, subscription) = channel(capacity);
        self.lock().subscribers.push((filter, publisher));
        subscription
    }

    /// Numbers an event and gives it to whom it interests.
    pub(crate) fn publish(&self, domain: DomainRef, kind: DomainEventKind) {
        let mut inner = self.lock();
        inner.published += 1;
        let event = Shared::new(DomainEvent { number: inner.published, domain, kind });
        inner.subscribers.retain(|(filter, publisher)| {
            if filter.wants(&event) { publisher.publish(event.clone()) } else { !publisher.is_closed() }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_driver::Delivery;
    use virt_types::{DomainEventId, Uuid};

    fn domain(byte: u8) -> DomainRef {
        DomainRef { uuid: Uuid::from_bytes([byte; 16]), name: format!("d{byte}"), id: None }
    }

    #[test]
    fn each_gets_what_it_asked_for_in_one_numbering() {
        let bus = Bus::default();
        let mut all = bus.subscribe(DomainEventFilter::default(), 8);
        let only = DomainEventFilter { domain: Some(domain(2).uuid), kinds: vec![DomainEventId::Reboot] };
        let mut one = bus.subscribe(only, 8);
        for (byte, kind) in
            [(1, DomainEventKind::Reboot), (2, DomainEventKind::PmWakeup), (2, DomainEventKind::Reboot)]
        {
            bus.publish(domain(byte), kind);
        }
        let numbers = |subscription: &mut Subscription<DomainEvent>| {
            std::iter::from_fn(|| subscription.try_next())
                .map(|delivery| match delivery {
                    Delivery::Event(event) => event.number,
                    Delivery::Lagged(lost) => panic!("{lost} lost"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(&mut all), [1, 2, 3]);
        assert_eq!(numbers(&mut one), [3]);
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_hears_of_it() {
        let bus = Bus::default();
        let mut slow = bus.subscribe(DomainEventFilter::default(), 2);
        for _ in 0..5 {
            bus.publish(domain(1), DomainEventKind::Reboot);
        }
        assert_eq!(slow.try_next(), Some(Delivery::Lagged(3)));
        assert!(matches!(slow.try_next(), Some(Delivery::Event(event)) if event.number == 4));
    }

    #[test]
    fn readers_that_left_are_forgotten() {
        let bus = Bus::default();
        drop(bus.subscribe(DomainEventFilter::default(), 2));
        bus.publish(domain(1), DomainEventKind::Reboot);
        assert!(bus.lock().subscribers.is_empty());
    }
}
