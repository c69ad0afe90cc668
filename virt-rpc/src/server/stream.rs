//! The server's end of a stream.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use virt_proto::packet::{ErrorBody, Header, Kind, STREAM_DATA_MAX, Status, StreamHole};
use virt_types::Error;

use super::client::{Client, Post, Token, lock};
use super::limits::STREAM_BYTES;
use crate::outgoing::Outgoing;

/// What names a stream of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) program: u32,
    pub(super) version: u32,
    pub(super) procedure: i32,
    pub(super) serial: u32,
}

impl Key {
    pub(super) const fn of(header: &Header) -> Self {
        Self {
            program: header.program,
            version: header.version,
            procedure: header.procedure,
            serial: header.serial,
        }
    }

    const fn header(self, kind: Kind, status: Status) -> Header {
        let Self { program, version, procedure, serial } = self;
        Header { program, version, procedure, kind, serial, status }
    }
}

/// What a client sends into a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Bytes. None at all are the end of them, which the client may say before it finishes.
    Data(Vec<u8>),
    /// A hole of so many bytes.
    Hole(i64),
    /// The client is done and waits for [`Stream::finish`] or [`Stream::fail`].
    Finish,
    /// The client has given up and waits for [`Stream::finish`].
    Abort,
    /// The client is gone.
    Gone,
}

#[derive(Debug, Default)]
struct Inner {
    input: VecDeque<Input>,
    input_bytes: usize,
    reader: Option<Waker>,
    /// Data messages on their way to the client.
    unsent: usize,
    writer: Option<Waker>,
    gone: bool,
    /// The client's connection reads nothing since this stream is full.
    stalled: bool,
}

/// What the connection and the stream's runner share.
#[derive(Debug)]
pub(super) struct StreamState {
    pub(super) key: Key,
    inner: Mutex<Inner>,
}

impl StreamState {
    pub(super) fn new(key: Key) -> Arc<Self> {
        Arc::new(Self { key, inner: Mutex::default() })
    }

    /// Takes what the client sent.
    pub(super) fn push(&self, input: Input) {
        let mut inner = lock(&self.inner);
        match &input {
            Input::Data(bytes) => inner.input_bytes += bytes.len(),
            Input::Gone => inner.gone = true,
            Input::Hole(_) | Input::Finish | Input::Abort => {}
        }
        inner.input.push_back(input);
        for waker in [inner.reader.take(), inner.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Whether the client has to wait before it sends more. It is woken when that ends.
    pub(super) fn is_full(&self) -> bool {
        let mut inner = lock(&self.inner);
        // Every message counts, or empty ones would be free.
        inner.stalled = inner.input_bytes + inner.input.len() * 64 >= STREAM_BYTES;
        inner.stalled
    }

    pub(super) fn sent(&self) {
        let mut inner = lock(&self.inner);
        inner.unsent -= 1;
        if let Some(waker) = inner.writer.take() {
            waker.wake();
        }
    }
}

/// Data messages of a stream that may be on their way at a time.
const UNSENT_MAX: usize = 2;

/// A stream that a call has opened. Dropping it forgets the stream: messages for it are ignored from then on.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    state: Arc<StreamState>,
}

impl Stream {
    pub(super) fn new(client: Client, state: Arc<StreamState>) -> Self {
        Self { client, state }
    }

    /// Waits for what the client sends next. After [`Input::Finish`], [`Input::Abort`] or [`Input::Gone`] nothing more
    /// comes.
    pub async fn receive(&self) -> Input {
        poll_fn(|cx| {
            let mut inner = lock(&self.state.inner);
            let Some(input) = inner.input.pop_front() else {
                if inner.gone {
                    return Poll::Ready(Input::Gone);
                }
                inner.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if let Input::Data(bytes) = &input {
                inner.input_bytes -= bytes.len();
            }
            let resume = std::mem::take(&mut inner.stalled);
            drop(inner);
            if resume {
                self.client.wake();
            }
            Poll::Ready(input)
        })
        .await
    }

    /// Sends bytes, in as many messages as it takes; none at all tell the client that there are no more. Waits while the
    /// client does not read. Answers whether the client is still there.
    pub async fn send(&self, data: &[u8]) -> bool {
        if data.is_empty() {
            return self.send_one(Kind::Stream, Vec::new()).await;
        }
        for part in data.chunks(STREAM_DATA_MAX) {
            if !self.send_one(Kind::Stream, part.to_vec()).await {
                return false;
            }
        }
        true
    }

    /// Sends bytes without copying them, at most [`STREAM_DATA_MAX`].
    pub async fn send_owned(&self, data: Vec<u8>) -> bool {
        if data.len() > STREAM_DATA_MAX {
            return self.send(&data).await;
        }
        self.send_one(Kind::Stream, data).await
    }

    /// Sends a hole of so many bytes, to a client that has asked for them.
    pub async fn send_hole(&self, length: i64) -> bool {
        let hole = StreamHole { length, flags: 0 };
        match virt_proto::xdr::encode(&hole) {
            Ok(payload) => self.send_one(Kind::StreamHole, payload).await,
            Err(_) => false,
        }
    }

    async fn send_one(&self, kind: Kind, payload: Vec<u8>) -> bool {
        poll_fn(|cx| {
            let mut inner = lock(&self.state.inner);
            if !inner.gone && inner.unsent >= UNSENT_MAX {
                inner.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            inner.unsent += 1;
            Poll::Ready(())
        })
        .await;
        let header = self.state.key.header(kind, Status::Continue);
        let token = Token::Stream(Arc::clone(&self.state));
        self.client.post(Post::Message(Outgoing::new(header, payload, token)))
    }

    /// Confirms that the client has finished or given up. The stream is over.
    pub fn finish(self) {
        let header = self.state.key.header(Kind::Stream, Status::Ok);
        self.client.post(Post::Message(Outgoing::new(header, Vec::new(), Token::None)));
    }

    /// Tells the client what went wrong. The stream is over.
    pub fn fail(self, error: &Error) {
        let header = self.state.key.header(Kind::Stream, Status::Error);
        let payload = super::call::error_payload(&ErrorBody::from(error));
        self.client.post(Post::Message(Outgoing::new(header, payload, Token::None)));
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.client.close_stream(self.state.key);
    }
}
