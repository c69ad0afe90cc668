//! One client's connection: everything that happens on it, in one task.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;
use virt_proto::packet::{ErrorBody, Header, Kind, Status, StreamHole};
use virt_types::Result;

use super::call::{self, Answered, Running};
use super::client::{Client, Collected, Ending, Post, Token};
use super::gate::{Gate, Passage};
use super::limits::{AHEAD_BYTES, Limits, UNAUTHENTICATED_LENGTH};
use super::service::{Answer, Call, LookUp, Priority, Reply, Session};
use super::stream::{Input, Key, StreamState};
use crate::error::protocol;
use crate::frame::{Cutter, Frame, FrameError, LENGTH_MAX};
use crate::io::Io;
use crate::keepalive::{Due, Keepalive, Settings, Signal};
use crate::outgoing::{Outgoing, Writer};

/// Bytes taken from a socket at a time.
const READ: usize = 64 << 10;

/// Answers to pings that wait to leave.
const PONGS: usize = 16;

/// Reads before other tasks get their turn.
const TURNS: usize = 16;

thread_local! {
    /// Where bytes arrive. Connections have no buffers of their own for that: idle ones would fill memory with them.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum Over {
    /// The client left, or was told so.
    Well,
    /// Its socket failed.
    Io(std::io::Error),
    /// It sent what is no message.
    Frame(FrameError),
    /// It broke a rule.
    Broke(&'static str),
    /// It did not answer keepalive.
    Silent,
}

/// A call that was read ahead.
struct Waiting {
    header: Header,
    payload: Vec<u8>,
    fds: Vec<OwnedFd>,
    priority: Priority,
}

/// A connection and all that it knows.
pub(super) struct Connection {
    client: Client,
    session: Arc<dyn Session>,
    gate: Gate,
    io: Io,
    cutter: Cutter,
    writer: Writer<Token>,
    calls: Calls,
    streams: Vec<Arc<StreamState>>,
    limits: Limits,
    keepalive: Option<Box<Alive>>,
    settings: Option<Settings>,
    pongs: usize,
    /// Nothing more is read.
    last: bool,
}

/// Calls in progress and those that wait for them.
#[derive(Default)]
struct Calls {
    low: usize,
    high: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

struct Alive {
    keepalive: Keepalive,
    sleep: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(
        client: Client,
        session: Arc<dyn Session>,
        gate: Gate,
        io: Io,
        limits: Limits,
        settings: Option<Settings>,
    ) -> Self {
        client.send_by(io.sender());
        let limit = if gate.is_open() { LENGTH_MAX } else { UNAUTHENTICATED_LENGTH };
        Self {
            client,
            session,
            gate,
            io,
            cutter: Cutter::new(limit),
            writer: Writer::new(),
            calls: Calls::default(),
            streams: Vec::new(),
            limits,
            keepalive: None,
            settings,
            pongs: 0,
            last: false,
        }
    }

    /// Runs until the connection is over.
    pub(super) async fn run(mut self) -> Over {
        let over = poll_fn(|cx| self.poll(cx)).await;
        self.client.gone();
        for stream in &self.streams {
            stream.push(Input::Gone);
        }
        self.session.closed();
        // The peer is told even if a call still holds a descriptor of the socket.
        let _ = poll_fn(|cx| self.io.poll_shutdown(cx)).await;
        over
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        let poll = self.poll_turns(cx);
        if poll.is_pending() && self.writer.is_empty() {
            self.client.rest();
        }
        poll
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        for _ in 0..TURNS {
            self.client.look();
            self.session.poll_events(cx);
            if let Some(over) = self.take_posts(cx) {
                return Poll::Ready(over);
            }
            let mut blocked = false;
            match self.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Over::Io(error)),
                Poll::Pending => blocked = true,
            }
            if let Some(over) = self.poll_keepalive(cx) {
                return Poll::Ready(over);
            }
            if self.last && self.writer.is_empty() && self.calls.none_in_progress() {
                return Poll::Ready(Over::Well);
            }
            self.start_waiting(cx);
            match self.poll_read(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Over::Well),
                Poll::Ready(Err(over)) => return Poll::Ready(over),
                Poll::Pending if blocked || self.writer.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_posts(&mut self, cx: &Context<'_>) -> Option<Over> {
        let Collected { posts, ending, keepalive } = self.client.collect(cx);
        match ending {
            Some(Ending::Now(why)) => return Some(Over::Broke(why)),
            Some(Ending::Drain) => self.last = true,
            None => {}
        }
        for post in posts {
            match post {
                Post::Message(message) => self.writer.push(message),
                Post::Begun(message, sent) => self.writer.push_begun(message, sent),
                Post::OpenStream(state) => self.streams.push(state),
                Post::CloseStream(key) => self.streams.retain(|stream| stream.key != key),
            }
        }
        if keepalive
            && self.keepalive.is_none()
            && let Some(settings) = self.settings.take()
        {
            let now = Instant::now();
            let sleep = Box::pin(tokio::time::sleep_until((now + settings.interval).into()));
            self.keepalive = Some(Box::new(Alive { keepalive: Keepalive::new(settings, now), sleep }));
        }
        None
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Self { writer, io, client, calls, pongs, last, .. } = self;
        if writer.is_empty() {
            return Poll::Ready(Ok(()));
        }
        writer.poll_flush(io, cx, |token| match token {
            Token::None => {}
            Token::Pong => *pongs -= 1,
            // An answer behind the last one was not counted any more.
            Token::Call { high: true } => calls.high = calls.high.saturating_sub(1),
            Token::Call { high: false } => calls.low = calls.low.saturating_sub(1),
            // Whatever else is in progress, this was the connection's end.
            Token::LastCall => {
                *last = true;
                calls.low = 0;
                calls.high = 0;
            }
            Token::Event(cost) => client.event_left(cost),
            Token::Stream(state) => state.sent(),
        })
    }

    fn poll_keepalive(&mut self, cx: &mut Context<'_>) -> Option<Over> {
        let alive = self.keepalive.as_mut()?;
        while alive.sleep.as_mut().poll(cx).is_ready() {
            match alive.keepalive.due(Instant::now()) {
                Due::At(at) => alive.sleep.as_mut().reset(at.into()),
                Due::Ping => {
                    self.writer.push_front(Outgoing::new(Signal::Ping.header(), Vec::new(), Token::None))
                }
                Due::Dead => return Some(Over::Silent),
            }
        }
        None
    }

    fn may_read(&self) -> bool {
        let limit = self.limits.requests;
        !self.last
            && self.pongs < PONGS
            // Answers to nonsense count as calls too; these alone get that far.
            && self.calls.low < 2 * limit
            && self.calls.waiting.len() < limit
            && self.calls.waiting_bytes < AHEAD_BYTES
            && !self.streams.iter().any(|stream| stream.is_full())
    }

    /// Reads once, if anything may be read; `false` at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<bool, Over>> {
        if !self.may_read() {
            return Poll::Pending;
        }
        if self.cutter.holds_bytes() {
            // Messages that had to wait.
            self.feed(cx, &[])?;
            if !self.may_read() {
                return Poll::Pending;
            }
        }
        let mut buffer = BUFFER.take();
        buffer.resize(READ, 0);
        let mut fds = Vec::new();
        let outcome = match self.io.poll_receive(cx, &mut buffer, &mut fds) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(Over::Io(error))),
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(false)),
            Poll::Ready(Ok(length)) => {
                if let Some(alive) = &mut self.keepalive {
                    alive.keepalive.heard(Instant::now());
                }
                self.cutter.add_fds(fds);
                Poll::Ready(self.feed(cx, &buffer[..length]).map(|()| true))
            }
        };
        BUFFER.set(buffer);
        outcome
    }

    fn feed(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> std::result::Result<(), Over> {
        let mut cutter = std::mem::replace(&mut self.cutter, Cutter::new(0));
        if self.gate.is_open() {
            cutter.set_limit(LENGTH_MAX);
        }
        let mut broke = None;
        let outcome = cutter.feed(bytes, |frame| match self.take(cx, frame) {
            Ok(()) if self.may_read() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(over) => {
                broke = Some(over);
                ControlFlow::Break(())
            }
        });
        self.cutter = cutter;
        match broke {
            Some(over) => Err(over),
            None => outcome.map_err(Over::Frame),
        }
    }

    /// Takes a message from the client.
    fn take(&mut self, cx: &mut Context<'_>, frame: Frame<'_>) -> std::result::Result<(), Over> {
        let header = frame.header;
        if let Some(signal) = Signal::of(&header) {
            if signal == Signal::Ping {
                self.pongs += 1;
                self.writer.push_front(Outgoing::new(Signal::Pong.header(), Vec::new(), Token::Pong));
            }
            return Ok(());
        }
        match header.kind {
            Kind::Call | Kind::CallWithDescriptors => self.take_call(cx, frame),
            Kind::Stream | Kind::StreamHole => return self.take_stream(&header, frame.payload),
            // Nothing that a client has to say.
            _ => {}
        }
        Ok(())
    }

    fn take_call(&mut self, cx: &mut Context<'_>, frame: Frame<'_>) {
        let header = frame.header;
        let priority = match self.session.look_up(header.program, header.version, header.procedure) {
            LookUp::NoProgram => {
                // libvirtd prints both numbers signed.
                let (program, version) = (header.program as i32, header.version as i32);
                let error = protocol(format!("Cannot find program {program} version {version}"));
                return self.refuse(&header, &ErrorBody::from(&error));
            }
            _ if header.status != Status::Ok => {
                let status = header.status.number() as u32;
                let error = protocol(format!("Unexpected message status {status}"));
                return self.refuse(&header, &ErrorBody::from(&error));
            }
            LookUp::NoProcedure if Gate::is_authentication(&header) => Priority::High,
            LookUp::NoProcedure => {
                return self.refuse(&header, &ErrorBody::unknown_procedure(header.procedure));
            }
            LookUp::Procedure(priority) => priority,
        };
        if self.calls.may_start(priority, self.limits.requests) {
            self.start(cx, &header, frame.payload, frame.fds, priority);
        } else {
            self.calls.waiting_bytes += frame.payload.len();
            let payload = frame.payload.to_vec();
            self.calls.waiting.push_back(Waiting { header, payload, fds: frame.fds, priority });
        }
    }

    fn start_waiting(&mut self, cx: &mut Context<'_>) {
        let mut at = 0;
        while let Some(waiting) = self.calls.waiting.get(at) {
            if self.last {
                return;
            }
            if !self.calls.has_room(waiting.priority, self.limits.requests) {
                at += 1;
                continue;
            }
            if let Some(waiting) = self.calls.waiting.remove(at) {
                self.calls.waiting_bytes -= waiting.payload.len();
                self.start(cx, &waiting.header, &waiting.payload, waiting.fds, waiting.priority);
            }
        }
        if self.calls.waiting.is_empty() && self.calls.waiting.capacity() > 0 {
            self.calls.waiting = VecDeque::new();
        }
    }

    fn start(
        &mut self,
        cx: &mut Context<'_>,
        header: &Header,
        payload: &[u8],
        fds: Vec<OwnedFd>,
        priority: Priority,
    ) {
        let high = priority == Priority::High;
        *self.calls.in_progress(priority) += 1;
        let call = Call {
            program: header.program,
            procedure: header.procedure,
            serial: header.serial,
            payload,
            fds,
        };
        let answer = match self.gate.pass(&self.client, &call) {
            Passage::Open => {
                let session = &self.session;
                catch_unwind(AssertUnwindSafe(|| session.call(call)))
                    .unwrap_or_else(|_| Answer::Now(Err(call::panicked())))
            }
            Passage::Answer(answer) => answer,
            Passage::Refuse(error) => return self.queue(call::refusal(header, high, &error)),
        };
        let outcome = match answer {
            Answer::Now(outcome) => outcome,
            Answer::Later(future) => {
                let mut running = Running::new(*header, high, future);
                match Pin::new(&mut running).poll(cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        let passes_fds = self.io.passes_fds();
                        tokio::spawn(call::finish(self.client.clone(), passes_fds, running));
                        return;
                    }
                }
            }
        };
        self.answer(header, high, outcome);
    }

    fn answer(&mut self, header: &Header, high: bool, outcome: Result<Reply>) {
        if outcome.as_ref().is_ok_and(|reply| reply.then_close) {
            self.last = true;
        }
        let mut answered = call::answer(&self.client, header, high, self.io.passes_fds(), outcome);
        if let Some((state, run)) = answered.stream.take() {
            self.streams.push(state);
            self.queue(answered);
            tokio::spawn(run);
            return;
        }
        self.queue(answered);
    }

    /// Answers a call that was never in progress.
    fn refuse(&mut self, header: &Header, error: &ErrorBody) {
        self.calls.low += 1;
        self.queue(call::refusal(header, false, error));
    }

    fn queue(&mut self, answered: Answered) {
        self.writer.push(answered.message);
    }

    fn take_stream(&mut self, header: &Header, payload: &[u8]) -> std::result::Result<(), Over> {
        let key = Key::of(header);
        let Some(stream) = self.streams.iter().find(|stream| stream.key == key) else {
            return Ok(());
        };
        stream.push(match (header.kind, header.status) {
            (Kind::StreamHole, _) => match virt_proto::xdr::decode::<StreamHole>(payload) {
                Ok(hole) => Input::Hole(hole.length),
                Err(_) => return Err(Over::Broke("it sent a hole that is none")),
            },
            (_, Status::Continue) => Input::Data(payload.to_vec()),
            (_, Status::Ok) => Input::Finish,
            _ => Input::Abort,
        });
        Ok(())
    }
}

impl Calls {
    fn in_progress(&mut self, priority: Priority) -> &mut usize {
        match priority {
            Priority::Low => &mut self.low,
            Priority::High => &mut self.high,
        }
    }

    fn has_room(&self, priority: Priority, limit: usize) -> bool {
        match priority {
            Priority::Low => self.low < limit,
            Priority::High => self.high < limit,
        }
    }

    /// Whether a call may start now, since there is room and none of its kind waits.
    fn may_start(&self, priority: Priority, limit: usize) -> bool {
        self.has_room(priority, limit) && self.waiting.iter().all(|waiting| waiting.priority != priority)
    }

    fn none_in_progress(&self) -> bool {
        self.low == 0 && self.high == 0
    }
}
