//! The protocol-neutral half of the sockets: one request after the other, and their answers.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use netlink_packet_core::{
    DecodeError, ErrorMessage, NLM_F_ACK, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST,
    NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable, Parseable,
};
use netlink_sys::SocketAddr;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::extack::{self, ExtendedAck};
use crate::{Error, Refusal, Result};

/// How often a dump is begun again because the list changed meanwhile.
const DUMP_ATTEMPTS: u32 = 8;

/// First size of the receive buffer: the kernel fills a dump's datagrams up to 32 KiB when it sees room for them.
const BUFFER_SIZE: usize = 32 * 1024;

/// Requests that are sent at once: their acknowledgements, and what is told of links beside them, fit into the receive
/// buffer that every system allows.
const BATCH: usize = 32;

/// Bytes that are sent at once, well below the send buffer that every system allows.
const BATCH_BYTES: usize = 64 * 1024;

/// Finds the name of the attribute at an offset of a request.
type AttributeName = fn(&[u8], usize) -> Option<String>;

pub(crate) struct Channel {
    socket: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
    attribute_name: AttributeName,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.socket.as_fd(), f)
    }
}

/// Runs `work` on a short-lived thread in another network namespace; the caller's thread stays where it is. A panic of
/// `work` continues in the caller.
///
/// # Errors
///
/// [`Error::Namespace`] when the namespace may not be entered (`CAP_SYS_ADMIN` in both user namespaces).
pub fn in_namespace<T: Send>(namespace: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, || {
                move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))
                    .map_err(|errno| Error::Namespace(errno.into()))?;
                Ok(work())
            })
            .map_err(Error::Namespace)?;
        match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

impl Channel {
    pub(crate) fn open(protocol: isize, attribute_name: AttributeName) -> Result<Self> {
        Self::open_to(protocol, 0, attribute_name)
    }

    /// Opens a socket to the socket of this number, 0 for the kernel's.
    pub(crate) fn open_to(protocol: isize, port: u32, attribute_name: AttributeName) -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let mut socket = netlink_sys::Socket::new(protocol).map_err(failed("open"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        // A connected socket refuses messages of others, so every answer is the kernel's (or that one process's).
        socket.connect(&SocketAddr::new(port, 0)).map_err(failed("connect"))?;
        for (option, outcome) in [
            ("NETLINK_EXT_ACK", socket.set_ext_ack(true)),
            ("NETLINK_CAP_ACK", socket.set_cap_ack(true)),
            ("NETLINK_GET_STRICT_CHK", socket.set_netlink_get_strict_chk(true)),
        ] {
            if let Err(error) = outcome {
                log::debug!("netlink socket option {option} is not available: {error}");
            }
        }
        Ok(Self { socket, sequence: 0, buffer: vec![0; BUFFER_SIZE], attribute_name })
    }

    /// Sends a request and waits for its acknowledgement; the first message in between is the answer.
    pub(crate) fn call<M: Message>(
        &mut self,
        message: M,
        flags: u16,
        operation: fmt::Arguments<'_>,
    ) -> Result<Option<M>> {
        let mut answer = None;
        self.exchange(message, NLM_F_ACK | flags, operation, &mut |decoded| {
            answer.get_or_insert(decoded);
        })?;
        answer.transpose().map_err(|source| Error::Decode { operation: operation.to_string(), source })
    }

    pub(crate) fn dump<M: Message + Clone>(
        &mut self,
        message: &M,
        operation: fmt::Arguments<'_>,
    ) -> Result<Vec<M>> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut entries = Vec::new();
            let end =
                self.exchange(message.clone(), NLM_F_DUMP, operation, &mut |decoded| match decoded {
                    Ok(entry) => entries.push(entry),
                    Err(error) => {
                        log::warn!("{operation}: left out an entry that cannot be decoded: {error}")
                    }
                })?;
            if !end.interrupted {
                return Ok(entries);
            }
        }
        Err(Error::DumpInterrupted { operation: operation.to_string(), attempts: DUMP_ATTEMPTS })
    }

    /// Sends many requests by few system calls and gives each one's outcome, in order.
    ///
    /// Where `NLM_F_ECHO` was asked for, the outcome has what the kernel told of it, if it did.
    pub(crate) fn batch<M: Message>(
        &mut self,
        requests: Vec<(M, u16, String)>,
    ) -> Result<Vec<Result<Option<M>>>> {
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut waiting = Vec::new();
        let mut bytes = 0;
        for (message, flags, operation) in requests {
            let sequence = self.next_sequence();
            let request = encode(message, NLM_F_REQUEST | NLM_F_ACK | flags, sequence);
            if waiting.len() == BATCH || (bytes + request.len() > BATCH_BYTES && !waiting.is_empty()) {
                outcomes.append(&mut self.send_batch(&std::mem::take(&mut waiting))?);
                bytes = 0;
            }
            bytes += request.len().next_multiple_of(4);
            waiting.push(Waiting { sequence, request, operation });
        }
        outcomes.append(&mut self.send_batch(&waiting)?);
        Ok(outcomes)
    }

    fn send_batch<M: Message>(&mut self, waiting: &[Waiting]) -> Result<Vec<Result<Option<M>>>> {
        let Some(first) = waiting.first() else { return Ok(Vec::new()) };
        let operation = if waiting.len() == 1 {
            first.operation.clone()
        } else {
            format!("{} and {} more requests", first.operation, waiting.len() - 1)
        };
        let mut datagram = Vec::new();
        for request in waiting {
            datagram.extend(&request.request);
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        self.send(&datagram, format_args!("{operation}"))?;

        let mut outcomes: Vec<Option<Result<Option<M>>>> = waiting.iter().map(|_| None).collect();
        let mut told: Vec<Option<M>> = waiting.iter().map(|_| None).collect();
        let mut left = waiting.len();
        while left > 0 {
            let length = self.receive(format_args!("{operation}"))?;
            for (header, bytes) in messages(&self.buffer[..length]) {
                let Some(at) = waiting.iter().position(|request| request.sequence == header.sequence_number)
                else {
                    continue;
                };
                match decode(&header, bytes) {
                    Answer::Message(Ok(message)) => {
                        told[at].get_or_insert(message);
                    }
                    Answer::End(end) if outcomes[at].is_none() => {
                        outcomes[at] = Some(end.map(|()| told[at].take()).map_err(|failure| {
                            let Waiting { request, operation, .. } = &waiting[at];
                            self.refusal(*failure, request, operation.clone())
                        }));
                        left -= 1;
                    }
                    _ => {}
                }
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn exchange<M: Message>(
        &mut self,
        message: M,
        flags: u16,
        operation: fmt::Arguments<'_>,
        on_message: &mut dyn FnMut(Result<M, DecodeError>),
    ) -> Result<End> {
        let sequence = self.next_sequence();
        let request = encode(message, NLM_F_REQUEST | flags, sequence);
        self.send(&request, operation)?;

        let mut interrupted = false;
        loop {
            let length = self.receive(operation)?;
            for (header, bytes) in messages(&self.buffer[..length]) {
                // Answers to a request whose end was lost are still queued in front of this one's.
                if header.sequence_number != sequence {
                    continue;
                }
                interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
                match decode(&header, bytes) {
                    Answer::Message(decoded) => on_message(decoded),
                    Answer::End(Ok(())) => return Ok(End { interrupted }),
                    Answer::End(Err(failure)) => {
                        return Err(self.refusal(*failure, &request, operation.to_string()));
                    }
                    Answer::Nothing => {}
                }
            }
        }
    }

    fn refusal(&self, failure: Failure, request: &[u8], operation: String) -> Error {
        let Failure { errno, extended } = failure;
        let attribute = extended.offset.and_then(|offset| (self.attribute_name)(request, offset));
        Refusal::new(operation, errno, extended, attribute).into()
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    fn send(&self, bytes: &[u8], operation: fmt::Arguments<'_>) -> Result<()> {
        retry(|| rustix::net::send(self.socket.as_fd(), bytes, SendFlags::empty())).map_err(|errno| {
            Error::Transport { operation: operation.to_string(), step: "send", source: errno.into() }
        })?;
        Ok(())
    }

    /// Receives one datagram into the buffer, whatever its size, and gives its length.
    fn receive(&mut self, operation: fmt::Arguments<'_>) -> Result<usize> {
        receive_whole(self.socket.as_fd(), &mut self.buffer, RecvFlags::empty()).map_err(
            |errno| match errno {
                Errno::NOBUFS => Error::Overrun { operation: operation.to_string() },
                errno => Error::Transport {
                    operation: operation.to_string(),
                    step: "receive",
                    source: errno.into(),
                },
            },
        )
    }
}

/// Receives one datagram, for which the buffer grows if need be, and gives its length.
pub(crate) fn receive_whole(
    socket: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
    flags: RecvFlags,
) -> Result<usize, Errno> {
    let mut nothing: [u8; 0] = [];
    let peek = flags | RecvFlags::PEEK | RecvFlags::TRUNC;
    let (_, length) = retry(|| rustix::net::recv(socket, &mut nothing[..], peek))?;
    if length > buffer.len() {
        buffer.resize(length.next_power_of_two(), 0);
    }
    let (length, _) = retry(|| rustix::net::recv(socket, &mut buffer[..], flags))?;
    Ok(length)
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What one of the protocols carries.
pub(crate) trait Message:
    NetlinkSerializable + NetlinkDeserializable<Error = DecodeError> + fmt::Debug
{
}

impl<M: NetlinkSerializable + NetlinkDeserializable<Error = DecodeError> + fmt::Debug> Message for M {}

/// A request of a batch that has not been answered yet.
struct Waiting {
    sequence: u32,
    request: Vec<u8>,
    operation: String,
}

struct End {
    interrupted: bool,
}

/// What the kernel says instead of an acknowledgement.
struct Failure {
    errno: Errno,
    extended: ExtendedAck,
}

impl Failure {
    fn boxed(errno: Errno, extended: ExtendedAck) -> Box<Self> {
        Box::new(Self { errno, extended })
    }
}

enum Answer<M> {
    Message(Result<M, DecodeError>),
    End(Result<(), Box<Failure>>),
    Nothing,
}

fn encode<M: Message>(message: M, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The messages of a datagram, each with its header. A length that does not fit ends the datagram.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = (NetlinkHeader, &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let buffer = NetlinkBuffer::new_checked(rest).ok()?;
        let header = NetlinkHeader::parse(&buffer).ok()?;
        let length = header.length as usize;
        let message = &rest[..length];
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((header, message))
    })
}

fn decode<M>(header: &NetlinkHeader, bytes: &[u8]) -> Answer<M>
where
    M: NetlinkDeserializable<Error = DecodeError> + fmt::Debug,
{
    let ends = matches!(header.message_type, NLMSG_ERROR | NLMSG_DONE);
    match NetlinkMessage::<M>::deserialize(bytes) {
        Ok(message) => match message.payload {
            NetlinkPayload::InnerMessage(inner) => Answer::Message(Ok(inner)),
            NetlinkPayload::Error(error) => Answer::End(acknowledgement(header, &error)),
            NetlinkPayload::Done(done) if done.code < 0 => {
                Answer::End(Err(Failure::boxed(errno(done.code), extack::parse(&done.extended_ack))))
            }
            NetlinkPayload::Done(_) => Answer::End(Ok(())),
            _ => Answer::Nothing,
        },
        // Waiting on after a damaged end would wait forever.
        Err(_) if ends => Answer::End(Err(Failure::boxed(Errno::BADMSG, ExtendedAck::default()))),
        Err(error) => Answer::Message(Err(error)),
    }
}

fn acknowledgement(header: &NetlinkHeader, error: &ErrorMessage) -> Result<(), Box<Failure>> {
    match error.code {
        None => Ok(()),
        Some(code) => {
            let capped = header.flags & NLM_F_CAPPED != 0;
            Err(Failure::boxed(errno(code.get()), extack::parse_error(&error.header, capped)))
        }
    }
}

/// The error number in a netlink answer, where it is negated.
fn errno(code: i32) -> Errno {
    Errno::from_raw_os_error(code.saturating_abs().min(4095))
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NLMSG_NOOP;
    use netlink_packet_route::RouteNetlinkMessage;

    use super::*;

    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + payload.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(payload);
        bytes
    }

    fn answer(bytes: &[u8]) -> Answer<RouteNetlinkMessage> {
        let (header, bytes) = messages(bytes).next().unwrap();
        decode(&header, bytes)
    }

    fn failure(bytes: &[u8]) -> Box<Failure> {
        match answer(bytes) {
            Answer::End(Err(failure)) => failure,
            _ => panic!("not a refusal"),
        }
    }

    #[test]
    fn an_error_message_without_a_number_acknowledges() {
        let quoted = [&0i32.to_ne_bytes()[..], &[0; 16]].concat();
        assert!(matches!(answer(&message(NLMSG_ERROR, 0, &quoted)), Answer::End(Ok(()))));
    }

    #[test]
    fn a_refusal_carries_its_number_and_text() {
        let mut quoted = [&(-17i32).to_ne_bytes()[..], &[0; 16]].concat();
        quoted.extend([9, 0, 1, 0, b's', b'a', b'i', b'd', 0]);
        let failure = failure(&message(NLMSG_ERROR, NLM_F_CAPPED, &quoted));
        assert_eq!((failure.errno, failure.extended.text.as_deref()), (Errno::EXIST, Some("said")));
    }

    #[test]
    fn a_dump_can_end_in_an_error() {
        let failed = message(NLMSG_DONE, 0, &(-22i32).to_ne_bytes());
        assert_eq!(failure(&failed).errno, Errno::INVAL);
        assert!(matches!(answer(&message(NLMSG_DONE, 0, &0i32.to_ne_bytes())), Answer::End(Ok(()))));
        assert!(matches!(answer(&message(NLMSG_DONE, 0, &[])), Answer::End(Ok(()))));
    }

    #[test]
    fn a_damaged_end_still_ends() {
        assert_eq!(failure(&message(NLMSG_ERROR, 0, &[1])).errno, Errno::BADMSG);
        assert!(matches!(answer(&message(NLMSG_NOOP, 0, &[])), Answer::Nothing));
        // A link message shorter than its fixed part.
        assert!(matches!(answer(&message(16, 0, &[0; 4])), Answer::Message(Err(_))));
    }

    #[test]
    fn a_datagram_is_split_by_aligned_lengths() {
        let mut datagram = message(NLMSG_NOOP, 0, &[7]);
        datagram.resize(20, 0);
        datagram.extend(message(NLMSG_DONE, 0, &[]));
        let kinds: Vec<_> =
            messages(&datagram).map(|(header, bytes)| (header.message_type, bytes.len())).collect();
        assert_eq!(kinds, [(NLMSG_NOOP, 17), (NLMSG_DONE, 16)]);

        for length in 0..datagram.len() {
            assert!(messages(&datagram[..length]).count() < 2);
        }
        let mut short = message(NLMSG_NOOP, 0, &[]);
        short[0] = 3;
        assert_eq!(messages(&short).count(), 0);
    }

    #[test]
    fn numbers_of_any_value_are_errors() {
        assert_eq!(errno(-1), Errno::PERM);
        assert_eq!(errno(i32::MIN).raw_os_error(), 4095);
    }
}
