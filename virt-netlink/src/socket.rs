//! The synchronous socket: the one place that talks to the kernel.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use netlink_packet_core::{
    DecodeError, ErrorMessage, NLM_F_ACK, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST,
    NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload, Parseable,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::extack::{self, ExtendedAck};
use crate::{Error, Refusal, Result};

/// How often a dump is begun again because the list changed meanwhile.
const DUMP_ATTEMPTS: u32 = 8;

/// First size of the receive buffer: the kernel fills a dump's datagrams up to 32 KiB when it sees room for them.
const BUFFER_SIZE: usize = 32 * 1024;

/// A socket for the routing family (`NETLINK_ROUTE`): links, addresses, neighbours, routes, queueing disciplines.
///
/// It belongs to the network namespace of the thread that opens it, wherever it is used later. Only the kernel can
/// answer on it. Requests are serialised by `&mut self`; threads that work in parallel each open their own.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    sequence: u32,
    buffer: Vec<u8>,
}

struct Inner(netlink_sys::Socket);

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.as_fd(), f)
    }
}

impl Socket {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// Extended acknowledgements and strict checking of requests are switched on where the kernel has them
    /// (Linux 4.12 and 4.20).
    ///
    /// # Errors
    ///
    /// [`Error::Open`] when the system has no descriptor left or no netlink.
    pub fn open() -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE).map_err(failed("open"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        // A connected socket refuses messages of other processes, so every answer is the kernel's.
        socket.connect(&SocketAddr::new(0, 0)).map_err(failed("connect"))?;
        for (option, outcome) in [
            ("NETLINK_EXT_ACK", socket.set_ext_ack(true)),
            ("NETLINK_CAP_ACK", socket.set_cap_ack(true)),
            ("NETLINK_GET_STRICT_CHK", socket.set_netlink_get_strict_chk(true)),
        ] {
            if let Err(error) = outcome {
                log::debug!("netlink socket option {option} is not available: {error}");
            }
        }
        Ok(Self { inner: Inner(socket), sequence: 0, buffer: vec![0; BUFFER_SIZE] })
    }

    /// Opens a socket in another network namespace, for example `/proc/PID/ns/net`.
    ///
    /// The namespace is entered by a short-lived thread; the caller's stays where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Namespace`] when the namespace may not be entered (`CAP_SYS_ADMIN` in both user namespaces), or
    /// what [`Socket::open`] answers.
    pub fn open_in(namespace: BorrowedFd<'_>) -> Result<Self> {
        thread::scope(|scope| {
            let opener = thread::Builder::new()
                .name("netns-open".to_owned())
                .spawn_scoped(scope, || {
                    move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))
                        .map_err(|errno| Error::Namespace(errno.into()))?;
                    Self::open()
                })
                .map_err(Error::Namespace)?;
            match opener.join() {
                Ok(opened) => opened,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Sends a request and waits until the kernel has acknowledged it.
    ///
    /// `flags` are those beside `NLM_F_REQUEST` and `NLM_F_ACK`, for example `NLM_F_CREATE | NLM_F_EXCL`.
    /// `operation` says what is asked, with the name of the object, for errors: `create bridge 'virbr0'`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the kernel's reason; [`Error::Transport`] or [`Error::Overrun`] when the answer is
    /// lost.
    pub fn request(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        operation: fmt::Arguments<'_>,
    ) -> Result<()> {
        self.exchange(message, NLM_F_ACK | flags, operation, &mut |_| ())?;
        Ok(())
    }

    /// Sends a request for one object and gives the kernel's answer.
    ///
    /// # Errors
    ///
    /// As [`Socket::request`]; [`Error::Decode`] when the answer is not understood.
    pub fn get(
        &mut self,
        message: RouteNetlinkMessage,
        operation: fmt::Arguments<'_>,
    ) -> Result<RouteNetlinkMessage> {
        let mut answer = None;
        self.exchange(message, NLM_F_ACK, operation, &mut |decoded| {
            answer.get_or_insert(decoded);
        })?;
        match answer {
            Some(Ok(message)) => Ok(message),
            Some(Err(source)) => Err(Error::Decode { operation: operation.to_string(), source }),
            None => Err(Error::Empty { operation: operation.to_string() }),
        }
    }

    /// Reads a whole list.
    ///
    /// When the kernel says that the list changed during the dump it is read again, a limited number of times.
    /// An entry that cannot be decoded is logged and left out.
    ///
    /// # Errors
    ///
    /// As [`Socket::request`]; [`Error::DumpInterrupted`] when the list never stands still.
    pub fn dump(
        &mut self,
        message: &RouteNetlinkMessage,
        operation: fmt::Arguments<'_>,
    ) -> Result<Vec<RouteNetlinkMessage>> {
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

    fn exchange(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        operation: fmt::Arguments<'_>,
        on_message: &mut dyn FnMut(Result<RouteNetlinkMessage, DecodeError>),
    ) -> Result<End> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let request = encode(message, NLM_F_REQUEST | flags, self.sequence);
        let failed = |step, errno: Errno| Error::Transport {
            operation: operation.to_string(),
            step,
            source: errno.into(),
        };
        retry(|| rustix::net::send(self.inner.0.as_fd(), &request, SendFlags::empty()))
            .map_err(|errno| failed("send", errno))?;

        let mut interrupted = false;
        loop {
            let length = self.receive().map_err(|errno| match errno {
                Errno::NOBUFS => Error::Overrun { operation: operation.to_string() },
                errno => failed("receive", errno),
            })?;
            for (header, bytes) in messages(&self.buffer[..length]) {
                // Answers to a request whose end was lost are still queued in front of this one's.
                if header.sequence_number != self.sequence {
                    continue;
                }
                interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
                match decode(&header, bytes) {
                    Answer::Message(decoded) => on_message(decoded),
                    Answer::End(Ok(())) => return Ok(End { interrupted }),
                    Answer::End(Err(failure)) => {
                        let Failure { errno, extended } = *failure;
                        return Err(Refusal::new(operation.to_string(), errno, extended, &request).into());
                    }
                    Answer::Nothing => {}
                }
            }
        }
    }

    /// Receives one datagram into the buffer, whatever its size, and gives its length.
    fn receive(&mut self) -> Result<usize, Errno> {
        let socket = self.inner.0.as_fd();
        let mut nothing: [u8; 0] = [];
        let (_, length) =
            retry(|| rustix::net::recv(socket, &mut nothing[..], RecvFlags::PEEK | RecvFlags::TRUNC))?;
        if length > self.buffer.len() {
            self.buffer.resize(length.next_power_of_two(), 0);
        }
        let (length, _) = retry(|| rustix::net::recv(socket, &mut self.buffer[..], RecvFlags::empty()))?;
        Ok(length)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.0.as_fd()
    }
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

enum Answer {
    Message(Result<RouteNetlinkMessage, DecodeError>),
    End(Result<(), Box<Failure>>),
    Nothing,
}

fn encode(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.header.flags = flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The messages of a datagram, each with its header. A length that does not fit ends the datagram.
fn messages(datagram: &[u8]) -> impl Iterator<Item = (NetlinkHeader, &[u8])> {
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

fn decode(header: &NetlinkHeader, bytes: &[u8]) -> Answer {
    let ends = matches!(header.message_type, NLMSG_ERROR | NLMSG_DONE);
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes) {
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

    fn answer(bytes: &[u8]) -> Answer {
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

    #[test]
    fn a_socket_reads_links() {
        let mut socket = Socket::open().unwrap();
        let list = RouteNetlinkMessage::GetLink(netlink_packet_route::link::LinkMessage::default());
        let entries = socket.dump(&list, format_args!("list links")).unwrap();
        assert!(!entries.is_empty());
        assert!(entries.iter().all(|entry| matches!(entry, RouteNetlinkMessage::NewLink(_))));
    }
}
