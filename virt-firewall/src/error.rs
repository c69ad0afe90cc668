//! What can go wrong.

use virt_types::{ErrorCode, ErrorDomain};

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why rules could not be laid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is not installed.
    #[error("Cannot find '{0}' in path")]
    Missing(&'static str),
    /// The program could not be run.
    #[error("cannot run '{command}'")]
    Run {
        /// What was run.
        command: String,
        /// The reason.
        source: virt_sys::Error,
    },
    /// The program refused, and says why.
    #[error("Failed to apply firewall command '{command}': {said}")]
    Refused {
        /// What was run.
        command: String,
        /// Its words on standard error.
        said: String,
    },
    /// The program's listing could not be understood.
    #[error("cannot read what '{command}' lists")]
    Listing {
        /// What was run.
        command: String,
        /// The reason.
        source: serde_json::Error,
    },
}

impl Error {
    const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("install the package nftables, or iptables"),
            Self::Refused { .. } => {
                Some("the kernel's netfilter modules (nf_tables, nf_nat, nf_conntrack) have to be there")
            }
            _ => None,
        }
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        let hint = error.hint();
        let converted = Self::new(ErrorCode::InternalError, ErrorDomain::Firewall, error.to_string());
        let converted = match hint {
            Some(hint) => converted.with_hint(hint),
            None => converted,
        };
        converted.caused_by(error)
    }
}
