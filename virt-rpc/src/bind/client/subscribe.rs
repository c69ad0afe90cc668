//! Registering with the peer, once for each kind of event that a subscriber wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use virt_driver::{
    DomainEvent, DomainEventFilter, Domains, MonitorEvent, MonitorEventFilter, NetworkEvent,
    NetworkEventKind, Networks, NodeDeviceEvent, NodeDeviceEventKind, ObjectEventFilter, Publisher,
    SecretEvent, SecretEventKind, Secrets, StoragePoolEvent, StoragePoolEventKind, StoragePools,
    Subscription,
};
use virt_proto::remote::*;
use virt_proto::{Procedure, qemu};
use virt_types::{DomainEventId, ErrorCode, Result, Uuid};

use super::RemoteConnection;
use super::routes::{Kind, Route};
use crate::bind::convert::Wire;
use crate::bind::events::domain_message;

/// The kinds of events that networks, pools, devices and secrets have.
const OF_OBJECTS: [i32; 2] = [0, 1];

fn kinds<K>(filter: &ObjectEventFilter<K>) -> Vec<i32> {
    if filter.kinds.is_empty() { OF_OBJECTS.to_vec() } else { filter.kinds.clone() }
}

/// A route that reads messages with `read` and hands on what they say.
fn route<E: Send + Sync + 'static>(
    publisher: &Arc<Publisher<E>>,
    read: impl Fn(i32, &[u8]) -> Option<E> + Send + 'static,
) -> Route {
    let publisher = Arc::clone(publisher);
    Box::new(move |procedure, payload| match read(procedure, payload) {
        Some(event) => publisher.publish(event),
        None => !publisher.is_closed(),
    })
}

/// Reads a message of this procedure.
fn message<P: Procedure>(procedure: i32, payload: &[u8]) -> Option<P::Args> {
    if procedure != P::ROW.number {
        return None;
    }
    virt_proto::xdr::decode_lossy(payload).ok()
}

impl RemoteConnection {
    pub(in crate::bind) async fn subscribe_domains(
        &self,
        filter: DomainEventFilter,
        capacity: usize,
    ) -> Result<Subscription<DomainEvent>> {
        let dom: Option<Domain> = match filter.domain {
            Some(uuid) => Some(self.lookup_domain(uuid).await?),
            None => None,
        };
        let all = filter.kinds.is_empty();
        let mut wanted: Vec<DomainEventId> =
            if all { DomainEventId::ALL.to_vec() } else { filter.kinds.clone() };
        // Two kinds tell of the same; one of them is enough, the one that says more.
        for (less, more) in [
            (DomainEventId::IoError, DomainEventId::IoErrorReason),
            (DomainEventId::BlockJob, DomainEventId::BlockJob2),
        ] {
            if wanted.contains(&more) {
                wanted.retain(|id| *id != less);
            }
        }
        let (publisher, subscription) = virt_driver::channel(capacity);
        let publisher = Arc::new(publisher);
        // The peer's own count does not come with its events.
        let count = Arc::new(AtomicU64::new(0));
        for id in wanted {
            let args = ConnectDomainEventCallbackRegisterAnyArgs { event_id: id.number(), dom: dom.clone() };
            let callback = match self.call::<ConnectDomainEventCallbackRegisterAny>(args).await {
                Ok(reply) => reply.callback_id,
                // A peer that is older than an event cannot send it.
                Err(error)
                    if all && matches!(error.code(), ErrorCode::InternalError | ErrorCode::InvalidArg) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let count = Arc::clone(&count);
            let route = route(&publisher, move |procedure, payload| {
                let (_, domain, kind) = domain_message::read(procedure, payload)?;
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                Some(DomainEvent { number, domain, kind })
            });
            self.routes().add(Kind::Domain, callback, route);
        }
        Ok(subscription)
    }

    async fn lookup_domain(&self, uuid: Uuid) -> Result<Domain> {
        Ok(Domains::lookup_by_uuid(self, uuid).await?.to_wire())
    }

    pub(in crate::bind) async fn subscribe_networks(
        &self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Result<Subscription<NetworkEvent>> {
        let net: Option<Network> = match filter.object {
            Some(uuid) => Some(Networks::lookup_by_uuid(self, uuid).await?.to_wire()),
            None => None,
        };
        let (publisher, subscription) = virt_driver::channel(capacity);
        let publisher = Arc::new(publisher);
        for event_id in kinds(&filter) {
            let args = ConnectNetworkEventRegisterAnyArgs { event_id, net: net.clone() };
            let Some(id) = accepted(&filter, self.call::<ConnectNetworkEventRegisterAny>(args).await)? else {
                continue;
            };
            let route = route(&publisher, |procedure, payload| {
                if let Some(m) = message::<NetworkEventLifecycle>(procedure, payload) {
                    let network = Wire::from_wire(m.net).ok()?;
                    return Some(NetworkEvent { network, kind: NetworkEventKind::Lifecycle(m.event) });
                }
                let m = message::<NetworkEventCallbackMetadataChange>(procedure, payload)?;
                let kind = NetworkEventKind::MetadataChange { kind: m.kind, uri: m.nsuri };
                Some(NetworkEvent { network: Wire::from_wire(m.net).ok()?, kind })
            });
            self.routes().add(Kind::Network, id.callback_id, route);
        }
        Ok(subscription)
    }

    pub(in crate::bind) async fn subscribe_storage_pools(
        &self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Result<Subscription<StoragePoolEvent>> {
        let pool: Option<StoragePool> = match filter.object {
            Some(uuid) => Some(StoragePools::lookup_by_uuid(self, uuid).await?.to_wire()),
            None => None,
        };
        let (publisher, subscription) = virt_driver::channel(capacity);
        let publisher = Arc::new(publisher);
        for event_id in kinds(&filter) {
            let args = ConnectStoragePoolEventRegisterAnyArgs { event_id, pool: pool.clone() };
            let answer = self.call::<ConnectStoragePoolEventRegisterAny>(args).await;
            let Some(id) = accepted(&filter, answer)? else { continue };
            let route = route(&publisher, |procedure, payload| {
                if let Some(m) = message::<StoragePoolEventLifecycle>(procedure, payload) {
                    let pool = Wire::from_wire(m.pool).ok()?;
                    return Some(StoragePoolEvent { pool, kind: StoragePoolEventKind::Lifecycle(m.event) });
                }
                let m = message::<StoragePoolEventRefresh>(procedure, payload)?;
                Some(StoragePoolEvent {
                    pool: Wire::from_wire(m.pool).ok()?,
                    kind: StoragePoolEventKind::Refresh,
                })
            });
            self.routes().add(Kind::StoragePool, id.callback_id, route);
        }
        Ok(subscription)
    }

    pub(in crate::bind) async fn subscribe_node_devices(
        &self,
        filter: ObjectEventFilter<String>,
        capacity: usize,
    ) -> Result<Subscription<NodeDeviceEvent>> {
        let dev = filter.object.clone().map(|name| NodeDevice { name });
        let (publisher, subscription) = virt_driver::channel(capacity);
        let publisher = Arc::new(publisher);
        for event_id in kinds(&filter) {
            let args = ConnectNodeDeviceEventRegisterAnyArgs { event_id, dev: dev.clone() };
            let answer = self.call::<ConnectNodeDeviceEventRegisterAny>(args).await;
            let Some(id) = accepted(&filter, answer)? else { continue };
            let route = route(&publisher, |procedure, payload| {
                if let Some(m) = message::<NodeDeviceEventLifecycle>(procedure, payload) {
                    let kind = NodeDeviceEventKind::Lifecycle(m.event);
                    return Some(NodeDeviceEvent { device: m.dev.name, kind });
                }
                let m = message::<NodeDeviceEventUpdate>(procedure, payload)?;
                Some(NodeDeviceEvent { device: m.dev.name, kind: NodeDeviceEventKind::Update })
            });
            self.routes().add(Kind::NodeDevice, id.callback_id, route);
        }
        Ok(subscription)
    }

    pub(in crate::bind) async fn subscribe_secrets(
        &self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Result<Subscription<SecretEvent>> {
        let secret: Option<Secret> = match filter.object {
            Some(uuid) => Some(Secrets::lookup_by_uuid(self, uuid).await?.to_wire()),
            None => None,
        };
        let (publisher, subscription) = virt_driver::channel(capacity);
        let publisher = Arc::new(publisher);
        for event_id in kinds(&filter) {
            let args = ConnectSecretEventRegisterAnyArgs { event_id, secret: secret.clone() };
            let Some(id) = accepted(&filter, self.call::<ConnectSecretEventRegisterAny>(args).await)? else {
                continue;
            };
            let route = route(&publisher, |procedure, payload| {
                if let Some(m) = message::<SecretEventLifecycle>(procedure, payload) {
                    let secret = Wire::from_wire(m.secret).ok()?;
                    return Some(SecretEvent { secret, kind: SecretEventKind::Lifecycle(m.event) });
                }
                let m = message::<SecretEventValueChanged>(procedure, payload)?;
                Some(SecretEvent {
                    secret: Wire::from_wire(m.secret).ok()?,
                    kind: SecretEventKind::ValueChanged,
                })
            });
            self.routes().add(Kind::Secret, id.callback_id, route);
        }
        Ok(subscription)
    }

    pub(in crate::bind) async fn subscribe_monitors(
        &self,
        filter: MonitorEventFilter,
        capacity: usize,
    ) -> Result<Subscription<MonitorEvent>> {
        let dom = match filter.domain {
            Some(uuid) => Some(self.lookup_domain(uuid).await?),
            None => None,
        };
        let args =
            qemu::ConnectDomainMonitorEventRegisterArgs { dom, event: filter.event, flags: filter.flags };
        let id = self.call::<qemu::ConnectDomainMonitorEventRegister>(args).await?.callback_id;
        let (publisher, subscription) = virt_driver::channel(capacity);
        let route = route(&Arc::new(publisher), |procedure, payload| {
            let m = message::<qemu::DomainMonitorEvent>(procedure, payload)?;
            let domain = Wire::from_wire(m.dom).ok()?;
            let qemu::DomainMonitorEventMsg { event, seconds, micros, details, .. } = m;
            Some(MonitorEvent { domain, event, seconds, micros, details })
        });
        self.routes().add(Kind::Monitor, id, route);
        Ok(subscription)
    }
}

/// The answer to a registration. Who wants all kinds of events does without those that the peer does not know.
fn accepted<K, R>(filter: &ObjectEventFilter<K>, answer: Result<R>) -> Result<Option<R>> {
    match answer {
        Ok(reply) => Ok(Some(reply)),
        Err(error)
            if filter.kinds.is_empty()
                && matches!(error.code(), ErrorCode::InternalError | ErrorCode::InvalidArg) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
