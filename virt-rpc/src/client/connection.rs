//! Everything that happens on a client's connection, in one task.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;
use virt_driver::Publisher;
use virt_proto::packet::{ErrorBody, Header, Kind, Status};
use virt_proto::xdr::decode_lossy;

use super::stream::StreamState;
use super::{Event, Response, Shared, Token};
use crate::error::{Error, protocol};
use crate::frame::{Cutter, Frame};
use crate::io::Io;
use crate::keepalive::{Due, Keepalive, Signal};
use crate::outgoing::{Outgoing, Writer};

/// Bytes taken from a socket at a time.
const READ: usize = 64 << 10;

/// Messages that answer pings and wait to leave.
const PONGS: usize = 16;

struct Connection {
    shared: Arc<Shared>,
    io: Io,
    events: Publisher<Event>,
    cutter: Cutter,
    writer: Writer<Token>,
    buffer: Vec<u8>,
    keepalive: Option<(Keepalive, Pin<Box<Sleep>>)>,
    pongs: usize,
}

/// Runs until the connection is over.
pub(super) async fn run(shared: Arc<Shared>, io: Io, events: Publisher<Event>) {
    let mut connection = Connection {
        shared,
        io,
        events,
        cutter: Cutter::for_client(),
        writer: Writer::new(),
        buffer: vec![0; READ],
        keepalive: None,
        pongs: 0,
    };
    let error = poll_fn(|cx| connection.poll(cx)).await;
    connection.shared.state().end(error);
    let _ = poll_fn(|cx| connection.io.poll_shutdown(cx)).await;
}

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let closing = self.collect(cx);
            let blocked = match self.poll_flush(cx) {
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(source)) => {
                    return Poll::Ready(Error::Io { doing: "write to the server".into(), source });
                }
                Poll::Pending => true,
            };
            if closing {
                return Poll::Ready(Error::Closed);
            }
            if self.poll_keepalive(cx) {
                return Poll::Ready(Error::Silent);
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(error),
                Poll::Pending if blocked || self.writer.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }

    /// Takes up what is to be sent; whether this side closes the connection.
    fn collect(&mut self, cx: &Context<'_>) -> bool {
        let mut state = self.shared.state();
        if state.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        for message in state.outbox.drain(..) {
            self.writer.push(message);
        }
        if let Some(settings) = state.keepalive.take() {
            let now = Instant::now();
            let sleep = Box::pin(tokio::time::sleep_until((now + settings.interval).into()));
            self.keepalive = Some((Keepalive::new(settings, now), sleep));
        }
        state.closing
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.writer.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let pongs = &mut self.pongs;
        let flushed = self.writer.poll_flush(&mut self.io, cx, |token| {
            if let Token::Stream(stream) = token {
                stream.sent();
            }
        });
        if flushed.is_ready() {
            *pongs = 0;
        }
        flushed
    }

    /// Whether the server is taken for dead.
    fn poll_keepalive(&mut self, cx: &mut Context<'_>) -> bool {
        let Some((keepalive, sleep)) = &mut self.keepalive else { return false };
        while sleep.as_mut().poll(cx).is_ready() {
            match keepalive.due(Instant::now()) {
                Due::At(at) => sleep.as_mut().reset(at.into()),
                Due::Ping => {
                    self.writer.push_front(Outgoing::new(Signal::Ping.header(), Vec::new(), Token::None))
                }
                Due::Dead => return true,
            }
        }
        false
    }

    fn may_read(&self) -> bool {
        self.pongs < PONGS && self.shared.state().streams.iter().all(|stream| !stream.is_full())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.may_read() {
            return Poll::Pending;
        }
        if self.cutter.holds_bytes() {
            self.feed(&[])?;
            if !self.may_read() {
                return Poll::Pending;
            }
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut fds = Vec::new();
        let received = self.io.poll_receive(cx, &mut buffer, &mut fds);
        let outcome = match received {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0)) => Poll::Ready(Err(Error::Ended)),
            Poll::Ready(Ok(length)) => {
                if let Some((keepalive, _)) = &mut self.keepalive {
                    keepalive.heard(Instant::now());
                }
                self.cutter.add_fds(fds);
                Poll::Ready(self.feed(&buffer[..length]))
            }
            Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                Poll::Ready(Err(Error::Ended))
            }
            Poll::Ready(Err(source)) => {
                Poll::Ready(Err(Error::Io { doing: "read from the server".into(), source }))
            }
        };
        self.buffer = buffer;
        outcome
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut cutter = std::mem::replace(&mut self.cutter, Cutter::for_client());
        let outcome = cutter.feed(bytes, |frame| {
            self.take(frame);
            if self.may_read() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.cutter = cutter;
        outcome.map_err(Error::Frame)
    }

    /// Takes a message of the server. What fits nothing is ignored, as stock clients do.
    fn take(&mut self, frame: Frame<'_>) {
        let header = frame.header;
        if let Some(signal) = Signal::of(&header) {
            if signal == Signal::Ping {
                self.pongs += 1;
                self.writer.push_front(Outgoing::new(Signal::Pong.header(), Vec::new(), Token::None));
            }
            return;
        }
        match header.kind {
            Kind::Reply | Kind::ReplyWithDescriptors => self.take_reply(&header, frame.payload, frame.fds),
            Kind::Message => {
                let Header { program, procedure, .. } = header;
                self.events.publish(Event { program, procedure, payload: frame.payload.to_vec() });
            }
            Kind::Stream | Kind::StreamHole => {
                let stream = self.stream(&header);
                if let Some(stream) = stream {
                    stream.push(&header, frame.payload);
                }
            }
            _ => {}
        }
    }

    fn take_reply(&self, header: &Header, payload: &[u8], fds: Vec<OwnedFd>) {
        let mut state = self.shared.state();
        let matches = state
            .calls
            .get(&header.serial)
            .is_some_and(|call| call.program == header.program && call.version == header.version);
        let Some(call) = matches.then(|| state.calls.remove(&header.serial)).flatten() else { return };
        drop(state);
        // Whoever called may be gone.
        let _ = call.answer.send(match header.status {
            Status::Ok => Ok(Response { payload: payload.to_vec(), fds }),
            _ => Err(decode_error(payload)),
        });
    }

    fn stream(&self, header: &Header) -> Option<Arc<StreamState>> {
        self.shared.state().streams.iter().find(|stream| stream.is_of(header)).cloned()
    }
}

/// The error that a message of the server is.
pub(super) fn decode_error(payload: &[u8]) -> virt_types::Error {
    match decode_lossy::<ErrorBody>(payload) {
        Ok(body) => body.into(),
        Err(error) => protocol("Unable to decode message payload").caused_by(error),
    }
}
