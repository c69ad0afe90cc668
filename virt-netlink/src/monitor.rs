//! The asynchronous stream of notifications: links, addresses, routes, neighbours.

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

use crate::address::{self, Address};
use crate::link::Link;
use crate::neighbour::{self, Neighbour};
use crate::route::{self, Route};
use crate::{Error, Group, Result};

/// Events that wait for a slow reader before they are given up for [`Event::Lost`].
const QUEUE: usize = 1024;

/// Something that happened to the network of the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A link appeared or changed; this is how it is now.
    LinkChanged(Box<Link>),
    /// A link was deleted; this is how it last was.
    LinkDeleted(Box<Link>),
    /// An address appeared or changed, also when the detection of duplicates has ended.
    AddressChanged(Box<Address>),
    /// An address was deleted.
    AddressDeleted(Box<Address>),
    /// A route was added or changed.
    RouteChanged(Box<Route>),
    /// A route was deleted.
    RouteDeleted(Box<Route>),
    /// More is known of a neighbour than was.
    NeighbourChanged(Box<Neighbour>),
    /// A neighbour was forgotten.
    NeighbourDeleted(Box<Neighbour>),
    /// Events were lost, because the kernel or the reader could not keep up: read the lists again.
    Lost,
}

/// A subscription to the notifications of a network namespace, on a socket of its own.
///
/// Subscribe first and read the lists then, so that no change falls between the two.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> virt_netlink::Result<()> {
/// use virt_netlink::Group;
/// use virt_netlink::monitor::{Event, Monitor};
///
/// let mut monitor = Monitor::subscribe(&[Group::Links])?;
/// while let Some(event) = monitor.next().await {
///     if let Event::LinkDeleted(link) = event {
///         println!("{} is gone", link.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Monitor {
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
    pub fn subscribe(groups: &[Group]) -> Result<Self> {
        let failed = |step| move |source| Error::Open { step, source };
        let (mut connection, _, mut messages) =
            new_connection::<RouteNetlinkMessage>(NETLINK_ROUTE).map_err(failed("open"))?;
        let socket = connection.socket_mut().socket_mut();
        // The kernel's notifications pass by a socket that has no port number yet.
        socket.bind_auto().map_err(failed("bind"))?;
        for group in groups {
            socket.add_membership(group.number()).map_err(failed("subscribe"))?;
        }

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
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands events on without ever waiting for the reader, until the notifications or the reader end.
async fn feed(
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<NetlinkMessage<RouteNetlinkMessage>>>,
    events: mpsc::Sender<Event>,
) {
    let mut lost = false;
    loop {
        tokio::select! {
            message = poll_fn(&mut next) => match message.map(event) {
                // What comes before the loss is told is covered by the list that the reader takes then.
                Some(Some(Event::Lost)) => lost = true,
                Some(Some(event)) if !lost => lost = events.try_send(event).is_err(),
                Some(_) => {}
                None => return,
            },
            room = events.reserve(), if lost => match room {
                Ok(room) => {
                    room.send(Event::Lost);
                    lost = false;
                }
                Err(_) => return,
            },
        }
    }
}

fn event(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Event> {
    let message = match message.payload {
        NetlinkPayload::InnerMessage(message) => message,
        NetlinkPayload::Overrun(_) => return Some(Event::Lost),
        _ => return None,
    };
    match message {
        RouteNetlinkMessage::NewLink(link) => Some(Event::LinkChanged(Box::new(link.into()))),
        RouteNetlinkMessage::DelLink(link) => Some(Event::LinkDeleted(Box::new(link.into()))),
        RouteNetlinkMessage::NewAddress(message) => {
            address::read(message).map(|address| Event::AddressChanged(Box::new(address)))
        }
        RouteNetlinkMessage::DelAddress(message) => {
            address::read(message).map(|address| Event::AddressDeleted(Box::new(address)))
        }
        RouteNetlinkMessage::NewRoute(message) => {
            route::read(message).map(|route| Event::RouteChanged(Box::new(route)))
        }
        RouteNetlinkMessage::DelRoute(message) => {
            route::read(message).map(|route| Event::RouteDeleted(Box::new(route)))
        }
        RouteNetlinkMessage::NewNeighbour(message) => {
            neighbour::read(&message).map(|neighbour| Event::NeighbourChanged(Box::new(neighbour)))
        }
        RouteNetlinkMessage::DelNeighbour(message) => {
            neighbour::read(&message).map(|neighbour| Event::NeighbourDeleted(Box::new(neighbour)))
        }
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
                    Some(Event::LinkChanged(link)) => Some(link.index),
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
