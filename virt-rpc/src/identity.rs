//! Who is at the other end.

use std::os::fd::AsFd;

use virt_sys::Pid;

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

/// The process behind a Unix socket, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process id when it connected.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl Peer {
    /// The process at the other end of a Unix socket (`SO_PEERCRED`).
    #[must_use]
    pub fn of(socket: impl AsFd) -> Option<Self> {
        let peer = rustix::net::sockopt::socket_peercred(socket).ok()?;
        Some(Self { pid: Pid::as_raw(Some(peer.pid)), uid: peer.uid.as_raw(), gid: peer.gid.as_raw() })
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
