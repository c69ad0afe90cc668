use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde_json::value::RawValue;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::agent::AgentClient;
use crate::call::{Call, CommandId, Frame, Notice};
use crate::client::Client;
use crate::codec::Greeting;
use crate::error::{CloseReason, Error, Result, Stage};
use crate::event::Event;

/// Events that wait for a receiver; when there are more, the oldest are dropped.
const BACKLOG_MAX: usize = 65_536;

/// Most descriptors with one command (the kernel's `SCM_MAX_FD`).
const FDS_MAX: usize = 253;

/// Bytes read before others get their turn.
const TURN: usize = 1 << 20;

/// What the two protocols have in common.
pub(super) trait Protocol: Send + 'static {
    fn enqueue(&mut self, call: Call) -> CommandId;
    fn cancel(&mut self, id: CommandId);
    fn transmit(&mut self) -> Option<Frame>;
    fn feed(&mut self, bytes: &[u8]) -> Result<()>;
    fn poll(&mut self) -> Option<Notice>;
    fn greeting(&self) -> Option<&Greeting>;
}

impl Protocol for Client {
    fn enqueue(&mut self, call: Call) -> CommandId {
        self.enqueue(call)
    }
    fn cancel(&mut self, id: CommandId) {
        self.cancel(id);
    }
    fn transmit(&mut self) -> Option<Frame> {
        self.transmit()
    }
    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.feed(bytes)
    }
    fn poll(&mut self) -> Option<Notice> {
        self.poll()
    }
    fn greeting(&self) -> Option<&Greeting> {
        self.greeting()
    }
}

impl Protocol for AgentClient {
    fn enqueue(&mut self, call: Call) -> CommandId {
        self.enqueue(call)
    }
    fn cancel(&mut self, id: CommandId) {
        self.cancel(id);
    }
    fn transmit(&mut self) -> Option<Frame> {
        self.transmit()
    }
    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.feed(bytes);
        Ok(())
    }
    fn poll(&mut self) -> Option<Notice> {
        self.poll()
    }
    fn greeting(&self) -> Option<&Greeting> {
        None
    }
}

/// How far a call has come, as its caller sees it.
#[derive(Debug)]
struct Progress(AtomicU8);

impl Progress {
    fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    fn get(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            raw if raw == Stage::Sent as u8 => Stage::Sent,
            raw if raw == Stage::Connecting as u8 => Stage::Connecting,
            _ => Stage::Queued,
        }
    }
}

#[derive(Debug)]
struct Request {
    call: Call,
    fds: Vec<OwnedFd>,
    progress: Arc<Progress>,
    reply: oneshot::Sender<Result<Box<RawValue>>>,
}

#[derive(Debug)]
enum Order {
    Call(Request),
    /// A caller is gone before its answer has come.
    Withdraw,
    Close,
}

#[derive(Debug, Default, Clone)]
struct Status {
    greeting: Option<Arc<Greeting>>,
    closed: Option<CloseReason>,
}

/// The callers' side.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    status: watch::Receiver<Status>,
    greets: bool,
}

impl Handle {
    pub(super) fn start(
        stream: UnixStream,
        protocol: impl Protocol,
        events: Option<mpsc::Sender<Event>>,
    ) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        let (publish, status) = watch::channel(Status::default());
        let greets = events.is_some();
        let connection = Connection {
            stream,
            protocol,
            orders: received,
            events,
            backlog: VecDeque::new(),
            waiting: HashMap::new(),
            writing: None,
            deaf: false,
            publish,
        };
        tokio::spawn(connection.run());
        Self { orders, status, greets }
    }

    pub(super) async fn call(
        &self,
        call: Call,
        fds: Vec<OwnedFd>,
        deadline: Instant,
    ) -> Result<Box<RawValue>> {
        let started = Instant::now();
        let command = call.name().to_owned();
        if fds.len() > FDS_MAX {
            let reason = format!("{} descriptors are too many", fds.len());
            return Err(Error::Arguments { command, reason });
        }
        let progress = Arc::new(Progress(AtomicU8::new(Stage::Queued as u8)));
        let (reply, answer) = oneshot::channel();
        let request = Request { call, fds, progress: Arc::clone(&progress), reply };
        if self.orders.send(Order::Call(request)).is_err() {
            return Err(self.ended(command));
        }
        let mut withdraw = Withdraw { orders: &self.orders, armed: true };
        let result = tokio::time::timeout_at(deadline, answer).await;
        match result {
            Ok(result) => {
                withdraw.armed = false;
                result.unwrap_or_else(|_| Err(self.ended(command)))
            }
            Err(_) => {
                let greeted = !self.greets || self.status.borrow().greeting.is_some();
                let stage = if greeted { progress.get() } else { Stage::Connecting };
                Err(Error::Deadline { command, waited: started.elapsed(), stage })
            }
        }
    }

    pub(super) async fn ready(&self, deadline: Instant) -> Result<Arc<Greeting>> {
        let started = Instant::now();
        let command = "the greeting";
        let mut status = self.status.clone();
        let settled = status.wait_for(|status| status.greeting.is_some() || status.closed.is_some());
        match tokio::time::timeout_at(deadline, settled).await {
            Ok(Ok(status)) => status.greeting.clone().ok_or_else(|| Error::Closed {
                command: command.to_owned(),
                reason: status.closed.clone().unwrap_or(CloseReason::Local),
            }),
            Ok(Err(_)) => Err(self.ended(command.to_owned())),
            Err(_) => Err(Error::Deadline {
                command: command.to_owned(),
                waited: started.elapsed(),
                stage: Stage::Connecting,
            }),
        }
    }

    pub(super) async fn closed(&self) -> CloseReason {
        let mut status = self.status.clone();
        let result = status.wait_for(|status| status.closed.is_some()).await;
        result.ok().and_then(|status| status.closed.clone()).unwrap_or(CloseReason::Local)
    }

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.status.borrow().closed.clone()
    }

    pub(super) fn close(&self) {
        // It may have ended already.
        let _ = self.orders.send(Order::Close);
    }

    fn ended(&self, command: String) -> Error {
        Error::Closed { command, reason: self.close_reason().unwrap_or(CloseReason::Local) }
    }
}

/// Tells the task of a call whose future ends without its answer.
struct Withdraw<'a> {
    orders: &'a mpsc::UnboundedSender<Order>,
    armed: bool,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        if self.armed {
            let _ = self.orders.send(Order::Withdraw);
        }
    }
}

/// A command that somebody waits for.
struct Waiting {
    fds: Vec<OwnedFd>,
    progress: Arc<Progress>,
    reply: oneshot::Sender<Result<Box<RawValue>>>,
}

/// What is being written.
struct Writing {
    id: Option<CommandId>,
    bytes: Vec<u8>,
    done: usize,
    fds: Vec<OwnedFd>,
}

/// The task's side.
struct Connection<P> {
    stream: UnixStream,
    protocol: P,
    orders: mpsc::UnboundedReceiver<Order>,
    events: Option<mpsc::Sender<Event>>,
    backlog: VecDeque<Event>,
    waiting: HashMap<CommandId, Waiting>,
    writing: Option<Writing>,
    /// The peer does not read any more.
    deaf: bool,
    publish: watch::Sender<Status>,
}

impl<P: Protocol> Connection<P> {
    async fn run(mut self) {
        let reason = self.serve().await;
        log::debug!("connection ended: {reason}");
        self.publish.send_modify(|status| status.closed = Some(reason));
        // Callers still waiting find their channel closed, and the reason published.
        self.waiting.clear();
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
        // The socket is closed before the last events are handed over.
        drop(self.stream);
        if let Some(events) = self.events {
            for event in self.backlog {
                if events.send(event).await.is_err() {
                    break;
                }
            }
        }
    }

    /// Works until the connection ends, and says why.
    async fn serve(&mut self) -> CloseReason {
        loop {
            if let Err(reason) = self.write() {
                return reason;
            }
            self.hand_over();
            let interest = if self.writing.is_some() {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            let step = tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Call(request)) => { self.accept(request); Ok(()) }
                    Some(Order::Withdraw) => { self.withdraw(); Ok(()) }
                    Some(Order::Close) | None => Err(CloseReason::Local),
                },
                ready = self.stream.ready(interest) => match ready {
                    Ok(ready) if ready.is_readable() || ready.is_read_closed() => self.read(),
                    Ok(_) => Ok(()),
                    Err(error) => Err(failure(&error)),
                },
                () = room(self.events.as_ref()), if !self.backlog.is_empty() => Ok(()),
            };
            if let Err(reason) = step {
                self.hand_over();
                return reason;
            }
        }
    }

    fn accept(&mut self, request: Request) {
        let Request { call, fds, progress, reply } = request;
        let id = self.protocol.enqueue(call);
        self.waiting.insert(id, Waiting { fds, progress, reply });
    }

    fn withdraw(&mut self) {
        let protocol = &mut self.protocol;
        self.waiting.retain(|id, waiting| {
            let gone = waiting.reply.is_closed();
            if gone {
                protocol.cancel(*id);
            }
            !gone
        });
    }

    /// Writes as much as the socket takes.
    fn write(&mut self) -> Result<(), CloseReason> {
        while !self.deaf {
            if self.writing.is_none() {
                let Some(Frame { id, bytes }) = self.protocol.transmit() else { return Ok(()) };
                let waiting = id.and_then(|id| self.waiting.get_mut(&id));
                let fds = waiting.map(|waiting| std::mem::take(&mut waiting.fds)).unwrap_or_default();
                self.writing = Some(Writing { id, bytes, done: 0, fds });
            }
            let Some(writing) = &mut self.writing else { return Ok(()) };
            let rest = writing.bytes.get(writing.done..).unwrap_or_default();
            let result = if writing.fds.is_empty() {
                self.stream.try_write(rest)
            } else {
                let stream = &self.stream;
                stream.try_io(Interest::WRITABLE, || send_with_fds(stream.as_fd(), rest, &writing.fds))
            };
            match result {
                Ok(sent) => {
                    writing.fds.clear();
                    writing.done += sent;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It reads no more, but what it has said can be read, up to its end.
                Err(error) if is_gone(&error) => {
                    self.deaf = true;
                    self.writing = None;
                    return Ok(());
                }
                Err(error) => return Err(failure(&error)),
            }
            if let Some(done) = self.writing.take_if(|writing| writing.done >= writing.bytes.len())
                && let Some(waiting) = done.id.and_then(|id| self.waiting.get(&id))
            {
                waiting.progress.set(Stage::Sent);
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), CloseReason> {
        let mut buffer = [0; 16 * 1024];
        let mut turn = 0;
        while turn < TURN {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => {
                    self.notices();
                    return Err(CloseReason::EndOfFile);
                }
                Ok(len) => {
                    turn += len;
                    let fed = self.protocol.feed(buffer.get(..len).unwrap_or_default());
                    self.notices();
                    fed.map_err(|error| CloseReason::Protocol(error.to_string()))?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failure(&error)),
            }
        }
        Ok(())
    }

    fn notices(&mut self) {
        while let Some(notice) = self.protocol.poll() {
            match notice {
                Notice::Ready => {
                    let greeting = self.protocol.greeting().cloned().map(Arc::new);
                    self.publish.send_modify(|status| status.greeting = greeting);
                }
                Notice::Reply { id, result } => {
                    if let Some(waiting) = self.waiting.remove(&id) {
                        // The caller may have gone.
                        let _ = waiting.reply.send(result);
                    }
                }
                Notice::Event(event) => {
                    if self.backlog.len() >= BACKLOG_MAX
                        && let Some(lost) = self.backlog.pop_front()
                    {
                        log::warn!("an event {} is lost: nobody takes events", lost.kind.name());
                    }
                    self.backlog.push_back(event);
                }
            }
        }
        self.hand_over();
    }

    /// Gives events to their receiver as far as it has room.
    fn hand_over(&mut self) {
        let Some(events) = &self.events else {
            self.backlog.clear();
            return;
        };
        while let Some(event) = self.backlog.pop_front() {
            match events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    self.backlog.push_front(event);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.backlog.clear();
                    self.events = None;
                    return;
                }
            }
        }
    }
}

/// Waits until the receiver of events has room, or is gone.
async fn room(events: Option<&mpsc::Sender<Event>>) {
    if let Some(events) = events {
        drop(events.reserve().await);
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn failure(error: &io::Error) -> CloseReason {
    if is_gone(error) {
        return CloseReason::EndOfFile;
    }
    CloseReason::Io { errno: error.raw_os_error(), reason: error.to_string() }
}

fn send_with_fds(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[OwnedFd]) -> io::Result<usize> {
    let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}
