//! TLS: libvirt's certificate files, who is let in, and the byte that says so.

mod credentials;
mod dname;
mod verify;

use std::fmt;
use std::net::TcpStream;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use credentials::{Credentials, Side};

use crate::error::Error;
use crate::io::Io;
use crate::pattern;

/// What the server says inside the session to a client that it lets in.
const WELCOME: u8 = 1;

/// The server's side of TLS.
#[derive(Clone)]
pub struct TlsServer {
    /// Shared by all clones, so that new files reach each of them.
    acceptor: Arc<RwLock<TlsAcceptor>>,
    allowed: Option<Arc<[String]>>,
    verifies: bool,
}

/// Whom a server lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsServerSettings {
    /// Whether clients have to show a certificate of the authority.
    pub verify: bool,
    /// Patterns (`*`, `?`) of distinguished names that are let in, such as `C=GB,O=Example,CN=*`; none for all. A
    /// client without a certificate has no name to compare.
    pub allowed_dnames: Option<Vec<String>>,
}

impl TlsServer {
    /// Reads the files. They are read once; see [`TlsServer::renew`].
    ///
    /// # Errors
    /// A file that is missing or wrong, by its name.
    pub fn new(credentials: &Credentials, settings: TlsServerSettings) -> Result<Self, Error> {
        Ok(Self {
            acceptor: Arc::new(RwLock::new(acceptor(credentials, settings.verify)?)),
            allowed: settings.allowed_dnames.map(Into::into),
            verifies: settings.verify,
        })
    }

    /// Reads files again, for this value and its clones: clients that come from now on are shown the new ones. Those that
    /// are connected stay.
    ///
    /// # Errors
    /// A file that is missing or wrong, by its name; then the old ones stay.
    pub fn renew(&self, credentials: &Credentials) -> Result<(), Error> {
        let acceptor = acceptor(credentials, self.verifies)?;
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    /// Does the handshake with a client that has come, checks its name, and says that it is in. Answers the
    /// transport and the distinguished name in the client's certificate.
    ///
    /// # Errors
    /// Why the client is not let in; it sees the connection end.
    pub async fn accept(&self, stream: TcpStream) -> Result<(Io, Option<String>), Error> {
        self.accept_over(prepare(stream)?).await
    }

    pub(crate) async fn accept_over<S>(&self, stream: S) -> Result<(Io, Option<String>), Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let acceptor = self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut session = acceptor.accept(stream).await.map_err(Error::io("do the TLS handshake"))?;
        let (_, state) = session.get_ref();
        let dname = match state.peer_certificates().and_then(<[_]>::first) {
            Some(certificate) => {
                Some(dname::of(certificate).ok_or(Error::Refused("its certificate has no name"))?)
            }
            None => None,
        };
        if self.verifies
            && let (Some(allowed), Some(dname)) = (&self.allowed, &dname)
            && !allowed.iter().any(|pattern| pattern::matches(pattern, dname))
        {
            log::warn!("the name '{dname}' of a client's certificate is not on the list of allowed ones");
            return Err(Error::Refused("the name in its certificate is not on the list of allowed ones"));
        }
        session.write_all(&[WELCOME]).await.map_err(Error::io("answer the TLS client"))?;
        session.flush().await.map_err(Error::io("answer the TLS client"))?;
        Ok((Io::channel(session), dname))
    }
}

fn acceptor(credentials: &Credentials, verify: bool) -> Result<TlsAcceptor, Error> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(Error::tls("set up TLS"))?;
    let builder = if verify {
        let verifier = WebPkiClientVerifier::builder_with_provider(credentials.authorities()?, provider)
            .with_crls(credentials.revoked()?)
            .allow_unknown_revocation_status()
            .build()
            .map_err(Error::tls("set up the check of client certificates"))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let (chain, key) = credentials.own()?;
    let mut config =
        builder.with_single_cert(chain, key).map_err(Error::tls("use the server's certificate"))?;
    // Connections live long; what would shorten the next handshake only takes memory.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The client's side of TLS.
#[derive(Clone)]
pub struct TlsClient(TlsConnector);

impl TlsClient {
    /// Reads the files; the own certificate may be missing, the authority's only if nothing is verified.
    ///
    /// # Errors
    /// A file that is missing or wrong, by its name.
    pub fn new(credentials: &Credentials, verify: bool) -> Result<Self, Error> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(Error::tls("set up TLS"))?;
        let verifier = if verify {
            verify::ServerVerifier::new(credentials.authorities()?, credentials.revoked()?, provider)?
        } else {
            verify::ServerVerifier::none(provider)
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let config = if credentials.has_own() {
            let (chain, key) = credentials.own()?;
            builder.with_client_auth_cert(chain, key).map_err(Error::tls("use the client's certificate"))?
        } else {
            builder.with_no_client_auth()
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Does the handshake with a server and waits to be let in.
    ///
    /// # Errors
    /// What is wrong with the server, or that it is content with this client.
    pub async fn connect(&self, stream: TcpStream, host: &str) -> Result<Io, Error> {
        let stream = prepare(stream)?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Refused("the server's name is not one that a certificate could have"))?;
        let mut session = self.0.connect(name, stream).await.map_err(Error::io("do the TLS handshake"))?;
        match session.read_u8().await {
            Ok(WELCOME) => Ok(Io::channel(session)),
            _ => Err(Error::Refused("server verification (of our certificate or IP address) failed")),
        }
    }
}

fn prepare(stream: TcpStream) -> Result<tokio::net::TcpStream, Error> {
    let prepare = || {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        tokio::net::TcpStream::from_std(stream)
    };
    prepare().map_err(Error::io("take over a TCP connection"))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(tokio_rustls::rustls::crypto::ring::default_provider())
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer")
            .field("allowed", &self.allowed)
            .field("verifies", &self.verifies)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClient")
    }
}

#[cfg(test)]
mod tests;
