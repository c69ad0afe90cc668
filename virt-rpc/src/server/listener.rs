//! Accepting clients.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

#[cfg(feature = "tls")]
use super::room::Place;
use super::{Arrival, Server};
use crate::auth::Auth;
use crate::identity::{Peer, TransportKind};
use crate::io::Io;
#[cfg(feature = "tls")]
use crate::tls::TlsServer;

/// Where clients arrive.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Unix(UnixListener),
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, TlsServer),
}

/// A handshake that takes longer is given up, so that nobody holds a place without a word.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A client at the door.
enum Accepted {
    In(Io, Arrival),
    #[cfg(feature = "tls")]
    Handshake(std::net::TcpStream, Arrival, TlsServer),
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

    /// A TCP socket that listens, for clients that speak TLS from the first byte.
    ///
    /// # Errors
    /// Outside a runtime.
    #[cfg(feature = "tls")]
    pub fn tls(listener: std::net::TcpListener, tls: TlsServer) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self(Kind::Tls(TcpListener::from_std(listener)?, tls)))
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match &self.0 {
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let stream = stream.into_std()?;
                let peer = Peer::of(&stream).ok();
                Ok(Accepted::In(Io::unix(stream)?, Arrival::unix(peer)))
            }
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let arrival = Arrival::tcp(TransportKind::Tcp, address);
                Ok(Accepted::In(Io::tcp(stream.into_std()?)?, arrival))
            }
            #[cfg(feature = "tls")]
            Kind::Tls(listener, tls) => {
                let (stream, address) = listener.accept().await?;
                let arrival = Arrival::tcp(TransportKind::Tls, address);
                Ok(Accepted::Handshake(stream.into_std()?, arrival, tls.clone()))
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
            Ok(accepted) => {
                refused = false;
                let place = server.0.room.take();
                let (server, settings) = (server.clone(), Arc::clone(&settings));
                match accepted {
                    Accepted::In(io, arrival) => {
                        tokio::spawn(server.serve(place, io, arrival, settings));
                    }
                    #[cfg(feature = "tls")]
                    Accepted::Handshake(stream, arrival, tls) => {
                        tokio::spawn(shake_hands(server, place, stream, arrival, tls, settings));
                    }
                }
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

/// Lets a client in that has a good certificate.
#[cfg(feature = "tls")]
async fn shake_hands(
    server: Server,
    place: Arc<Place>,
    stream: std::net::TcpStream,
    mut arrival: Arrival,
    tls: TlsServer,
    settings: Arc<ListenerSettings>,
) {
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => accepted,
        () = server.0.room.closed() => return,
    };
    match accepted {
        Ok(Ok((io, dname))) => {
            arrival.identity.x509_dname = dname;
            // What the handshake needed is gone by then.
            tokio::spawn(server.serve(place, io, arrival, settings));
        }
        Ok(Err(error)) => {
            log::warn!("{}: the client at {} is refused: {error}", server.name(), arrival.address)
        }
        Err(_) => {
            log::warn!("{}: the client at {} does not finish its handshake", server.name(), arrival.address)
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
