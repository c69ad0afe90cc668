//! The registration for the end of a connection behind the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use virt_driver::{CloseReason, Delivery, Subscription};
use virt_proto::Procedure;
use virt_proto::remote::{ConnectEventConnectionClosed, ConnectEventConnectionClosedMsg};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::bind::{Begun, Core, Incoming};
use crate::server::{Client, Reply};

/// Whether the client is registered, and what waits for the end meanwhile.
#[derive(Default)]
pub(super) struct Registration(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    None,
    Registered(Option<AbortHandle>),
}

impl Registration {
    fn take(&self) -> Result<()> {
        let mut state = self.state();
        if matches!(*state, State::Registered(_)) {
            return Err(refusal("A close callback is already registered"));
        }
        *state = State::Registered(None);
        Ok(())
    }

    /// A driver without connections of its own has nothing to tell.
    fn watch(&self, client: &Client, events: Result<Subscription<CloseReason>>) -> Result<()> {
        let mut state = self.state();
        let State::Registered(task) = &mut *state else { return Ok(()) };
        match events {
            Ok(events) => *task = Some(tokio::spawn(forward(client.clone(), events)).abort_handle()),
            Err(error) if error.code() == ErrorCode::NoSupport => {}
            Err(error) => {
                *state = State::None;
                return Err(error);
            }
        }
        Ok(())
    }

    fn give_up(&self) -> Result<()> {
        match std::mem::take(&mut *self.state()) {
            State::None => Err(refusal("A different callback was requested")),
            State::Registered(task) => {
                if let Some(task) = task {
                    task.abort();
                }
                Ok(())
            }
        }
    }

    pub(super) fn end(&self) {
        // Nobody may be registered, which is as good.
        let _ = self.give_up();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(text: &str) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::None, text)
}

async fn forward(client: Client, mut events: Subscription<CloseReason>) {
    while let Some(delivery) = events.next().await {
        let Delivery::Event(reason) = delivery else { continue };
        let message = ConnectEventConnectionClosedMsg { reason: reason.number() };
        let row = ConnectEventConnectionClosed::ROW;
        if let Ok(payload) = virt_proto::xdr::encode(&message) {
            client.send_event(row.program.number, row.program.version, row.number, payload);
        }
    }
}

pub(in crate::bind) fn register(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("hypervisor")?;
    session.events.closing.take()?;
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        let events = match connection.hypervisor() {
            Some(hypervisor) => hypervisor.subscribe_close().await,
            None => Err(Error::no_support("virConnectRegisterCloseCallback")),
        };
        session.events.closing.watch(&session.client, events)?;
        Ok(Reply::default())
    }))
}

pub(in crate::bind) fn deregister(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    session.connection("hypervisor")?;
    session.events.closing.give_up()?;
    Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
}
