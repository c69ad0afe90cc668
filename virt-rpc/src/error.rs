//! What can go wrong with a connection, and how errors of calls look on the wire.

use std::io;

use virt_types::{ErrorCode, ErrorDomain};

use crate::frame::FrameError;

/// Why a connection cannot be made, or has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What it said.
        source: io::Error,
    },
    /// TLS, or a file that it needs.
    #[error("cannot {doing}: {source}")]
    Tls {
        /// What was tried.
        doing: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One side does not want the other.
    #[error("{0}")]
    Refused(&'static str),
    /// The peer sent what is no message.
    #[error("the peer sent what is no message: {0}")]
    Frame(#[from] FrameError),
    /// The peer closed the connection.
    #[error("end of file while reading data")]
    Ended,
    /// The peer did not answer keepalive.
    #[error("connection closed due to keepalive timeout")]
    Silent,
    /// This side closed the connection.
    #[error("client socket is closed")]
    Closed,
}

impl Error {
    #[cfg(feature = "tls")]
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |source| Self::Io { doing, source }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls<E>(doing: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doing = doing.into();
        |source| Self::Tls { doing, source: source.into() }
    }

    /// What libvirt's client says of it; the caller adds the cause.
    pub(crate) fn to_call_error(&self) -> virt_types::Error {
        let code = match self {
            Self::Io { .. } | Self::Tls { .. } | Self::Ended => ErrorCode::SystemError,
            Self::Frame(_) | Self::Refused(_) => ErrorCode::Rpc,
            Self::Silent | Self::Closed => ErrorCode::InternalError,
        };
        virt_types::Error::new(code, ErrorDomain::Rpc, self.to_string())
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        error.to_call_error().caused_by(error)
    }
}

/// An error of the protocol itself (`VIR_ERR_RPC`).
pub(crate) fn protocol(text: impl Into<String>) -> virt_types::Error {
    virt_types::Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, text)
}
