//! One client's registrations for one kind of object.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use virt_driver::{Delivery, Shared, Subscription};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::message::Messages;
use super::place::Place;
use crate::server::Client;

/// A kind of object that has events.
pub(super) trait Kind: Send + 'static {
    /// What happens.
    type Event: Send + Sync + 'static;

    /// What a registration is for.
    type Wanted: Send + 'static;

    /// What the kind is called where a registration is not found.
    const NAME: &'static str;

    /// What is sent for an event.
    fn messages(event: &Self::Event) -> Messages;

    /// Whether a registration wants the event's message of this kind.
    fn wants(wanted: &Self::Wanted, event: &Self::Event, kind: i32) -> bool;

    /// Whether a registration's messages have no number.
    fn is_old(_: &Self::Wanted) -> bool {
        false
    }
}

/// One registration.
pub(super) struct Registration<W> {
    /// Its number, by which the client knows it.
    pub(super) id: i32,
    pub(super) wanted: W,
}

/// Most clients never register: theirs are not even made.
pub(super) struct Hub<K: Kind>(OnceLock<Arc<Mutex<Inner<K>>>>);

struct Inner<K: Kind> {
    next: i32,
    registrations: Vec<Registration<K::Wanted>>,
    subscription: Option<Subscription<K::Event>>,
    /// Whom an event wakes, if not the client's connection.
    teller: Option<Waker>,
    ended: bool,
}

impl<K: Kind> Default for Hub<K> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<K: Kind> Hub<K> {
    /// Sends the client what has happened. More of it wakes the client's connection, which comes back then, or is sent by
    /// whoever tells of it.
    pub(super) fn poll(&self, client: &Client, context: &mut Context<'_>) {
        if let Some(inner) = self.0.get() {
            let _ = lock(inner).forward(client, Some(context.waker()));
        }
    }

    /// Adds a registration and answers its number. `subscribe` is asked if the client has none of this kind yet.
    pub(super) async fn register(
        &self,
        client: &Client,
        wanted: K::Wanted,
        subscribe: impl Future<Output = Result<Subscription<K::Event>>> + Send,
    ) -> Result<i32> {
        let fresh = if self.inner().subscription.is_none() { Some(subscribe.await?) } else { None };
        let mut inner = self.inner();
        if inner.ended {
            return Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, "connection not open"));
        }
        // What happened until now is for those who were here before.
        let _ = inner.forward(client, None);
        if let Some(fresh) = fresh
            && inner.subscription.is_none()
        {
            inner.subscription = Some(fresh);
            inner.teller = Place::take().map(|place| self.teller(client, place));
            client.wake();
        }
        let id = inner.next;
        inner.next += 1;
        inner.registrations.push(Registration { id, wanted });
        Ok(id)
    }

    fn teller(&self, client: &Client, place: Place) -> Waker {
        let inner = Arc::downgrade(self.arc());
        Waker::from(Arc::new(Teller::<K> { inner, client: client.clone(), _place: place }))
    }

    /// Removes the registration with this number.
    pub(super) fn deregister(&self, id: i32) -> Result<()> {
        let text = format!("{} event callback {id} not registered", K::NAME);
        self.remove(|registration| registration.id == id, text)
    }

    /// Removes the first registration that fits.
    pub(super) fn remove(
        &self,
        fits: impl Fn(&Registration<K::Wanted>) -> bool,
        otherwise: impl Into<String>,
    ) -> Result<()> {
        let mut inner = self.inner();
        let Some(at) = inner.registrations.iter().position(fits) else {
            return Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, otherwise));
        };
        inner.registrations.remove(at);
        if inner.registrations.is_empty() {
            inner.subscription = None;
            inner.teller = None;
        }
        Ok(())
    }

    /// Forgets all registrations, and takes no new ones.
    pub(super) fn end(&self) {
        let mut inner = self.inner();
        inner.ended = true;
        inner.registrations.clear();
        inner.subscription = None;
        inner.teller = None;
    }

    fn arc(&self) -> &Arc<Mutex<Inner<K>>> {
        self.0.get_or_init(|| {
            Arc::new(Mutex::new(Inner {
                next: 0,
                registrations: Vec::new(),
                subscription: None,
                teller: None,
                ended: false,
            }))
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner<K>> {
        lock(self.arc())
    }
}

fn lock<K: Kind>(inner: &Mutex<Inner<K>>) -> MutexGuard<'_, Inner<K>> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has whoever tells of an event send it to the client too, so that no other thread has to wake up for that. The locks of
/// whoever tells may be held: nothing here waits, and nothing here asks the driver anything.
struct Teller<K: Kind> {
    inner: Weak<Mutex<Inner<K>>>,
    client: Client,
    _place: Place,
}

impl<K: Kind> Wake for Teller<K> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(inner) = self.inner.upgrade() else { return };
        match inner.try_lock() {
            Ok(mut inner) => {
                let _ = inner.forward(&self.client, Some(Waker::noop()));
            }
            // Whoever has it may have looked already.
            Err(_) => self.client.wake(),
        }
    }
}

impl<K: Kind> Inner<K> {
    /// Sends what is there, and with a waker waits for more; whether more can come.
    fn forward(&mut self, client: &Client, waker: Option<&Waker>) -> Poll<()> {
        loop {
            let Some(subscription) = &mut self.subscription else { return Poll::Ready(()) };
            let delivery = match waker {
                None => match subscription.try_shared() {
                    Some(delivery) => delivery,
                    None => return Poll::Pending,
                },
                Some(waker) => {
                    let mut context = Context::from_waker(self.teller.as_ref().unwrap_or(waker));
                    match subscription.poll_shared(&mut context) {
                        Poll::Ready(Some(delivery)) => delivery,
                        Poll::Ready(None) => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            };
            match delivery {
                Delivery::Event(event) => self.send(client, &event),
                Delivery::Lagged(lost) => {
                    log::warn!("client {} missed {lost} {} events", client.id(), K::NAME);
                }
            }
        }
    }

    fn send(&self, client: &Client, event: &Shared<K::Event>) {
        let own;
        let messages: &Messages = match event.derived(K::messages) {
            Some(messages) => messages,
            None => {
                own = K::messages(event);
                &own
            }
        };
        for (kind, message) in messages {
            let wanting = self.registrations.iter().filter(|it| K::wants(&it.wanted, event, *kind));
            for registration in wanting {
                if K::is_old(&registration.wanted) {
                    message.send_old(client);
                } else {
                    message.send(client, registration.id);
                }
            }
        }
    }
}
