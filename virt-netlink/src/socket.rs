//! The synchronous socket: the one place that talks to the kernel.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use crate::channel::{Channel, in_namespace};
use crate::{Error, Result, attribute};

/// A socket for the routing family (`NETLINK_ROUTE`): links, addresses, neighbours, routes, queueing disciplines.
///
/// It belongs to the network namespace of the thread that opens it, wherever it is used later. Only the kernel can
/// answer on it. Requests are serialised by `&mut self`; threads that work in parallel each open their own.
#[derive(Debug)]
pub struct Socket {
    channel: Channel,
}

/// A request of a [`Socket::batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is sent.
    pub message: RouteNetlinkMessage,
    /// Flags beside `NLM_F_REQUEST` and `NLM_F_ACK`.
    pub flags: u16,
    /// What is asked, with the name of the object, for errors.
    pub operation: String,
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
        Ok(Self { channel: Channel::open(NETLINK_ROUTE, attribute::path_at)? })
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
        in_namespace(namespace, Self::open)?
    }

    /// Opens a socket to another process that speaks the protocol, by the number of its socket.
    pub(crate) fn open_to(port: u32) -> Result<Self> {
        Ok(Self { channel: Channel::open_to(NETLINK_ROUTE, port, attribute::path_at)? })
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
        match self.channel.call(message, flags, operation) {
            // What is not asked for need not be understood.
            Ok(_) | Err(Error::Decode { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// As [`request`](Self::request), with what the kernel told if the flags have `NLM_F_ECHO`.
    pub(crate) fn request_told(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        operation: fmt::Arguments<'_>,
    ) -> Result<Option<RouteNetlinkMessage>> {
        match self.channel.call(message, flags, operation) {
            Err(Error::Decode { .. }) => Ok(None),
            outcome => outcome,
        }
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
        self.channel
            .call(message, 0, operation)?
            .ok_or_else(|| Error::Empty { operation: operation.to_string() })
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
        self.channel.dump(message, operation)
    }

    /// Sends many requests by few system calls: the kernel works them off in order, also after one that it refuses.
    /// Gives the outcome of each, in the same order.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] or [`Error::Overrun`] when answers are lost; which requests were carried out is then
    /// unknown.
    pub fn batch(&mut self, requests: Vec<Request>) -> Result<Vec<Result<()>>> {
        let outcomes = self.batch_told(requests)?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map(drop)).collect())
    }

    /// As [`batch`](Self::batch), with what the kernel told where a request's flags have `NLM_F_ECHO`.
    pub(crate) fn batch_told(
        &mut self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Option<RouteNetlinkMessage>>>> {
        let requests =
            requests.into_iter().map(|request| (request.message, request.flags, request.operation));
        self.channel.batch(requests.collect())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::LinkMessage;

    use super::*;

    #[test]
    fn a_socket_reads_links() {
        let mut socket = Socket::open().unwrap();
        let list = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let entries = socket.dump(&list, format_args!("list links")).unwrap();
        assert!(!entries.is_empty());
        assert!(entries.iter().all(|entry| matches!(entry, RouteNetlinkMessage::NewLink(_))));
    }

    #[test]
    fn a_batch_has_an_outcome_for_each_request() {
        let mut socket = Socket::open().unwrap();
        let requests = (0..150).map(|number| {
            let mut message = LinkMessage::default();
            // Loopback is 1 in every namespace.
            message.header.index = if number % 3 == 0 { 1 } else { 0x7fff_0000 + number };
            Request {
                message: RouteNetlinkMessage::GetLink(message),
                flags: 0,
                operation: format!("look up link number {number}"),
            }
        });
        let outcomes = socket.batch(requests.collect()).unwrap();
        assert_eq!(outcomes.len(), 150);
        for (number, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(()) => assert_eq!(number % 3, 0),
                Err(error) => {
                    assert!(number % 3 != 0 && error.is_no_device(), "{number}: {error}");
                    assert!(error.to_string().contains(&format!("number {number}:")), "{error}");
                }
            }
        }
        assert!(socket.batch(Vec::new()).unwrap().is_empty());
    }
}
