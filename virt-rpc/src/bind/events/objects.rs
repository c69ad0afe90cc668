//! Registrations for events of networks, storage pools, devices of the host and secrets.

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

fn known(event: i32, last: i32) -> Result<i32> {
    if (0..=last).contains(&event) {
        return Ok(event);
    }
    let text = format!("unsupported event ID {event}");
    Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, text))
}

/// The events of a kind of object whose registrations all have numbers.
macro_rules! object_events {
    (
        $(#[$doc:meta])*
        $module:ident($name:literal): $trait:ident, $event:ident,
        register $register:ident($object:ident: $key:ty = $known_by:ident), deregister $deregister:ident,
        last $last:literal, |$at:ident| $same:expr, |$it:ident, $callback:ident| { $($message:tt)* }
    ) => {
        $(#[$doc])*
        pub(in crate::bind) mod $module {
            use std::sync::Arc;

            use virt_driver::{$event, Nothing, ObjectEventFilter, $trait};
            use virt_proto::Procedure;
            use virt_proto::remote::*;

            use super::super::hub::Kind;
            use super::super::message::{Message, Messages};
            use super::known;
            use crate::bind::{Begun, Core, Incoming, convert::Wire, encode};
            use crate::server::Reply;

            pub(in crate::bind) struct Of;

            pub(in crate::bind) struct Wanted {
                event: i32,
                object: Option<$key>,
            }

            impl Kind for Of {
                type Event = $event;
                type Wanted = Wanted;

                const NAME: &'static str = $name;

                fn messages(event: &$event) -> Messages {
                    message(event).map(|message| (event.kind.id(), message)).into_iter().collect()
                }

                fn wants(wanted: &Wanted, $at: &$event, kind: i32) -> bool {
                    wanted.event == kind && wanted.object.as_ref().is_none_or(|object| *object == $same)
                }
            }

            fn message($it: &$event) -> Option<Message> {
                // Filled in for each registration.
                let $callback = 0;
                $($message)*
            }

            pub(in crate::bind) fn register(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
                type Args = <$register as Procedure>::Args;
                type Answer = <$register as Procedure>::Reply;
                session.connection(stringify!($module))?;
                let Args { event_id, $object } = virt_proto::xdr::decode(call.payload)?;
                let event = known(event_id, $last)?;
                let wanted = Wanted { event, object: $object.map(|object| object.$known_by) };
                let session = Arc::clone(session);
                Ok(Box::pin(async move {
                    let connection = session.connection(stringify!($module))?;
                    let group: &dyn $trait = connection.$module().unwrap_or(&Nothing);
                    let all = ObjectEventFilter { object: None, kinds: Vec::new() };
                    let subscribe = group.subscribe(all, super::super::KEPT);
                    let hub = &session.events.$module;
                    let callback_id = hub.register(&session.client, wanted, subscribe).await?;
                    encode::<$register>(&Answer { callback_id })
                }))
            }

            pub(in crate::bind) fn deregister(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
                type Args = <$deregister as Procedure>::Args;
                session.connection(stringify!($module))?;
                let Args { callback_id } = virt_proto::xdr::decode(call.payload)?;
                session.events.$module.deregister(callback_id)?;
                Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
            }
        }
    };
}

object_events! {
    /// Events of networks.
    networks("network"): Networks, NetworkEvent,
    register ConnectNetworkEventRegisterAny(net: virt_types::Uuid = uuid), deregister ConnectNetworkEventDeregisterAny,
    last 1, |at| at.network.uuid, |event, callback_id| {
        use virt_driver::NetworkEventKind as Kind;
        let net: Network = event.network.clone().to_wire();
        match &event.kind {
            Kind::Lifecycle(event) => {
                Message::new::<NetworkEventLifecycle>(&NetworkEventLifecycleMsg { callback_id, net, event: *event, detail: 0 })
            }
            Kind::MetadataChange { kind, uri } => {
                let (kind, nsuri) = (*kind, uri.clone());
                let message = NetworkEventCallbackMetadataChangeMsg { callback_id, net, kind, nsuri };
                Message::new::<NetworkEventCallbackMetadataChange>(&message)
            }
            _ => None,
        }
    }
}

object_events! {
    /// Events of storage pools.
    storage_pools("storage pool"): StoragePools, StoragePoolEvent,
    register ConnectStoragePoolEventRegisterAny(pool: virt_types::Uuid = uuid),
    deregister ConnectStoragePoolEventDeregisterAny,
    last 1, |at| at.pool.uuid, |event, callback_id| {
        use virt_driver::StoragePoolEventKind as Kind;
        let pool: StoragePool = event.pool.clone().to_wire();
        match event.kind {
            Kind::Lifecycle(event) => {
                Message::new::<StoragePoolEventLifecycle>(&StoragePoolEventLifecycleMsg { callback_id, pool, event, detail: 0 })
            }
            Kind::Refresh => Message::new::<StoragePoolEventRefresh>(&StoragePoolEventRefreshMsg { callback_id, pool }),
            _ => None,
        }
    }
}

object_events! {
    /// Events of devices of the host.
    node_devices("node device"): NodeDevices, NodeDeviceEvent,
    register ConnectNodeDeviceEventRegisterAny(dev: String = name), deregister ConnectNodeDeviceEventDeregisterAny,
    last 1, |at| at.device, |event, callback_id| {
        use virt_driver::NodeDeviceEventKind as Kind;
        let dev: NodeDevice = event.device.clone().to_wire();
        match event.kind {
            Kind::Lifecycle(event) => {
                Message::new::<NodeDeviceEventLifecycle>(&NodeDeviceEventLifecycleMsg { callback_id, dev, event, detail: 0 })
            }
            Kind::Update => Message::new::<NodeDeviceEventUpdate>(&NodeDeviceEventUpdateMsg { callback_id, dev }),
            _ => None,
        }
    }
}

object_events! {
    /// Events of secrets.
    secrets("secret"): Secrets, SecretEvent,
    register ConnectSecretEventRegisterAny(secret: virt_types::Uuid = uuid), deregister ConnectSecretEventDeregisterAny,
    last 1, |at| at.secret.uuid, |event, callback_id| {
        use virt_driver::SecretEventKind as Kind;
        let secret: Secret = event.secret.clone().to_wire();
        match event.kind {
            Kind::Lifecycle(event) => {
                Message::new::<SecretEventLifecycle>(&SecretEventLifecycleMsg { callback_id, secret, event, detail: 0 })
            }
            Kind::ValueChanged => Message::new::<SecretEventValueChanged>(&SecretEventValueChangedMsg { callback_id, secret }),
            _ => None,
        }
    }
}
