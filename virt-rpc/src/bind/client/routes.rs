//! From a peer's event messages to those who subscribed.

use std::collections::{HashMap, VecDeque};
use std::sync::Weak;

use virt_driver::{CloseReason, Delivery, Publisher, Subscription};
use virt_proto::remote::*;
use virt_proto::{Procedure, Row, qemu};

use super::{Inner, RemoteConnection};
use crate::client::Event;

/// Kinds of objects, each with its own numbers of registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
    Monitor,
}

/// Gives an event's number and payload to a subscriber; whether it is still there.
pub(super) type Route = Box<dyn FnMut(i32, &[u8]) -> bool + Send>;

/// Events whose registration is not known yet: they may overtake the reply that tells its number.
const EARLY: usize = 256;

#[derive(Default)]
pub(super) struct Routes {
    routes: HashMap<(Kind, i32), Route>,
    early: VecDeque<(Kind, i32, Event)>,
    close: Vec<Publisher<CloseReason>>,
    over: Option<CloseReason>,
}

impl Routes {
    /// Lets events of a registration go to a subscriber. Whether that still makes sense.
    pub(super) fn add(&mut self, kind: Kind, id: i32, mut route: Route) -> bool {
        let mut early = std::mem::take(&mut self.early);
        early.retain(|(of, number, event)| {
            let mine = (*of, *number) == (kind, id);
            if mine {
                route(event.procedure, &event.payload);
            }
            !mine
        });
        self.early = early;
        if self.over.is_none() {
            self.routes.insert((kind, id), route);
        }
        self.over.is_none()
    }

    /// Adds somebody to tell about the end; whether it is the first.
    pub(super) fn watch_close(&mut self, publisher: Publisher<CloseReason>) -> bool {
        if let Some(reason) = self.over {
            publisher.publish(reason);
            return false;
        }
        self.close.retain(|publisher| !publisher.is_closed());
        self.close.push(publisher);
        self.close.len() == 1
    }

    fn tell_close(&mut self, reason: CloseReason) {
        self.close.retain(|publisher| publisher.publish(reason));
    }

    /// Brings an event to its subscriber; answers the registration if nobody wants its events any more.
    fn deliver(&mut self, event: Event) -> Option<(Kind, i32)> {
        if event.procedure == ConnectEventConnectionClosed::ROW.number
            && event.program == ConnectEventConnectionClosed::ROW.program.number
        {
            let message =
                virt_proto::xdr::decode_lossy::<ConnectEventConnectionClosedMsg>(&event.payload).ok()?;
            self.tell_close(CloseReason::from_number(message.reason).unwrap_or(CloseReason::Error));
            return None;
        }
        let kind = kind(&event)?;
        let id = i32::from_be_bytes(*event.payload.first_chunk()?);
        let Some(route) = self.routes.get_mut(&(kind, id)) else {
            if self.early.len() == EARLY {
                self.early.pop_front();
            }
            self.early.push_back((kind, id, event));
            return None;
        };
        if route(event.procedure, &event.payload) {
            return None;
        }
        self.routes.remove(&(kind, id));
        Some((kind, id))
    }
}

fn kind(event: &Event) -> Option<Kind> {
    let is = |row: &Row| (event.program, event.procedure) == (row.program.number, row.number);
    if is(qemu::DomainMonitorEvent::ROW) {
        return Some(Kind::Monitor);
    }
    let name = virt_proto::row(event.program, event.procedure)?.name;
    [
        ("DomainEvent", Kind::Domain),
        ("NetworkEvent", Kind::Network),
        ("StoragePoolEvent", Kind::StoragePool),
        ("NodeDeviceEvent", Kind::NodeDevice),
        ("SecretEvent", Kind::Secret),
    ]
    .into_iter()
    .find_map(|(start, kind)| name.starts_with(start).then_some(kind))
}

/// Brings events to their subscribers until the connection is over.
pub(super) async fn run(connection: Weak<Inner>, mut events: Subscription<Event>) {
    while let Some(delivery) = events.next().await {
        let Some(inner) = connection.upgrade() else { return };
        match delivery {
            Delivery::Event(event) => {
                let unwanted = inner.routes().deliver(event);
                if let Some((kind, id)) = unwanted {
                    tokio::spawn(forget(RemoteConnection(inner), kind, id));
                }
            }
            Delivery::Lagged(lost) => log::warn!("{lost} events of '{}' were lost", inner.uri),
        }
    }
    let Some(inner) = connection.upgrade() else { return };
    let reason = inner.rpc.is_over().map_or(CloseReason::Error, |reason| {
        CloseReason::from_number(reason.number()).unwrap_or(CloseReason::Error)
    });
    let mut routes = inner.routes();
    routes.over = Some(reason);
    routes.routes.clear();
    routes.early.clear();
    routes.tell_close(reason);
}

/// Takes back a registration whose subscriber is gone.
async fn forget(connection: RemoteConnection, kind: Kind, callback_id: i32) {
    let outcome = match kind {
        Kind::Domain => {
            let args = ConnectDomainEventCallbackDeregisterAnyArgs { callback_id };
            connection.call::<ConnectDomainEventCallbackDeregisterAny>(args).await
        }
        Kind::Network => {
            let args = ConnectNetworkEventDeregisterAnyArgs { callback_id };
            connection.call::<ConnectNetworkEventDeregisterAny>(args).await
        }
        Kind::StoragePool => {
            let args = ConnectStoragePoolEventDeregisterAnyArgs { callback_id };
            connection.call::<ConnectStoragePoolEventDeregisterAny>(args).await
        }
        Kind::NodeDevice => {
            let args = ConnectNodeDeviceEventDeregisterAnyArgs { callback_id };
            connection.call::<ConnectNodeDeviceEventDeregisterAny>(args).await
        }
        Kind::Secret => {
            let args = ConnectSecretEventDeregisterAnyArgs { callback_id };
            connection.call::<ConnectSecretEventDeregisterAny>(args).await
        }
        Kind::Monitor => {
            let args = qemu::ConnectDomainMonitorEventDeregisterArgs { callback_id };
            connection.call::<qemu::ConnectDomainMonitorEventDeregister>(args).await
        }
    };
    if let Err(error) = outcome {
        log::debug!("events of '{}' go on: {error}", connection.uri());
    }
}
