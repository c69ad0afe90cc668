//! Messages on their way out.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use virt_proto::packet::Header;

use crate::frame::{self, HEAD};
use crate::io::Io;

/// What follows the head of a message.
#[derive(Debug)]
enum Body {
    Own(Vec<u8>),
    /// The end of what many messages share.
    Shared(Arc<[u8]>, usize),
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes, from) => bytes.get(*from..).unwrap_or_default(),
        }
    }
}

/// The payload of an event: what all clients get, behind the number by which this one knows it.
#[derive(Debug)]
pub struct EventBody {
    number: Option<i32>,
    rest: Body,
}

impl EventBody {
    /// The number, if there is one, and all that stands at `from` and behind it.
    #[must_use]
    pub fn new(number: Option<i32>, bytes: &Arc<[u8]>, from: usize) -> Self {
        Self { number, rest: Body::Shared(Arc::clone(bytes), from) }
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.bytes().len() + self.number.map_or(0, |number| size_of_val(&number))
    }
}

impl From<Vec<u8>> for EventBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self { number: None, rest: Body::Own(bytes) }
    }
}

/// A message, and what is done when it has left.
#[derive(Debug)]
pub(crate) struct Outgoing<T> {
    head: [u8; HEAD + 4],
    head_length: usize,
    body: Body,
    fds: Vec<OwnedFd>,
    pub(crate) token: T,
}

impl<T> Outgoing<T> {
    pub(crate) fn new(header: Header, body: Vec<u8>, token: T) -> Self {
        let mut head = [0; HEAD + 4];
        head[..HEAD].copy_from_slice(&frame::head(header, body.len()));
        Self { head, head_length: HEAD, body: Body::Own(body), fds: Vec::new(), token }
    }

    /// An event.
    pub(crate) fn event(header: Header, body: EventBody, token: T) -> Self {
        let mut head = [0; HEAD + 4];
        head[..HEAD].copy_from_slice(&frame::head(header, body.len()));
        let mut head_length = HEAD;
        if let Some(number) = body.number {
            head[HEAD..].copy_from_slice(&number.to_be_bytes());
            head_length += 4;
        }
        Self { head, head_length, body: body.rest, fds: Vec::new(), token }
    }

    /// A message whose payload begins with the number of descriptors.
    pub(crate) fn with_fds(header: Header, body: Vec<u8>, fds: Vec<OwnedFd>, token: T) -> Self {
        let mut head = [0; HEAD + 4];
        head[..HEAD].copy_from_slice(&frame::head(header, body.len() + 4));
        head[HEAD..].copy_from_slice(&u32::try_from(fds.len()).unwrap_or(u32::MAX).to_be_bytes());
        Self { head, head_length: HEAD + 4, body: Body::Own(body), fds, token }
    }

    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        [&self.head[..self.head_length], self.body.bytes()]
    }

    pub(crate) fn len(&self) -> usize {
        self.head_length + self.body.bytes().len()
    }
}

/// The queue of messages, of which the first may have left in part.
#[derive(Debug)]
pub(crate) struct Writer<T> {
    queue: VecDeque<Outgoing<T>>,
    /// Bytes of the first message that have left.
    sent: usize,
    /// Descriptors of the first message that have left.
    sent_fds: usize,
    unflushed: bool,
}

/// So many pieces go with one system call.
const SLICES: usize = 64;

impl<T> Writer<T> {
    pub(crate) const fn new() -> Self {
        Self { queue: VecDeque::new(), sent: 0, sent_fds: 0, unflushed: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && !self.unflushed
    }

    pub(crate) fn push(&mut self, message: Outgoing<T>) {
        self.queue.push_back(message);
    }

    /// Adds the first message, of which so many bytes have left already.
    pub(crate) fn push_begun(&mut self, message: Outgoing<T>, sent: usize) {
        debug_assert!(self.queue.is_empty(), "another message is on its way");
        self.sent = sent;
        self.queue.push_back(message);
    }

    /// Puts a message before all others that have not begun to leave.
    pub(crate) fn push_front(&mut self, message: Outgoing<T>) {
        let begun = usize::from(self.sent > 0);
        self.queue.insert(begun.min(self.queue.len()), message);
    }

    /// Sends until everything has left; `left` is given each message's token.
    pub(crate) fn poll_flush(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
        mut left: impl FnMut(T),
    ) -> Poll<io::Result<()>> {
        while let Some(first) = self.queue.front() {
            if self.sent == first.len() {
                let Some(fd) = first.fds.get(self.sent_fds) else {
                    self.finish_first(&mut left);
                    continue;
                };
                ready!(io.poll_send_fd(cx, fd))?;
                self.sent_fds += 1;
                continue;
            }
            let count = ready!(self.poll_send_bytes(io, cx))?;
            self.unflushed = true;
            self.advance(count, &mut left);
        }
        if self.unflushed {
            ready!(io.poll_flush(cx))?;
            self.unflushed = false;
        }
        // An idle connection keeps no queue.
        if self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_send_bytes(&self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let mut skip = self.sent;
        for message in &self.queue {
            if used + 2 > SLICES {
                break;
            }
            for part in message.parts() {
                if skip >= part.len() {
                    skip -= part.len();
                } else {
                    slices[used] = IoSlice::new(&part[skip..]);
                    skip = 0;
                    used += 1;
                }
            }
            // Descriptors go behind their message and before the next.
            if !message.fds.is_empty() {
                break;
            }
        }
        io.poll_send(cx, &slices[..used])
    }

    fn advance(&mut self, count: usize, left: &mut impl FnMut(T)) {
        self.sent += count;
        while let Some(first) = self.queue.front() {
            if self.sent < first.len() || !first.fds.is_empty() {
                return;
            }
            self.finish_first(left);
        }
    }

    /// The first message has left whole; bytes beyond it were of the next.
    fn finish_first(&mut self, left: &mut impl FnMut(T)) {
        if let Some(first) = self.queue.pop_front() {
            self.sent -= first.len();
            self.sent_fds = 0;
            left(first.token);
        }
    }
}
