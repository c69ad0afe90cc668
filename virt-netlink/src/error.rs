//! What can go wrong.

use std::io;

use netlink_packet_core::DecodeError;

use crate::{InvalidName, Refusal};

/// The result of an operation over netlink.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation over netlink that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No socket could be opened.
    #[error("cannot {step} a netlink socket")]
    Open {
        /// What failed: `open`, `bind`, …
        step: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The network namespace could not be entered to open a socket in it.
    #[error("cannot enter the network namespace")]
    Namespace(#[source] io::Error),
    /// The kernel refused the request.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The request could not be sent or its answer not be received; whether it was carried out is unknown.
    #[error("cannot {operation}: netlink cannot {step}")]
    Transport {
        /// What was asked.
        operation: String,
        /// `send` or `receive`.
        step: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The answer was lost because the socket's receive buffer was full; whether the request was carried out is
    /// unknown.
    #[error("cannot tell whether the kernel did {operation}: its answer overran the receive buffer")]
    Overrun {
        /// What was asked.
        operation: String,
    },
    /// The kernel's answer is not one that we understand.
    #[error("cannot {operation}: the kernel's answer cannot be decoded")]
    Decode {
        /// What was asked.
        operation: String,
        /// What the decoder found.
        source: DecodeError,
    },
    /// The kernel acknowledged a request for information without giving it.
    #[error("cannot {operation}: the kernel's answer is empty")]
    Empty {
        /// What was asked.
        operation: String,
    },
    /// The list changed during each of several attempts to read it whole.
    #[error("cannot {operation}: the list changed during each of {attempts} attempts to read it")]
    DumpInterrupted {
        /// What was asked.
        operation: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Error {
    /// The kernel's refusal, if that is what failed the operation.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// True if the kernel says that there is no such interface.
    #[must_use]
    pub fn is_no_device(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.errno() == rustix::io::Errno::NODEV)
    }

    /// The same failure of an operation that the caller can name better, with names instead of numbers for example.
    #[must_use]
    pub fn with_operation(self, words: impl Into<String>) -> Self {
        match self {
            Self::Refused(refusal) => Self::from(refusal.with_operation(words.into())),
            Self::Transport { step, source, .. } => Self::Transport { operation: words.into(), step, source },
            Self::Overrun { .. } => Self::Overrun { operation: words.into() },
            Self::Decode { source, .. } => Self::Decode { operation: words.into(), source },
            Self::Empty { .. } => Self::Empty { operation: words.into() },
            Self::DumpInterrupted { attempts, .. } => {
                Self::DumpInterrupted { operation: words.into(), attempts }
            }
            other => other,
        }
    }

    /// Words a refusal for the operation; see [`Refusal::explain`].
    pub(crate) fn explain(self, words: impl FnOnce(rustix::io::Errno) -> Option<String>) -> Self {
        match self {
            Self::Refused(refusal) => {
                let explanation = words(refusal.errno());
                Self::from(refusal.explain(explanation))
            }
            other => other,
        }
    }
}
