//! Who is at the other end.

pub use virt_sys::unix::Peer;

/// How a client came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// A Unix socket.
    Unix,
    /// Plain TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl TransportKind {
    /// The number of the administration protocol (`virClientTransport`).
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Unix => 0,
            Self::Tcp => 1,
            Self::Tls => 2,
        }
    }
}

/// What is known of a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Its process, on a Unix socket.
    pub peer: Option<Peer>,
    /// The user name that SASL confirmed.
    pub sasl_user: Option<String>,
    /// The distinguished name in the TLS certificate that it showed, in libvirt's form (`C=…,O=…,CN=…`).
    pub x509_dname: Option<String>,
}
