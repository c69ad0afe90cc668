//! What a server serves: calls as bytes in, bytes out.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::Context;

use virt_driver::BoxFuture;
use virt_types::Result;

use super::{Client, Stream};

/// What clients of a server reach.
pub trait Service: Send + Sync {
    /// A client has connected; it may not be authenticated yet. What it may call is in the session.
    fn open(&self, client: &Client) -> Arc<dyn Session>;
}

/// One client's calls.
pub trait Session: Send + Sync {
    /// What is known of a procedure. Numbers of events are no procedures.
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp;

    /// Begins a call. Arguments are decoded before this returns; what takes time goes into the future.
    ///
    /// It is called for procedures that [`look_up`](Self::look_up) knows, and only once the client is authenticated. The
    /// future runs to its end even when the client is gone, then to no effect on it.
    fn call(&self, call: Call<'_>) -> Answer;

    /// Sends the client the events that are there for it ([`Client::send_event`]) and has the context woken when there are
    /// more. The connection's own task asks, so an event wakes nothing else.
    fn poll_events(&self, _: &mut Context<'_>) {}

    /// The client is gone.
    fn closed(&self) {}
}

/// What a session knows of a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// No such program, or not in this version.
    NoProgram,
    /// The program has no such procedure.
    NoProcedure,
    /// It can be called.
    Procedure(Priority),
}

/// Whether a procedure may wait behind others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// It waits while as many calls of its client as are allowed are in progress.
    Low,
    /// It never waits for a hypervisor, and so begins whatever else is in progress.
    High,
}

/// A call of a client.
#[derive(Debug)]
pub struct Call<'a> {
    /// The program's number.
    pub program: u32,
    /// The procedure's number.
    pub procedure: i32,
    /// The client's number for the call.
    pub serial: u32,
    /// The arguments in XDR.
    pub payload: &'a [u8],
    /// The descriptors that came along.
    pub fds: Vec<OwnedFd>,
}

/// The answer to a call.
pub enum Answer {
    /// It is there.
    Now(Result<Reply>),
    /// It takes time.
    Later(BoxFuture<'static, Result<Reply>>),
}

/// What runs a stream after the reply that opens it.
pub type StreamRunner = Box<dyn FnOnce(Stream) -> BoxFuture<'static, ()> + Send>;

/// What goes back to the client.
#[derive(Default)]
pub struct Reply {
    /// The returned values in XDR.
    pub payload: Vec<u8>,
    /// Descriptors that go along.
    pub fds: Vec<OwnedFd>,
    /// What runs the stream that the call opens. It starts once the reply is on its way.
    pub stream: Option<StreamRunner>,
    /// Whether the connection ends with this reply.
    pub then_close: bool,
}

impl Reply {
    /// A reply of these values.
    #[must_use]
    pub fn new(payload: Vec<u8>) -> Self {
        Self { payload, ..Self::default() }
    }

    /// The same reply, which opens a stream.
    #[must_use]
    pub fn with_stream<F>(mut self, run: impl FnOnce(Stream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.stream = Some(Box::new(move |stream| Box::pin(run(stream))));
        self
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("payload", &self.payload.len())
            .field("fds", &self.fds)
            .field("stream", &self.stream.is_some())
            .field("then_close", &self.then_close)
            .finish()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(reply) => f.debug_tuple("Now").field(reply).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
