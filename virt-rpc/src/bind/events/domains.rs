//! Registrations for events of domains, with numbers and in the old way.

use std::sync::Arc;

use virt_driver::{DomainEvent, DomainEventFilter, Domains, Nothing};
use virt_proto::remote::*;
use virt_types::{DomainEventId, Error, ErrorCode, ErrorDomain, Result, Uuid};

use super::domain_message;
use super::hub::Kind;
use super::message::Messages;
use crate::bind::{Begun, Core, Incoming, encode};
use crate::server::Reply;

/// The last event that there was before registrations had numbers.
const LAST_OLD: i32 = DomainEventId::DeviceRemoved.number();

pub(in crate::bind) struct OfDomains;

/// What a registration is for.
pub(in crate::bind) struct Wanted {
    event: DomainEventId,
    domain: Option<Uuid>,
    /// Its messages have no number.
    old: bool,
}

impl Kind for OfDomains {
    type Event = DomainEvent;
    type Wanted = Wanted;

    const NAME: &'static str = "domain";

    fn messages(event: &DomainEvent) -> Messages {
        let encoded = |id: &DomainEventId| Some((id.number(), domain_message::message(event, *id)?));
        event.kind.ids().iter().filter_map(encoded).collect()
    }

    fn wants(wanted: &Wanted, event: &DomainEvent, kind: i32) -> bool {
        wanted.event.number() == kind && wanted.domain.is_none_or(|uuid| uuid == event.domain.uuid)
    }

    fn is_old(wanted: &Wanted) -> bool {
        wanted.old
    }
}

fn event(number: i32, last: i32) -> Result<DomainEventId> {
    DomainEventId::from_number(number).filter(|id| id.number() <= last).ok_or_else(|| {
        let text = format!("unsupported event ID {number}");
        Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, text)
    })
}

async fn add(session: Arc<Core>, wanted: Wanted) -> Result<i32> {
    let connection = session.connection("domains")?;
    let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
    let subscribe = group.subscribe(DomainEventFilter::default(), super::KEPT);
    session.events.domains.register(&session.client, wanted, subscribe).await
}

pub(in crate::bind) fn register(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let args: ConnectDomainEventCallbackRegisterAnyArgs = virt_proto::xdr::decode(call.payload)?;
    let event = event(args.event_id, i32::MAX)?;
    let wanted = Wanted { event, domain: args.dom.map(|domain| domain.uuid), old: false };
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        let callback_id = add(session, wanted).await?;
        encode::<ConnectDomainEventCallbackRegisterAny>(&ConnectDomainEventCallbackRegisterAnyRet {
            callback_id,
        })
    }))
}

pub(in crate::bind) fn deregister(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let args: ConnectDomainEventCallbackDeregisterAnyArgs = virt_proto::xdr::decode(call.payload)?;
    session.events.domains.deregister(args.callback_id)?;
    Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
}

pub(in crate::bind) fn register_legacy(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let args: ConnectDomainEventRegisterAnyArgs = virt_proto::xdr::decode(call.payload)?;
    let wanted = Wanted { event: event(args.event_id, LAST_OLD)?, domain: None, old: true };
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        add(session, wanted).await?;
        Ok(Reply::default())
    }))
}

pub(in crate::bind) fn deregister_legacy(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let args: ConnectDomainEventDeregisterAnyArgs = virt_proto::xdr::decode(call.payload)?;
    remove_old(session, event(args.event_id, LAST_OLD)?)?;
    Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
}

fn remove_old(session: &Core, event: DomainEventId) -> Result<()> {
    let text = format!("domain event {} not registered", event.number());
    session.events.domains.remove(|registration| registration.wanted.event == event, text)
}

pub(in crate::bind) fn register_legacy_lifecycle(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        add(session, Wanted { event: DomainEventId::Lifecycle, domain: None, old: true }).await?;
        encode::<ConnectDomainEventRegister>(&ConnectDomainEventRegisterRet { cb_registered: 1 })
    }))
}

pub(in crate::bind) fn deregister_legacy_lifecycle(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    remove_old(session, DomainEventId::Lifecycle)?;
    let reply =
        encode::<ConnectDomainEventDeregister>(&ConnectDomainEventDeregisterRet { cb_registered: -1 });
    Ok(Box::pin(std::future::ready(reply)))
}
