//! Reaching a peer by its URI, as libvirt's clients do.
//!
//! ```no_run
//! # async fn example() -> virt_types::Result<()> {
//! use virt_driver::{Connection, Hypervisor};
//! use virt_rpc::remote::{self, RemoteUri};
//!
//! let uri: RemoteUri = "qemu+ssh://root@example.org/system".parse()?;
//! let connection = remote::open(&uri, false).await?;
//! println!("{}", connection.hostname().await?);
//! connection.close().await;
//! # Ok(()) }
//! ```

mod local;
mod process;
mod ssh;
mod uri;

use std::time::Duration;

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

pub use uri::{Mode, RemoteUri, Transport};

use crate::bind::{Channel, RemoteConnection};
use crate::{Io, RpcClient, keepalive};

/// How the peer is pinged: as virsh does it.
const KEEPALIVE: keepalive::Settings = keepalive::Settings { interval: Duration::from_secs(5), count: 5 };

/// Opens a connection to the driver that the URI names, at the peer that it names.
///
/// # Errors
/// Why the peer can not be reached or does not let this client in, and what its driver says.
pub async fn open(uri: &RemoteUri, read_only: bool) -> Result<RemoteConnection> {
    let (io, channel) = match uri.transport {
        Transport::Unix => (local::connect(uri, read_only)?, Channel { local: true, encrypted: false }),
        Transport::Tcp => {
            let io = Io::tcp(tcp(uri, 16_509).await?).map_err(|error| failed("use the socket", error))?;
            (io, Channel { local: false, encrypted: false })
        }
        Transport::Tls => (tls(uri).await?, Channel { local: false, encrypted: true }),
        Transport::Ssh => {
            (process::run(&ssh::command(uri, read_only)?)?, Channel { local: false, encrypted: true })
        }
        Transport::Ext => {
            let command = uri
                .command
                .clone()
                .ok_or_else(|| invalid("remote_open: for 'ext' transport, command is required"))?;
            (process::run(&[command])?, Channel { local: true, encrypted: false })
        }
    };
    let (rpc, events) = RpcClient::new(io);
    // Nobody is asked for a password here: what needs one is refused.
    rpc.authenticate(None, channel.local || channel.encrypted).await?;
    let name = uri.name();
    RemoteConnection::open(rpc, events, uri.to_string(), &name, read_only, channel, Some(KEEPALIVE)).await
}

async fn tcp(uri: &RemoteUri, port: u16) -> Result<std::net::TcpStream> {
    let host = uri.host.as_deref().unwrap_or("localhost");
    let port = uri.port.unwrap_or(port);
    let unreachable = |error| failed(&format!("connect to server at '{host}:{port}'"), error);
    let stream = tokio::net::TcpStream::connect((host, port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    stream.into_std().map_err(unreachable)
}

#[cfg(feature = "tls")]
async fn tls(uri: &RemoteUri) -> Result<Io> {
    use crate::tls::{Credentials, Side, TlsClient};

    let credentials = match &uri.pkipath {
        Some(directory) => Credentials::in_directory(directory, Side::Client),
        None => {
            let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
            // A user's own files come first; root's are those of the host.
            match home.filter(|_| !rustix::process::geteuid().is_root()) {
                Some(home) if home.join(".pki/libvirt/cacert.pem").exists() => {
                    Credentials::of_user(&home, Side::Client)
                }
                _ => Credentials::of_host(Side::Client),
            }
        }
    };
    let client = TlsClient::new(&credentials, !uri.no_verify)?;
    let stream = tcp(uri, 16_514).await?;
    Ok(client.connect(stream, uri.host.as_deref().unwrap_or("localhost")).await?)
}

#[cfg(not(feature = "tls"))]
async fn tls(_: &RemoteUri) -> Result<Io> {
    Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Remote, "this build has no TLS"))
}

fn failed(doing: &str, source: impl Into<std::io::Error>) -> Error {
    let source = source.into();
    Error::new(ErrorCode::SystemError, ErrorDomain::Rpc, format!("unable to {doing}: {source}"))
        .caused_by(source)
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Remote, text)
}
