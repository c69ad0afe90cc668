//! Asynchronous connections to QEMU and to guest agents, over Unix sockets.
//!
//! A connection is one task, which owns the socket; handles send it commands. It waits for the
//! socket and for its handles, never for time, so a peer that is stuck or stopped costs nothing but
//! the calls that need it, and each of them ends at its own deadline. Dropping a call's future
//! withdraws the call. Events wait in the task for their receiver: a slow receiver does not hold
//! answers up, and may itself wait for one.

mod connection;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::agent::AgentClient;
use crate::call::{Call, read_reply};
use crate::client::{Client, Options};
use crate::codec::Greeting;
use crate::command::Command;
use crate::error::{CloseReason, Result};
use crate::event::Event;
use connection::Handle;

/// A handle on a QMP connection. Clones share the connection, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Monitor {
    handle: Handle,
}

impl Monitor {
    /// Takes over a connected socket, on which nothing has been read. Negotiation begins at once;
    /// commands may be given at once.
    ///
    /// `events` gets all events in order. It is closed when the connection ends; if its receiver is
    /// dropped, events are too.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(stream: UnixStream, events: mpsc::Sender<Event>) -> Self {
        Self::start_with(stream, events, Options::default())
    }

    /// The same with options.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start_with(stream: UnixStream, events: mpsc::Sender<Event>, options: Options) -> Self {
        Self { handle: Handle::start(stream, Client::new(options), Some(events)) }
    }

    /// Waits until QEMU has greeted and capabilities are negotiated.
    ///
    /// # Errors
    /// [`Error::Deadline`](crate::Error::Deadline), [`Error::Closed`](crate::Error::Closed).
    pub async fn ready(&self, deadline: Instant) -> Result<Arc<Greeting>> {
        self.handle.ready(deadline).await
    }

    /// Executes a command and waits for its answer.
    ///
    /// # Errors
    /// What QEMU answers, [`Error::Command`](crate::Error::Command); at the deadline,
    /// [`Error::Deadline`](crate::Error::Deadline); at the connection's end,
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn execute<C: Command>(&self, command: &C, deadline: Instant) -> Result<C::Reply> {
        let value = self.call(Call::new(command)?, deadline).await?;
        read_reply::<C>(&value)
    }

    /// The same with descriptors, which QEMU gets along with the command (`getfd`, `add-fd`). They
    /// are closed here in any case.
    ///
    /// # Errors
    /// Like [`Monitor::execute`].
    pub async fn execute_with_fds<C: Command>(
        &self,
        command: &C,
        fds: Vec<OwnedFd>,
        deadline: Instant,
    ) -> Result<C::Reply> {
        let call = Call::new(command)?.with_descriptors();
        let value = self.handle.call(call, fds, deadline).await?;
        read_reply::<C>(&value)
    }

    /// Executes a command that was made elsewhere, and gives its answer unread.
    ///
    /// # Errors
    /// Like [`Monitor::execute`].
    pub async fn call(&self, call: Call, deadline: Instant) -> Result<Box<RawValue>> {
        self.handle.call(call, Vec::new(), deadline).await
    }

    /// The same with descriptors, as in [`Monitor::execute_with_fds`].
    ///
    /// # Errors
    /// Like [`Monitor::execute`].
    pub async fn call_with_fds(
        &self,
        call: Call,
        fds: Vec<OwnedFd>,
        deadline: Instant,
    ) -> Result<Box<RawValue>> {
        let call = if fds.is_empty() { call } else { call.with_descriptors() };
        self.handle.call(call, fds, deadline).await
    }

    /// Waits for the connection's end.
    pub async fn closed(&self) -> CloseReason {
        self.handle.closed().await
    }

    /// Why the connection has ended, if it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.handle.close_reason()
    }

    /// Ends the connection; waiting calls fail.
    pub fn close(&self) {
        self.handle.close();
    }
}

/// A handle on a connection to a guest agent. Clones share the connection.
///
/// A command that succeeds without an answer (`guest-shutdown`) waits until its deadline, or the
/// connection's end: race it against the event that tells of its effect.
#[derive(Debug, Clone)]
pub struct Agent {
    handle: Handle,
}

impl Agent {
    /// Takes over a connected socket.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(stream: UnixStream) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let client = AgentClient::new(now.as_micros() as u64, crate::agent::MESSAGE_MAX);
        Self { handle: Handle::start(stream, client, None) }
    }

    /// Executes a command and waits for its answer. Commands are executed one after the other.
    ///
    /// # Errors
    /// Like [`Monitor::execute`].
    pub async fn execute<C: Command>(&self, command: &C, deadline: Instant) -> Result<C::Reply> {
        let value = self.call(Call::new(command)?, deadline).await?;
        read_reply::<C>(&value)
    }

    /// Executes a command that was made elsewhere, and gives its answer unread.
    ///
    /// # Errors
    /// Like [`Monitor::execute`].
    pub async fn call(&self, call: Call, deadline: Instant) -> Result<Box<RawValue>> {
        self.handle.call(call, Vec::new(), deadline).await
    }

    /// Waits for the connection's end.
    pub async fn closed(&self) -> CloseReason {
        self.handle.closed().await
    }

    /// Ends the connection; waiting calls fail.
    pub fn close(&self) {
        self.handle.close();
    }
}

#[cfg(test)]
mod tests;
