//! The client's end of a stream.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use virt_driver::{BoxFuture, ByteStream, Chunk};
use virt_proto::packet::{Header, Kind, STREAM_DATA_MAX, Status, StreamHole};
use virt_types::Result;

use super::connection::decode_error;
use super::{RpcClient, Token, failure};
use crate::error::{Error, protocol};
use crate::outgoing::Outgoing;

/// Bytes of a stream that wait to be taken, after which nothing more is read from the server.
const STREAM_BYTES: usize = 16 << 20;

/// Data messages that may be on their way at a time.
const UNSENT_MAX: usize = 2;

/// What the server sends into a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes.
    Data(Vec<u8>),
    /// A hole of so many bytes.
    Hole(u64),
    /// There are no more.
    End,
}

#[derive(Debug, Default)]
struct Inner {
    key: Option<Header>,
    queue: VecDeque<Output>,
    bytes: usize,
    /// Bytes of the first message that were taken.
    taken: usize,
    /// The server's last word: it confirmed the end, or failed.
    last: Option<std::result::Result<(), virt_types::Error>>,
    unsent: usize,
    stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    finisher: Option<Waker>,
}

/// What the connection and the stream share.
#[derive(Debug)]
pub(super) struct StreamState(Mutex<Inner>);

impl StreamState {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    pub(super) fn set_key(&self, header: Header) {
        self.inner().key = Some(header);
    }

    pub(super) fn has_serial(&self, serial: u32) -> bool {
        self.inner().key.is_some_and(|key| key.serial == serial)
    }

    pub(super) fn is_of(&self, header: &Header) -> bool {
        let same = |key: Header| {
            (key.program, key.procedure, key.serial) == (header.program, header.procedure, header.serial)
        };
        self.inner().key.is_some_and(same)
    }

    /// Takes a message of the server.
    pub(super) fn push(&self, header: &Header, payload: &[u8]) {
        let mut inner = self.inner();
        if inner.last.is_some() {
            return;
        }
        match (header.kind, header.status) {
            (Kind::StreamHole, _) => match virt_proto::xdr::decode::<StreamHole>(payload) {
                Ok(hole) => inner.queue.push_back(Output::Hole(u64::try_from(hole.length).unwrap_or(0))),
                Err(error) => inner.last = Some(Err(error.into())),
            },
            (_, Status::Continue) if payload.is_empty() => inner.queue.push_back(Output::End),
            (_, Status::Continue) => {
                inner.bytes += payload.len();
                inner.queue.push_back(Output::Data(payload.to_vec()));
            }
            (_, Status::Ok) => inner.last = Some(Ok(())),
            _ => inner.last = Some(Err(decode_error(payload))),
        }
        inner.wake();
    }

    /// The connection is over.
    pub(super) fn end(&self, error: &Arc<Error>) {
        let mut inner = self.inner();
        inner.last.get_or_insert_with(|| Err(failure(error)));
        inner.wake();
    }

    /// Whether the server has to wait before it sends more. The connection is woken when that ends.
    pub(super) fn is_full(&self) -> bool {
        let mut inner = self.inner();
        inner.stalled = inner.bytes + inner.queue.len() * 64 >= STREAM_BYTES;
        inner.stalled
    }

    pub(super) fn sent(&self) {
        let mut inner = self.inner();
        inner.unsent -= 1;
        if let Some(waker) = inner.writer.take() {
            waker.wake();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take(), self.finisher.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn failed(&self) -> Option<virt_types::Error> {
        match &self.last {
            Some(Err(error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// Takes at most `max` bytes, or what else comes next; `None` if nothing is there.
    fn take(&mut self, max: usize) -> Option<Result<Output>> {
        match self.queue.front_mut() {
            Some(Output::Data(data)) => {
                let left = data.len() - self.taken;
                let output = if self.taken == 0 && left <= max {
                    Output::Data(std::mem::take(data))
                } else {
                    Output::Data(data[self.taken..self.taken + left.min(max)].to_vec())
                };
                self.bytes -= left.min(max);
                self.taken += left.min(max);
                if left <= max {
                    self.taken = 0;
                    self.queue.pop_front();
                }
                Some(Ok(output))
            }
            // The end is told as often as it is asked for.
            Some(Output::End) => Some(Ok(Output::End)),
            Some(Output::Hole(_)) => self.queue.pop_front().map(Ok),
            None => match &self.last {
                Some(Ok(())) => Some(Ok(Output::End)),
                Some(Err(error)) => Some(Err(error.clone())),
                None => None,
            },
        }
    }
}

/// A stream that a call has opened. Dropping it gives it up.
#[derive(Debug)]
pub struct Stream {
    client: RpcClient,
    state: Arc<StreamState>,
    header: Header,
    /// Nothing has to be told to the server any more.
    told: AtomicBool,
}

impl Stream {
    pub(super) fn new(client: RpcClient, state: Arc<StreamState>, header: Header) -> Self {
        Self { client, state, header, told: AtomicBool::new(false) }
    }

    /// Waits for what comes next, at most `max` bytes of it.
    ///
    /// # Errors
    /// The server's, or why the connection is over.
    pub async fn receive(&self, max: usize) -> Result<Output> {
        poll_fn(|cx| {
            let mut inner = self.state.inner();
            let Some(output) = inner.take(max.max(1)) else {
                inner.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            let resume = std::mem::take(&mut inner.stalled);
            drop(inner);
            if resume {
                self.client.state().wake();
            }
            Poll::Ready(output)
        })
        .await
    }

    /// Sends bytes, in as many messages as it takes. Waits while the server does not read.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn send(&self, data: &[u8]) -> Result<()> {
        for part in data.chunks(STREAM_DATA_MAX) {
            self.send_one(Kind::Stream, part.to_vec()).await?;
        }
        Ok(())
    }

    /// Sends a hole, in a stream that was opened as sparse.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), or for a length that is none.
    pub async fn send_hole(&self, length: u64) -> Result<()> {
        let length = i64::try_from(length).map_err(|_| protocol("hole is too long"))?;
        let payload = virt_proto::xdr::encode(&StreamHole { length, flags: 0 })?;
        self.send_one(Kind::StreamHole, payload).await
    }

    /// Says that this side is done, and waits until the server says so too.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn finish(&self) -> Result<()> {
        self.end(Status::Ok).await
    }

    /// Gives up, and waits until the server knows.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn abort(&self) -> Result<()> {
        self.end(Status::Error).await
    }

    async fn end(&self, status: Status) -> Result<()> {
        if let Some(error) = self.state.inner().failed() {
            return Err(error);
        }
        if self.told.swap(true, Ordering::Relaxed) {
            return Err(protocol("the stream is over"));
        }
        self.post(Kind::Stream, status, Vec::new(), Token::None)?;
        poll_fn(|cx| {
            let mut inner = self.state.inner();
            match &inner.last {
                Some(outcome) => Poll::Ready(outcome.clone()),
                None => {
                    inner.finisher = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    async fn send_one(&self, kind: Kind, payload: Vec<u8>) -> Result<()> {
        poll_fn(|cx| {
            let mut inner = self.state.inner();
            match &inner.last {
                Some(Err(error)) => return Poll::Ready(Err(error.clone())),
                Some(Ok(())) => return Poll::Ready(Err(protocol("the stream is over"))),
                None => {}
            }
            if inner.unsent >= UNSENT_MAX {
                inner.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            inner.unsent += 1;
            Poll::Ready(Ok(()))
        })
        .await?;
        self.post(kind, Status::Continue, payload, Token::Stream(Arc::clone(&self.state)))
    }

    fn post(&self, kind: Kind, status: Status, payload: Vec<u8>, token: Token) -> Result<()> {
        let mut state = self.client.state();
        if let Some(over) = &state.over {
            return Err(failure(over));
        }
        state.post(Outgoing::new(self.header.answer(kind, status), payload, token));
        Ok(())
    }

    /// Takes no more messages.
    fn leave(&self) {
        self.client.state().streams.retain(|stream| !Arc::ptr_eq(stream, &self.state));
    }

    /// The call that should have opened it failed.
    pub(super) fn forget(self) {
        self.told.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.told.load(Ordering::Relaxed) && self.state.inner().last.is_none() {
            let _ = self.post(Kind::Stream, Status::Error, Vec::new(), Token::None);
        }
        self.leave();
        // The connection may have stopped reading for this stream.
        self.client.state().wake();
    }
}

impl Stream {
    async fn chunk(&self, buffer: &mut [u8], sparse: bool) -> Result<Chunk> {
        Ok(match self.receive(buffer.len()).await? {
            Output::Data(data) => {
                buffer[..data.len()].copy_from_slice(&data);
                Chunk::Data(data.len())
            }
            Output::Hole(length) if sparse => Chunk::Hole(length),
            Output::Hole(_) => return Err(protocol("Unexpected stream hole")),
            Output::End => Chunk::Data(0),
        })
    }
}

/// A remote stream is a stream like any other.
impl ByteStream for Stream {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            match self.chunk(buffer, false).await? {
                Chunk::Data(length) => Ok(length),
                Chunk::Hole(_) => Err(protocol("Unexpected stream hole")),
            }
        })
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            let part = &bytes[..bytes.len().min(STREAM_DATA_MAX)];
            self.send(part).await?;
            Ok(part.len())
        })
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.end(Status::Ok))
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.end(Status::Error))
    }

    fn read_sparse<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<Chunk>> {
        Box::pin(self.chunk(buffer, true))
    }

    fn write_hole(&self, length: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.send_hole(length))
    }
}
