//! TLS credentials as objects.

use std::path::Path;

use crate::plan::Props;

/// Which side of a connection QEMU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsEndpoint {
    /// QEMU listens; whether clients have to show a certificate.
    Server {
        /// Clients have to show a certificate.
        verify_peer: bool,
    },
    /// QEMU connects, and always checks the server's certificate.
    Client,
}

/// The object with the X.509 certificates of a directory; `password_id` names the secret that their key is encrypted
/// with.
#[must_use]
pub fn tls_creds_x509(id: &str, dir: &Path, endpoint: TlsEndpoint, password_id: Option<&str>) -> Props {
    let (name, verify_peer) = match endpoint {
        TlsEndpoint::Server { verify_peer } => ("server", verify_peer),
        TlsEndpoint::Client => ("client", true),
    };
    Props::new()
        .str("qom-type", "tls-creds-x509")
        .str("id", id)
        .str("dir", dir.display().to_string())
        .str("endpoint", name)
        .bool("verify-peer", verify_peer)
        .opt_str("passwordid", password_id)
}
