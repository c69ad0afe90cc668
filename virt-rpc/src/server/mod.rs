//! Serving clients.
//!
//! A [`Server`] accepts connections on its listeners and gives each client one task, which reads, answers and writes.
//! What is served is a [`Service`], bytes in and bytes out: the protocol's own rules (framing, what is answered to
//! nonsense, authentication, limits, keepalive, streams, descriptors) are here, and the procedures are there.
//!
//! - A call whose answer is there at once costs one read and one write. Others go on in a task of their own and are
//!   answered when they are done, in whatever order; so nothing waits behind a slow call, and a client whose
//!   limit of calls in progress is reached still gets priority calls and keepalive through.
//! - An idle connection holds no buffer, no queue and no timer.
//! - Everything that waits for a client is bounded; see [`Limits`].

mod call;
mod client;
mod connection;
mod gate;
mod limits;
mod listener;
mod pump;
mod room;
mod service;
mod stream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

pub use crate::outgoing::EventBody;
pub use client::Client;
pub use limits::Limits;
pub use listener::{Listener, ListenerSettings};
pub use pump::Carry;
pub use service::{Answer, Call, LookUp, Priority, Reply, Service, Session, StreamRunner};
pub use stream::{Input, Stream};

use client::{Ending, lock};
use connection::{Connection, Over};
use gate::Gate;
use room::Room;

use crate::identity::{Identity, Peer, TransportKind};
use crate::io::Io;
use crate::keepalive;

/// A server: a name, what it serves, its limits, and the clients of all of its listeners. Clones are the same server.
///
/// ```
/// use std::sync::Arc;
/// use virt_rpc::server::{Answer, Call, Client, Limits, LookUp, Priority, Reply, Server, Service, Session};
///
/// struct Echo;
/// impl Service for Echo {
///     fn open(&self, _: &Client) -> Arc<dyn Session> { Arc::new(Self) }
/// }
/// impl Session for Echo {
///     fn look_up(&self, program: u32, _: u32, procedure: i32) -> LookUp {
///         match (program, procedure) {
///             (7, 1) => LookUp::Procedure(Priority::High),
///             (7, _) => LookUp::NoProcedure,
///             _ => LookUp::NoProgram,
///         }
///     }
///     fn call(&self, call: Call<'_>) -> Answer {
///         Answer::Now(Ok(Reply::new(call.payload.to_vec())))
///     }
/// }
///
/// let server = Server::new("echo", Arc::new(Echo), Limits::default(), None);
/// assert_eq!(server.clients().len(), 0);
/// ```
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    name: String,
    service: Arc<dyn Service>,
    keepalive: Option<keepalive::Settings>,
    room: Room,
    clients: Mutex<BTreeMap<u64, Client>>,
}

impl Server {
    /// A server without listeners. `keepalive` says how clients that agreed to it are pinged; they are not without.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        service: Arc<dyn Service>,
        limits: Limits,
        keepalive: Option<keepalive::Settings>,
    ) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            service,
            keepalive,
            room: Room::new(limits),
            clients: Mutex::default(),
        }))
    }

    /// Its name, as administrators see it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.room.limits()
    }

    /// Changes the limits. Clients that are connected keep those on calls and queues; the numbers of clients hold from
    /// the next one on.
    pub fn set_limits(&self, limits: Limits) {
        self.0.room.set_limits(limits);
    }

    /// The clients, in the order in which they came.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.0.clients).values().cloned().collect()
    }

    /// The client with this number.
    #[must_use]
    pub fn client(&self, id: u64) -> Option<Client> {
        lock(&self.0.clients).get(&id).cloned()
    }

    /// How many clients are connected, and how many of these are not authenticated yet.
    #[must_use]
    pub fn client_counts(&self) -> (usize, usize) {
        self.0.room.counts()
    }

    /// Accepts clients until the server shuts down.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn listen(&self, listener: Listener, settings: ListenerSettings) {
        tokio::spawn(listener::run(self.clone(), listener, settings));
    }

    /// Serves a Unix socket that is connected already, whatever the limits on clients.
    ///
    /// # Errors
    /// Outside a runtime, or for what the kernel cannot watch.
    pub fn adopt(&self, socket: UnixStream, settings: ListenerSettings) -> std::io::Result<()> {
        let arrival = Arrival::unix(Peer::of(&socket).ok());
        let io = Io::unix(socket)?;
        let place = self.0.room.take();
        tokio::spawn(self.clone().serve(place, io, arrival, Arc::new(settings)));
        Ok(())
    }

    /// Serves what is connected in another way, as a client that nobody knows.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn adopt_io(&self, io: Io, auth: crate::Auth) {
        let settings = Arc::new(ListenerSettings { read_only: false, auth });
        tokio::spawn(self.clone().serve(self.0.room.take(), io, Arrival::unix(None), settings));
    }

    /// Waits until every client has left.
    pub async fn idle(&self) {
        self.0.room.empty().await;
    }

    /// Stops accepting, lets calls in progress end and be answered, closes all connections, and comes back when that is
    /// done or the deadline is over; then the rest is cut off. Answers how many clients were.
    pub async fn shut_down(&self, deadline: Duration) -> usize {
        self.0.room.close();
        for client in self.clients() {
            client.drain();
        }
        if tokio::time::timeout(deadline, self.idle()).await.is_ok() {
            return 0;
        }
        let rest = self.clients();
        for client in &rest {
            client.end(Ending::Now("the server shuts down"));
        }
        self.idle().await;
        rest.len()
    }

    /// Runs a connection that is made, until it is over.
    async fn serve(self, place: Arc<room::Place>, io: Io, arrival: Arrival, settings: Arc<ListenerSettings>) {
        let limits = self.limits();
        let client = Client::new(
            place.id(),
            arrival.transport,
            arrival.address,
            settings.read_only,
            arrival.identity,
            &limits,
        );
        let session = self.0.service.open(&client);
        let gate = Gate::new(&settings.auth, &client, Arc::clone(&place));
        lock(&self.0.clients).insert(client.id(), client.clone());
        let connection = Connection::new(client.clone(), session, gate, io, limits, self.0.keepalive);
        let over = connection.run().await;
        lock(&self.0.clients).remove(&client.id());
        let (id, name) = (client.id(), &self.0.name);
        match over {
            Over::Well => log::debug!("{name}: client {id} left"),
            Over::Io(error) => log::debug!("{name}: client {id} left: {error}"),
            Over::Frame(error) => log::info!("{name}: client {id} is disconnected: {error}"),
            Over::Broke(why) => log::warn!("{name}: client {id} is disconnected: {why}"),
            Over::Silent => log::warn!("{name}: client {id} is disconnected: it does not answer keepalive"),
        }
        drop(place);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.0.name)
            .field("room", &self.0.room)
            .finish_non_exhaustive()
    }
}

/// How a client arrived.
struct Arrival {
    transport: TransportKind,
    address: String,
    identity: Identity,
}

impl Arrival {
    fn tcp(transport: TransportKind, address: SocketAddr) -> Self {
        Self { transport, address: address.to_string(), identity: Identity::default() }
    }

    fn unix(peer: Option<Peer>) -> Self {
        Self {
            transport: TransportKind::Unix,
            address: "127.0.0.1:0".to_owned(),
            identity: Identity { peer, ..Identity::default() },
        }
    }
}

#[cfg(test)]
mod auth_tests;
#[cfg(test)]
mod listener_tests;
#[cfg(test)]
mod tests;
