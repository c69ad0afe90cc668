//! A client, as sessions and administrators see it.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::SystemTime;

use virt_proto::packet::{Header, Kind, Status};
use virt_sys::SocketSender;

use super::limits::Limits;
use super::stream::{Key, StreamState};
use crate::identity::{Identity, TransportKind};
use crate::outgoing::{EventBody, Outgoing};

/// What is done when a message has left.
#[derive(Debug)]
pub(super) enum Token {
    /// Nothing.
    None,
    /// A ping is answered.
    Pong,
    /// A call is done.
    Call { high: bool },
    /// A call is done, and the connection with it.
    LastCall,
    /// So many bytes of events are no longer queued.
    Event(usize),
    /// The stream may send more.
    Stream(Arc<StreamState>),
}

/// A change that a client's connection has to take up.
pub(super) enum Post {
    Message(Outgoing<Token>),
    /// A message of which so many bytes have left; nothing else is on its way.
    Begun(Outgoing<Token>, usize),
    OpenStream(Arc<StreamState>),
    CloseStream(Key),
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// After what is queued has left and calls in progress have been answered.
    Drain,
    /// At once.
    Now(&'static str),
}

#[derive(Default)]
struct Outbox {
    posts: VecDeque<Post>,
    event_bytes: usize,
    waker: Option<Waker>,
    ending: Option<Ending>,
    keepalive: bool,
    gone: bool,
    streams: usize,
    /// The connection is about to look itself.
    looking: bool,
    /// The connection may have something on its way.
    busy: bool,
    /// What sends while the connection has nothing on its way.
    direct: Option<SocketSender>,
}

/// A connected client. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    id: u64,
    transport: TransportKind,
    address: String,
    read_only: AtomicBool,
    since: SystemTime,
    event_limit: usize,
    stream_limit: usize,
    identity: Mutex<Identity>,
    outbox: Mutex<Outbox>,
}

impl Client {
    pub(super) fn new(
        id: u64,
        transport: TransportKind,
        address: String,
        read_only: bool,
        identity: Identity,
        limits: &Limits,
    ) -> Self {
        Self(Arc::new(Shared {
            id,
            transport,
            address,
            read_only: AtomicBool::new(read_only),
            since: SystemTime::now(),
            event_limit: limits.event_bytes,
            stream_limit: limits.streams,
            identity: Mutex::new(identity),
            outbox: Mutex::default(),
        }))
    }

    /// The client's number, which no other client of the server ever has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// How it came.
    #[must_use]
    pub fn transport(&self) -> TransportKind {
        self.0.transport
    }

    /// Where it came from, as `ADDRESS:PORT`; for Unix sockets `127.0.0.1:0`, as libvirt says.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// When it came.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        self.0.since
    }

    /// Whether it may only look: it came over a read-only socket, or has said so itself when it opened a hypervisor.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.read_only.load(Ordering::Relaxed)
    }

    /// Takes from the client the right to change anything.
    pub fn set_read_only(&self) {
        self.0.read_only.store(true, Ordering::Relaxed);
    }

    /// What is known of it by now: names that authentication confirms come with it.
    #[must_use]
    pub fn identity(&self) -> Identity {
        lock(&self.0.identity).clone()
    }

    #[cfg(feature = "sasl")]
    pub(super) fn set_sasl_user(&self, user: String) {
        lock(&self.0.identity).sasl_user = Some(user);
    }

    /// Queues an event and answers whether the client is still there.
    ///
    /// A client that lets more than [`Limits::event_bytes`](super::Limits::event_bytes) of them pile up is disconnected.
    pub fn send_event(&self, program: u32, version: u32, procedure: i32, body: impl Into<EventBody>) -> bool {
        let body = body.into();
        let header =
            Header { program, version, procedure, kind: Kind::Message, serial: 1, status: Status::Ok };
        // The queue's own memory counts too.
        let cost = body.len() + size_of::<Post>();
        let mut outbox = self.outbox();
        if outbox.gone || matches!(outbox.ending, Some(Ending::Now(_))) {
            return false;
        }
        if outbox.event_bytes + cost > self.0.event_limit {
            outbox.end(Ending::Now("it does not read its events"));
            return false;
        }
        let message = Outgoing::event(header, body, Token::Event(cost));
        let post = match outbox.send_now(&message) {
            Some(sent) if sent == message.len() => return true,
            Some(sent) => Post::Begun(message, sent),
            None => Post::Message(message),
        };
        outbox.event_bytes += cost;
        outbox.post(post);
        true
    }

    /// Starts to look whether the client is still there, as it agreed to when it asked for the keepalive feature.
    pub fn start_keepalive(&self) {
        let mut outbox = self.outbox();
        outbox.keepalive = true;
        outbox.wake();
    }

    /// Ends the connection at once. Calls in progress run to their end without an answer.
    pub fn close(&self) {
        self.outbox().end(Ending::Now("it was asked to go"));
    }

    /// Ends the connection once calls in progress are answered; nothing more is read.
    pub fn drain(&self) {
        self.outbox().end(Ending::Drain);
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.outbox().gone
    }

    pub(super) fn post(&self, post: Post) -> bool {
        let mut outbox = self.outbox();
        if !outbox.gone {
            outbox.post(post);
        }
        !outbox.gone
    }

    /// Counts a stream that opens, unless there are too many.
    pub(super) fn open_stream(&self) -> bool {
        let mut outbox = self.outbox();
        let free = outbox.streams < self.0.stream_limit;
        outbox.streams += usize::from(free);
        free
    }

    /// Forgets a stream that was counted.
    pub(super) fn close_stream(&self, key: Key) {
        let mut outbox = self.outbox();
        outbox.streams -= 1;
        if !outbox.gone {
            outbox.post(Post::CloseStream(key));
        }
    }

    pub(super) fn end(&self, ending: Ending) {
        self.outbox().end(ending);
    }

    /// Events may leave by this while the connection [rests](Self::rest).
    pub(super) fn send_by(&self, sender: Option<SocketSender>) {
        self.outbox().direct = sender;
    }

    /// The connection's task is going to [`collect`](Self::collect): what is queued until then need not wake it, and nobody
    /// else sends.
    pub(super) fn look(&self) {
        let mut outbox = self.outbox();
        outbox.looking = true;
        outbox.busy = true;
    }

    /// The connection's task has nothing on its way.
    pub(super) fn rest(&self) {
        self.outbox().busy = false;
    }

    /// What there is to take up; the task is woken for more.
    pub(super) fn collect(&self, cx: &Context<'_>) -> Collected {
        let mut outbox = self.outbox();
        outbox.looking = false;
        if outbox.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            outbox.waker = Some(cx.waker().clone());
        }
        Collected {
            posts: std::mem::take(&mut outbox.posts),
            ending: outbox.ending,
            keepalive: outbox.keepalive,
        }
    }

    pub(super) fn event_left(&self, cost: usize) {
        self.outbox().event_bytes -= cost;
    }

    /// Takes nothing more.
    pub(super) fn gone(&self) {
        let mut outbox = self.outbox();
        outbox.gone = true;
        outbox.waker = None;
        outbox.direct = None;
        drop(std::mem::take(&mut outbox.posts));
    }

    pub(crate) fn wake(&self) {
        self.outbox().wake();
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.0.outbox)
    }
}

/// What a connection takes up.
pub(super) struct Collected {
    pub(super) posts: VecDeque<Post>,
    pub(super) ending: Option<Ending>,
    pub(super) keepalive: bool,
}

impl Outbox {
    /// Sends a message at once, if that does not put it before another; answers how much has left.
    fn send_now(&mut self, message: &Outgoing<Token>) -> Option<usize> {
        if self.busy || !self.posts.is_empty() || self.ending.is_some() {
            return None;
        }
        let sent = self.direct.as_ref()?.try_send(&message.parts().map(IoSlice::new)).ok()?;
        // Until the connection has looked.
        self.busy = sent < message.len();
        Some(sent)
    }

    fn post(&mut self, post: Post) {
        self.posts.push_back(post);
        self.wake();
    }

    fn end(&mut self, ending: Ending) {
        if !matches!(self.ending, Some(Ending::Now(_))) {
            self.ending = Some(ending);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.as_ref().filter(|_| !self.looking) {
            waker.wake_by_ref();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.0.id)
            .field("transport", &self.0.transport)
            .field("address", &self.0.address)
            .field("read_only", &self.0.read_only)
            .finish_non_exhaustive()
    }
}

/// What the locks here guard is whole between any two statements, so a panic elsewhere does no harm.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
