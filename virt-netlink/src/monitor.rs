//! The asynchronous stream of link notifications.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_proto::new_connection;
use netlink_proto::sys::AsyncSocket;
use netlink_proto::sys::protocols::NETLINK_ROUTE;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::link::Link;
use crate::{Error, Result};

/// `RTNLGRP_LINK` of `linux/rtnetlink.h`.
const RTNLGRP_LINK: u32 = 1;

/// Events that wait for a slow reader before they are given up for [`LinkEvent::Lost`].
const QUEUE: usize = 1024;

/// Something that happened to the links of the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// A link appeared or changed; this is how it is now.
    Changed(Box<Link>),
    /// A link was deleted; this is how it last was.
    Deleted(Box<Link>),
    /// Events were lost, because the kernel or the reader could not keep up: read the list again
    /// ([`link::list`](crate::link::list)).
    Lost,
}

/// A subscription to the link notifications of a network namespace, on a socket of its own.
///
/// Subscribe first and list the links then, so that no change falls between the two.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> virt_netlink::Result<()> {
/// use virt_netlink::monitor::{LinkEvent, LinkMonitor};
///
/// let mut monitor = LinkMonitor::subscribe()?;
/// while let Some(event) = monitor.next().await {
///     if let LinkEvent::Deleted(link) = event {
///         println!("{} is gone", link.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LinkMonitor {
    events: mpsc::Receiver<LinkEvent>,
    task: JoinHandle<()>,
}

impl LinkMonitor {
    /// Subscribes in the calling thread's network namespace. The stream is fed by a task on the current tokio
    /// runtime, which needs its I/O driver; it ends with this value.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] when no socket can be opened.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn subscribe() -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let (mut connection, _, mut messages) =
            new_connection::<RouteNetlinkMessage>(NETLINK_ROUTE).map_err(failed("open"))?;
        let socket = connection.socket_mut().socket_mut();
        // The kernel's notifications pass by a socket that has no port number yet.
        socket.bind_auto().map_err(failed("bind"))?;
        socket.add_membership(RTNLGRP_LINK).map_err(failed("subscribe"))?;

        let (sender, events) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let next = |context: &mut Context<'_>| {
                pin!(messages.recv()).poll(context).map(|received| received.ok().map(|(message, _)| message))
            };
            tokio::join!(connection, feed(next, sender));
        });
        Ok(Self { events, task })
    }

    /// Waits for the next event; `None` when the socket broke, after which events were missed.
    pub async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }
}

impl Drop for LinkMonitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands events on without ever waiting for the reader, until the notifications or the reader end.
async fn feed(
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<NetlinkMessage<RouteNetlinkMessage>>>,
    events: mpsc::Sender<LinkEvent>,
) {
    let mut lost = false;
    loop {
        tokio::select! {
            message = poll_fn(&mut next) => match message.map(event) {
                // What comes before the loss is told is covered by the list that the reader takes then.
                Some(Some(LinkEvent::Lost)) => lost = true,
                Some(Some(event)) if !lost => lost = events.try_send(event).is_err(),
                Some(_) => {}
                None => return,
            },
            room = events.reserve(), if lost => match room {
                Ok(room) => {
                    room.send(LinkEvent::Lost);
                    lost = false;
                }
                Err(_) => return,
            },
        }
    }
}

fn event(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<LinkEvent> {
    match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => {
            Some(LinkEvent::Changed(Box::new(link.into())))
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => {
            Some(LinkEvent::Deleted(Box::new(link.into())))
        }
        NetlinkPayload::Overrun(_) => Some(LinkEvent::Lost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkHeader;
    use netlink_packet_route::link::LinkMessage;

    use super::*;

    fn changed(index: u32) -> NetlinkMessage<RouteNetlinkMessage> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        NetlinkMessage::from(RouteNetlinkMessage::NewLink(link))
    }

    fn overrun() -> NetlinkMessage<RouteNetlinkMessage> {
        NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::Overrun(Vec::new()))
    }

    /// The first `count` events, and no more, that a reader sees who begins to read when all messages have come
    /// and whose queue has room for `queue`; `None` is a loss.
    async fn seen(
        messages: Vec<NetlinkMessage<RouteNetlinkMessage>>,
        queue: usize,
        count: usize,
    ) -> Vec<Option<u32>> {
        let (sender, mut events) = mpsc::channel(queue);
        let mut messages = messages.into_iter();
        let next = |_: &mut Context<'_>| match messages.next() {
            Some(message) => Poll::Ready(Some(message)),
            None => Poll::Pending,
        };
        let reader = async {
            let mut seen = Vec::new();
            for _ in 0..count {
                seen.push(match events.recv().await {
                    Some(LinkEvent::Changed(link)) => Some(link.index),
                    _ => None,
                });
            }
            tokio::task::yield_now().await;
            assert_eq!(events.try_recv(), Err(mpsc::error::TryRecvError::Empty));
            seen
        };
        // The feed has its turn first and takes every message without waiting for the reader.
        tokio::select! {
            biased;
            () = feed(next, sender) => panic!("the feed ended"),
            seen = reader => seen,
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn events_come_in_order() {
        assert_eq!(seen(vec![changed(1), changed(2), changed(3)], 8, 3).await, [Some(1), Some(2), Some(3)]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_ends_in_a_loss_that_is_told_once() {
        let messages = (1..=6).map(changed).collect();
        assert_eq!(seen(messages, 2, 3).await, [Some(1), Some(2), None]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_kernels_overrun_is_a_loss() {
        assert_eq!(seen(vec![changed(1), overrun()], 8, 2).await, [Some(1), None]);
    }
}
