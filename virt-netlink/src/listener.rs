//! Waiting for notifications without a runtime.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use crate::channel::{in_namespace, messages, receive_whole};
use crate::{Error, Result};

/// What can be subscribed to (`RTNLGRP_*` of `linux/rtnetlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// Links come, change and go.
    Links,
    /// Neighbours and forwarding entries of bridges.
    Neighbours,
    /// Addresses of IPv4.
    Ipv4Addresses,
    /// Routes of IPv4.
    Ipv4Routes,
    /// Addresses of IPv6, also when the detection of duplicates ends.
    Ipv6Addresses,
    /// Routes of IPv6.
    Ipv6Routes,
}

impl Group {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Links => 1,
            Self::Neighbours => 3,
            Self::Ipv4Addresses => 5,
            Self::Ipv4Routes => 7,
            Self::Ipv6Addresses => 9,
            Self::Ipv6Routes => 11,
        }
    }
}

/// A subscription to the notifications of a network namespace, for programs without an async runtime.
///
/// Subscribe first and read the lists then, so that no change falls between the two. Its descriptor becomes readable
/// when there is something to [receive](Self::receive).
#[derive(Debug)]
pub struct Listener {
    socket: netlink_sys::Socket,
    buffer: Vec<u8>,
}

/// What a [`Listener`] heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// Notifications, in the order of the changes; those that can not be decoded are left out.
    Messages(Vec<RouteNetlinkMessage>),
    /// Some were lost, as more came than the socket holds: read the lists again.
    Lost,
}

impl Listener {
    /// Subscribes in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] when the system has no descriptor left or the kernel lacks a group.
    pub fn open(groups: &[Group]) -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE).map_err(failed("open"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        for group in groups {
            socket.add_membership(group.number()).map_err(failed("subscribe"))?;
        }
        Ok(Self { socket, buffer: vec![0; 8192] })
    }

    /// Subscribes in another network namespace, as [`Socket::open_in`](crate::Socket::open_in) does.
    ///
    /// # Errors
    ///
    /// [`Error::Namespace`], or what [`Listener::open`] answers.
    pub fn open_in(namespace: BorrowedFd<'_>, groups: &[Group]) -> Result<Self> {
        in_namespace(namespace, || Self::open(groups))?
    }

    /// What has come, without waiting; `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the socket breaks.
    pub fn receive(&mut self) -> Result<Option<Heard>> {
        let length = match receive_whole(self.socket.as_fd(), &mut self.buffer, RecvFlags::DONTWAIT) {
            Ok(length) => length,
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::NOBUFS) => return Ok(Some(Heard::Lost)),
            Err(errno) => return Err(broken(errno)),
        };
        let decoded = messages(&self.buffer[..length]).filter_map(|(_, bytes)| {
            match NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).ok()?.payload {
                NetlinkPayload::InnerMessage(message) => Some(message),
                _ => None,
            }
        });
        Ok(Some(Heard::Messages(decoded.collect())))
    }

    /// Waits until something comes, at most until the deadline; `None` if nothing came.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the socket breaks.
    pub fn wait(&mut self, deadline: Instant) -> Result<Option<Heard>> {
        loop {
            if let Some(heard) = self.receive()? {
                return Ok(Some(heard));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut wait = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut wait, Some(&timespec(left))) {
                Ok(0) => return Ok(None),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(broken(errno)),
            }
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: time.subsec_nanos().into() }
}

fn broken(errno: Errno) -> Error {
    Error::Transport {
        operation: "listen to notifications".to_owned(),
        step: "receive",
        source: errno.into(),
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_network_is_not_waited_for_longer_than_asked() {
        let mut listener = Listener::open(&[]).unwrap();
        assert_eq!(listener.receive().unwrap(), None);
        let begin = Instant::now();
        assert_eq!(listener.wait(begin + Duration::from_millis(20)).unwrap(), None);
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }
}
