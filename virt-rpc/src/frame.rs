//! Messages as they stand in the stream of bytes: the header, and where one ends.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use virt_proto::packet::{DESCRIPTORS_MAX, HEADER_SIZE, Header, Kind, LENGTH_SIZE, MESSAGE_MAX};

/// Bytes of a message before its payload: the length word and the header.
pub const HEAD: usize = LENGTH_SIZE + HEADER_SIZE;

/// The largest length word: 32 MiB and the word itself.
pub const LENGTH_MAX: u32 = (LENGTH_SIZE + MESSAGE_MAX) as u32;

/// At most so many descriptors come with a message.
pub const FDS_MAX: usize = DESCRIPTORS_MAX as usize;

/// The length word and the header of a message with so many bytes of payload.
pub(crate) fn head(header: Header, payload: usize) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    let length = u32::try_from(HEAD + payload).unwrap_or(u32::MAX);
    bytes[..LENGTH_SIZE].copy_from_slice(&length.to_be_bytes());
    bytes[LENGTH_SIZE..].copy_from_slice(&header.to_bytes());
    bytes
}

/// Why a peer's bytes are no messages. Nothing can be answered to these: the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length word is below its own size, or above the limit.
    #[error("a message of {0} bytes is none")]
    Length(u32),
    /// The message is too short for a header.
    #[error("a message of {0} bytes has no header")]
    Header(u32),
    /// The count of descriptors is missing or above the limit.
    #[error("a message with descriptors does not say a good number of them")]
    Count,
    /// A byte that should carry a descriptor came without.
    #[error("a descriptor is missing")]
    Descriptor,
    /// Descriptors came that no message speaks of.
    #[error("too many descriptors came")]
    Surplus,
}

/// A whole message.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// What follows, without the count of descriptors.
    pub payload: &'a [u8],
    /// The descriptors that came behind it.
    pub fds: Vec<OwnedFd>,
}

/// Cuts what arrives into messages, however it was split or joined on the way.
///
/// It holds the start of a message that has not arrived whole, and nothing else: memory grows with what came, not
/// with what a length word promises.
///
/// ```
/// use std::ops::ControlFlow;
/// use virt_proto::packet::{Header, Kind, Status};
/// use virt_rpc::frame::Cutter;
///
/// let header = Header { program: 7, version: 1, procedure: 1, kind: Kind::Call, serial: 0, status: Status::Ok };
/// let bytes = header.message(&"text".to_owned())?;
/// let mut cutter = Cutter::new(1 << 20);
/// let mut seen = Vec::new();
/// for part in bytes.chunks(5) {
///     cutter.feed(part, |frame| {
///         seen.push((frame.header.program, frame.payload.to_vec()));
///         ControlFlow::Continue(())
///     })?;
/// }
/// assert_eq!(seen, [(7, b"\0\0\0\x04text".to_vec())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cutter {
    held: Vec<u8>,
    fds: VecDeque<OwnedFd>,
    /// The largest length word taken.
    limit: u32,
    /// The type whose messages have descriptors behind them.
    with_fds: Kind,
}

impl Cutter {
    /// For a server, which is called. `limit` is the largest length word that it takes, at most [`LENGTH_MAX`].
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            held: Vec::new(),
            fds: VecDeque::new(),
            limit: limit.min(LENGTH_MAX),
            with_fds: Kind::CallWithDescriptors,
        }
    }

    /// For a client, which is answered.
    #[must_use]
    pub fn for_client() -> Self {
        Self { with_fds: Kind::ReplyWithDescriptors, ..Self::new(LENGTH_MAX) }
    }

    /// Changes the largest length word taken.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit.min(LENGTH_MAX);
    }

    /// Whether bytes are held back: a part of a message, or messages that were not taken.
    #[must_use]
    pub fn holds_bytes(&self) -> bool {
        !self.held.is_empty()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.held.capacity()
    }

    /// Takes descriptors that arrived, before the bytes that they came with are fed.
    pub fn add_fds(&mut self, fds: impl IntoIterator<Item = OwnedFd>) {
        self.fds.extend(fds);
    }

    /// Gives `take` each whole message, until it breaks; what is left is kept for the next call, which may bring no
    /// bytes.
    ///
    /// # Errors
    /// [`FrameError`]; the connection cannot go on.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> Result<(), FrameError> {
        if self.held.is_empty() {
            let used = self.cut(bytes, &mut take)?;
            self.held.extend_from_slice(&bytes[used..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let used = self.cut(&held, &mut take)?;
            if used < held.len() {
                held.drain(..used);
                // What one large message needed is not kept for the small ones after it.
                if held.capacity() > 4 * held.len().max(1024) {
                    held.shrink_to_fit();
                }
                self.held = held;
            }
        }
        if self.held.is_empty() {
            // Nothing announced these.
            self.fds.clear();
        } else if self.fds.len() > 2 * FDS_MAX {
            return Err(FrameError::Surplus);
        }
        Ok(())
    }

    /// Answers how many bytes were used up.
    fn cut(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> Result<usize, FrameError> {
        let mut rest = bytes;
        while let Some((word, _)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*word);
            if length < 4 || length > self.limit {
                return Err(FrameError::Length(length));
            }
            if (length as usize) < HEAD {
                return Err(FrameError::Header(length));
            }
            let Some((message, after)) = rest.split_at_checked(length as usize) else { break };
            let (_, message) = message.split_at(LENGTH_SIZE);
            let (header, mut payload) = message.split_first_chunk().ok_or(FrameError::Header(length))?;
            let header = Header::from_bytes(*header);
            let mut behind = 0;
            if header.kind == self.with_fds {
                let (count, args) = payload.split_first_chunk::<4>().ok_or(FrameError::Count)?;
                behind = u32::from_be_bytes(*count) as usize;
                if behind > FDS_MAX {
                    return Err(FrameError::Count);
                }
                payload = args;
            }
            // Each descriptor comes with one byte behind the message.
            let Some((_, after)) = after.split_at_checked(behind) else { break };
            if self.fds.len() < behind {
                return Err(FrameError::Descriptor);
            }
            let fds = self.fds.drain(..behind).collect();
            rest = after;
            if take(Frame { header, payload, fds }).is_break() {
                break;
            }
        }
        Ok(bytes.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use virt_proto::packet::Status;

    use super::*;

    fn message(kind: Kind, serial: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header { program: 1, version: 1, procedure: 1, kind, serial, status: Status::Ok };
        let mut bytes = head(header, payload.len()).to_vec();
        bytes.extend_from_slice(payload);
        bytes
    }

    fn fd() -> OwnedFd {
        rustix::pipe::pipe().unwrap().0
    }

    #[test]
    fn messages_are_the_same_however_they_arrive() {
        let mut bytes = Vec::new();
        for (serial, length) in [0, 1, 4, 1000, 70_000, 0].into_iter().enumerate() {
            bytes.extend(message(Kind::Call, serial as u32, &vec![serial as u8; length]));
        }
        let mut expected = None;
        for size in [1, 3, 28, 4096, bytes.len()] {
            let mut cutter = Cutter::new(LENGTH_MAX);
            let mut seen = Vec::new();
            for part in bytes.chunks(size) {
                cutter
                    .feed(part, |frame| {
                        seen.push((frame.header, frame.payload.to_vec()));
                        ControlFlow::Continue(())
                    })
                    .unwrap();
            }
            assert_eq!(seen.len(), 6);
            assert!(!cutter.holds_bytes());
            assert_eq!(*expected.get_or_insert_with(|| seen.clone()), seen, "parts of {size}");
        }
    }

    #[test]
    fn what_is_no_message_ends_the_connection() {
        let rows: &[(&[u8], FrameError)] = &[
            (&[0, 0, 0, 3], FrameError::Length(3)),
            (&[0, 0, 0, 0], FrameError::Length(0)),
            (&[2, 0, 0, 5], FrameError::Length(33_554_437)),
            (&[255, 255, 255, 255], FrameError::Length(u32::MAX)),
            (&[0, 0, 0, 4], FrameError::Header(4)),
            (&[0, 0, 0, 27], FrameError::Header(27)),
            (&message(Kind::CallWithDescriptors, 0, b""), FrameError::Count),
            (&message(Kind::CallWithDescriptors, 0, &33u32.to_be_bytes()), FrameError::Count),
            (
                &[message(Kind::CallWithDescriptors, 0, &1u32.to_be_bytes()), vec![0]].concat(),
                FrameError::Descriptor,
            ),
        ];
        for (bytes, error) in rows {
            let outcome = Cutter::new(LENGTH_MAX).feed(bytes, |_| ControlFlow::Continue(()));
            assert_eq!(outcome, Err(*error), "{bytes:?}");
        }
        let largest = Cutter::new(LENGTH_MAX).feed(&[2, 0, 0, 4], |_| ControlFlow::Continue(()));
        assert_eq!(largest, Ok(()), "the largest message is waited for");
    }

    #[test]
    fn a_promise_of_bytes_takes_no_memory() {
        let mut cutter = Cutter::new(LENGTH_MAX);
        cutter.feed(&[1, 0, 0, 0], |_| ControlFlow::Continue(())).unwrap();
        assert!(cutter.capacity() < 64, "{}", cutter.capacity());
    }

    #[test]
    fn descriptors_belong_to_the_message_before_their_bytes() {
        let with = |count: u32| {
            message(Kind::CallWithDescriptors, count, &[&count.to_be_bytes()[..], b"args"].concat())
        };
        let bytes = [with(2), vec![0, 0], with(0), message(Kind::Call, 9, b""), with(1), vec![0]].concat();
        let mut cutter = Cutter::new(LENGTH_MAX);
        let mut seen = Vec::new();
        for (at, byte) in bytes.iter().enumerate() {
            let fd_bytes = [36, 37, bytes.len() - 1];
            if fd_bytes.contains(&at) {
                cutter.add_fds([fd()]);
            }
            cutter
                .feed(&[*byte], |frame| {
                    seen.push((frame.header.serial, frame.payload.to_vec(), frame.fds.len()));
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        let args = b"args".to_vec();
        assert_eq!(seen, [(2, args.clone(), 2), (0, args.clone(), 0), (9, vec![], 0), (1, args, 1)]);
    }

    #[test]
    fn unasked_descriptors_are_dropped_and_never_piled_up() {
        let mut cutter = Cutter::new(LENGTH_MAX);
        cutter.add_fds([fd()]);
        cutter.feed(&message(Kind::Call, 0, b""), |_| ControlFlow::Continue(())).unwrap();
        let call = [message(Kind::CallWithDescriptors, 0, &1u32.to_be_bytes()), vec![0]].concat();
        let outcome = cutter.feed(&call, |_| ControlFlow::Continue(()));
        assert_eq!(outcome, Err(FrameError::Descriptor), "the earlier one is not taken for this one");

        let mut cutter = Cutter::new(LENGTH_MAX);
        cutter.add_fds((0..65).map(|_| fd()));
        assert_eq!(cutter.feed(&[0], |_| ControlFlow::Continue(())), Err(FrameError::Surplus));
    }

    #[test]
    fn a_taker_that_breaks_gets_the_rest_later() {
        let bytes = [message(Kind::Call, 1, b""), message(Kind::Call, 2, b""), vec![0]].concat();
        let mut cutter = Cutter::new(LENGTH_MAX);
        let mut seen = Vec::new();
        for part in [&bytes[..], &[], &[]] {
            cutter
                .feed(part, |frame| {
                    seen.push(frame.header.serial);
                    ControlFlow::Break(())
                })
                .unwrap();
        }
        assert_eq!(seen, [1, 2]);
        assert!(cutter.holds_bytes());
    }
}
