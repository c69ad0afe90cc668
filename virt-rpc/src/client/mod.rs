//! Calling a server.

mod authenticate;
mod connection;
mod stream;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::oneshot;
use virt_driver::{Publisher, Subscription};
use virt_proto::packet::{DESCRIPTORS_MAX, Header, Kind, PAYLOAD_MAX, Status};
use virt_types::Result;

use crate::error::{Error, protocol};
use crate::io::Io;
use crate::keepalive;
use crate::outgoing::Outgoing;

use stream::StreamState;
pub use stream::{Output, Stream};

/// A connection to a server. Clones are the same connection, which is closed when the last of them and of its streams
/// is gone.
///
/// Any number of calls may be in progress at a time; each is answered when the server has done it. A call whose future
/// is dropped is still made.
#[derive(Clone)]
pub struct RpcClient(Arc<Handle>);

/// The last handle closes the connection.
struct Handle(Arc<Shared>);

/// An event of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The program's number.
    pub program: u32,
    /// The event's number.
    pub procedure: i32,
    /// What it says, in XDR.
    pub payload: Vec<u8>,
}

/// The answer to a call.
#[derive(Debug, Default)]
pub struct Response {
    /// The returned values in XDR.
    pub payload: Vec<u8>,
    /// Descriptors that came along.
    pub fds: Vec<OwnedFd>,
}

/// Why a connection is over (`virConnectCloseReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It failed.
    Error,
    /// The server closed it.
    Ended,
    /// The server did not answer keepalive.
    Keepalive,
    /// This side closed it.
    Client,
}

impl CloseReason {
    /// The number of libvirt's API.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Error => 0,
            Self::Ended => 1,
            Self::Keepalive => 2,
            Self::Client => 3,
        }
    }

    const fn of(error: &Error) -> Self {
        match error {
            Error::Ended => Self::Ended,
            Error::Silent => Self::Keepalive,
            Error::Closed => Self::Client,
            _ => Self::Error,
        }
    }
}

/// Bytes of events that wait to be taken are bounded by their number.
const EVENTS: usize = 4096;

struct Shared {
    passes_fds: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outbox: VecDeque<Outgoing<Token>>,
    waker: Option<Waker>,
    serial: u32,
    calls: HashMap<u32, Pending>,
    streams: Vec<Arc<StreamState>>,
    keepalive: Option<keepalive::Settings>,
    closing: bool,
    over: Option<Arc<Error>>,
    watchers: Vec<Waker>,
}

struct Pending {
    program: u32,
    version: u32,
    answer: oneshot::Sender<Result<Response>>,
}

/// What is done when a message has left.
#[derive(Debug)]
enum Token {
    None,
    Stream(Arc<StreamState>),
}

/// What a call is made of.
#[derive(Debug)]
pub struct Request {
    /// The program's number.
    pub program: u32,
    /// The program's version.
    pub version: u32,
    /// The procedure's number.
    pub procedure: i32,
    /// The arguments in XDR.
    pub payload: Vec<u8>,
    /// Descriptors that go along.
    pub fds: Vec<OwnedFd>,
}

impl RpcClient {
    /// Runs the protocol over a transport that is connected. Events that nobody takes are dropped, the oldest first, and
    /// the subscription tells how many.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn new(io: Io) -> (Self, Subscription<Event>) {
        let (events, subscription) = virt_driver::channel(EVENTS);
        let shared = Arc::new(Shared { passes_fds: io.passes_fds(), state: Mutex::default() });
        spawn(Arc::clone(&shared), io, events);
        (Self(Arc::new(Handle(shared))), subscription)
    }

    /// Calls a procedure and waits for the answer.
    ///
    /// # Errors
    /// The server's, or why the connection is over.
    pub async fn call(&self, request: Request) -> Result<Response> {
        let (_, answer) = self.send(request, None)?;
        self.answer(answer).await
    }

    /// Calls a procedure that opens a stream.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with_stream(&self, request: Request) -> Result<(Response, Stream)> {
        // Bytes may come before the answer.
        let state = StreamState::new();
        let (header, answer) = self.send(request, Some(&state))?;
        let stream = Stream::new(self.clone(), state, header);
        match self.answer(answer).await {
            Ok(response) => Ok((response, stream)),
            Err(error) => {
                stream.forget();
                Err(error)
            }
        }
    }

    /// Starts to ping the server, which has said that it answers; once only.
    pub fn start_keepalive(&self, settings: keepalive::Settings) {
        let mut state = self.state();
        state.keepalive = Some(settings);
        state.wake();
    }

    /// Whether the transport passes descriptors.
    #[must_use]
    pub fn passes_fds(&self) -> bool {
        self.0.0.passes_fds
    }

    /// Closes the connection. Calls in progress fail.
    pub fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        state.wake();
    }

    /// Why the connection is over, if it is.
    #[must_use]
    pub fn is_over(&self) -> Option<CloseReason> {
        self.state().over.as_deref().map(CloseReason::of)
    }

    /// Waits until the connection is over.
    pub async fn closed(&self) -> CloseReason {
        poll_fn(|cx| {
            let mut state = self.state();
            match &state.over {
                Some(error) => Poll::Ready(CloseReason::of(error)),
                None => {
                    if state.watchers.iter().all(|waker| !waker.will_wake(cx.waker())) {
                        state.watchers.push(cx.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn send(
        &self,
        request: Request,
        stream: Option<&Arc<StreamState>>,
    ) -> Result<(Header, oneshot::Receiver<Result<Response>>)> {
        let Request { program, version, procedure, payload, fds } = request;
        if payload.len() > PAYLOAD_MAX - 4 {
            return Err(protocol("Unable to encode message payload"));
        }
        if fds.len() > DESCRIPTORS_MAX as usize {
            return Err(protocol(format!(
                "Too many FDs to send {}, expected {DESCRIPTORS_MAX} maximum",
                fds.len()
            )));
        }
        if !fds.is_empty() && !self.passes_fds() {
            return Err(protocol("Sending file descriptors is not supported on this socket"));
        }
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state();
        if let Some(over) = &state.over {
            return Err(failure(over));
        }
        let serial = state.next_serial();
        let kind = if fds.is_empty() { Kind::Call } else { Kind::CallWithDescriptors };
        let header = Header { program, version, procedure, kind, serial, status: Status::Ok };
        if let Some(stream) = stream {
            stream.set_key(header);
            state.streams.push(Arc::clone(stream));
        }
        state.calls.insert(serial, Pending { program, version, answer });
        state.post(match kind {
            Kind::Call => Outgoing::new(header, payload, Token::None),
            _ => Outgoing::with_fds(header, payload, fds, Token::None),
        });
        Ok((header, receiver))
    }

    async fn answer(&self, receiver: oneshot::Receiver<Result<Response>>) -> Result<Response> {
        match receiver.await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.state().over.as_ref().map_or_else(|| Error::Closed.into(), failure)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.state()
    }
}

fn spawn(shared: Arc<Shared>, io: Io, events: Publisher<Event>) {
    tokio::spawn(connection::run(shared, io, events));
}

/// What a call is told that the connection's end has overtaken.
fn failure(over: &Arc<Error>) -> virt_types::Error {
    over.to_call_error().caused_by(Arc::clone(over))
}

impl Shared {
    /// What the lock guards is whole between any two statements, so a panic elsewhere does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_serial(&mut self) -> u32 {
        while self.calls.contains_key(&self.serial) || self.streams.iter().any(|s| s.has_serial(self.serial))
        {
            self.serial = self.serial.wrapping_add(1);
        }
        let serial = self.serial;
        self.serial = serial.wrapping_add(1);
        serial
    }

    fn post(&mut self, message: Outgoing<Token>) {
        self.outbox.push_back(message);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Everything that waits learns that the connection is over.
    fn end(&mut self, error: Error) {
        let error = Arc::new(error);
        self.over = Some(Arc::clone(&error));
        self.calls.clear();
        self.outbox.clear();
        for stream in self.streams.drain(..) {
            stream.end(&error);
        }
        for waker in self.watchers.drain(..) {
            waker.wake();
        }
        self.waker = None;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closing = true;
        state.wake();
    }
}

impl fmt::Debug for RpcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcClient")
            .field("passes_fds", &self.passes_fds())
            .field("over", &self.is_over())
            .finish()
    }
}

#[cfg(test)]
mod tests;
