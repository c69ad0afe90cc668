//! Registrations for events of QEMU's monitor. Each has its own filter, which the driver applies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use virt_driver::{Delivery, Domains, MonitorEvent, MonitorEventFilter, Nothing, Subscription};
use virt_proto::Procedure;
use virt_proto::qemu::*;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::bind::convert::Wire;
use crate::bind::{Begun, Core, Incoming, encode};
use crate::server::{Client, Reply};

#[derive(Default)]
pub(super) struct Registrations(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    next: i32,
    tasks: BTreeMap<i32, AbortHandle>,
    ended: bool,
}

impl Registrations {
    fn add(&self, client: &Client, events: Subscription<MonitorEvent>) -> Result<i32> {
        let mut inner = self.inner();
        if inner.ended {
            return Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, "connection not open"));
        }
        let id = inner.next;
        inner.next += 1;
        let task = tokio::spawn(forward(client.clone(), id, events)).abort_handle();
        inner.tasks.insert(id, task);
        Ok(id)
    }

    fn remove(&self, id: i32) -> Result<()> {
        match self.inner().tasks.remove(&id) {
            Some(task) => {
                task.abort();
                Ok(())
            }
            None => {
                let text = format!("qemu monitor event callback {id} not registered");
                Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, text))
            }
        }
    }

    pub(super) fn end(&self) {
        let mut inner = self.inner();
        inner.ended = true;
        for task in std::mem::take(&mut inner.tasks).into_values() {
            task.abort();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn forward(client: Client, callback_id: i32, mut events: Subscription<MonitorEvent>) {
    while let Some(delivery) = events.next().await {
        let event = match delivery {
            Delivery::Event(event) => event,
            Delivery::Lagged(lost) => {
                log::warn!("client {} missed {lost} monitor events", client.id());
                continue;
            }
        };
        let MonitorEvent { domain, event, seconds, micros, details } = event;
        let dom = domain.to_wire();
        let message = DomainMonitorEventMsg { callback_id, dom, event, seconds, micros, details };
        let row = DomainMonitorEvent::ROW;
        match virt_proto::xdr::encode(&message) {
            Ok(payload) => {
                if !client.send_event(row.program.number, row.program.version, row.number, payload) {
                    return;
                }
            }
            Err(error) => log::warn!("an event is left out: {error}"),
        }
    }
}

pub(in crate::bind) fn register(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let args: ConnectDomainMonitorEventRegisterArgs = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<ConnectDomainMonitorEventRegister>(call.payload)?;
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let ConnectDomainMonitorEventRegisterArgs { dom, event, flags } = args;
        let filter = MonitorEventFilter { domain: dom.map(|domain| domain.uuid), event, flags };
        let events = group.subscribe_monitor(filter, super::KEPT).await?;
        let callback_id = session.events.monitor.add(&session.client, events)?;
        encode::<ConnectDomainMonitorEventRegister>(&ConnectDomainMonitorEventRegisterRet { callback_id })
    }))
}

pub(in crate::bind) fn deregister(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("domains")?;
    let args: ConnectDomainMonitorEventDeregisterArgs = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<ConnectDomainMonitorEventDeregister>(call.payload)?;
    session.events.monitor.remove(args.callback_id)?;
    Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
}
