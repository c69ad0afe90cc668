//! Accepting clients.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use super::{Arrival, Server};
use crate::auth::Auth;
use crate::identity::{Identity, Peer, TransportKind};
use crate::io::Io;

/// Where clients arrive.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// How clients of a listener are treated.
#[derive(Debug)]
pub struct ListenerSettings {
    /// Whether they may only look.
    pub read_only: bool,
    /// What they have to show.
    pub auth: Auth,
}

impl Listener {
    /// A Unix socket that listens, such as one of [`virt_sys::unix::bind`] or of socket activation.
    ///
    /// # Errors
    /// Outside a runtime.
    pub fn unix(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self(Kind::Unix(UnixListener::from_std(listener)?)))
    }

    /// A TCP socket that listens.
    ///
    /// # Errors
    /// Outside a runtime.
    pub fn tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self(Kind::Tcp(TcpListener::from_std(listener)?)))
    }

    async fn accept(&self) -> io::Result<(Io, Arrival)> {
        match &self.0 {
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let stream = stream.into_std()?;
                let peer = Peer::of(&stream);
                Ok((Io::unix(stream)?, Arrival::unix(peer)))
            }
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let arrival = Arrival {
                    transport: TransportKind::Tcp,
                    address: address.to_string(),
                    identity: Identity::default(),
                };
                Ok((Io::tcp(stream.into_std()?)?, arrival))
            }
        }
    }
}

/// Accepts clients until the server shuts down.
pub(super) async fn run(server: Server, listener: Listener, settings: ListenerSettings) {
    let settings = Arc::new(settings);
    let mut refused = false;
    while server.0.room.has_place().await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.0.room.closed() => break,
        };
        match accepted {
            Ok((io, arrival)) => {
                refused = false;
                let place = server.0.room.take();
                tokio::spawn(server.clone().serve(place, io, arrival, Arc::clone(&settings)));
            }
            Err(error) if is_of_one_client(&error) => {
                log::debug!("a client left before it was accepted: {error}")
            }
            Err(error) => {
                // Out of descriptors or memory: the client waits in the kernel's queue, and asking at once again would
                // keep a processor busy.
                if !std::mem::replace(&mut refused, true) {
                    log::error!("{}: cannot accept a client: {error}", server.name());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
