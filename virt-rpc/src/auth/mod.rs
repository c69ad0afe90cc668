//! How clients show who they are.
//!
//! A listener asks for one of the methods of [`Auth`]. What the methods need of the world is behind traits: where SASL
//! finds secrets ([`Secrets`]), and who decides for polkit ([`Authority`]).

mod polkit;
#[cfg(feature = "polkit")]
mod polkit_bus;
#[cfg(feature = "sasl")]
mod sasl;
#[cfg(feature = "sasl")]
mod secrets;

use std::fmt;
use std::sync::Arc;

use virt_types::{Error, ErrorCode, ErrorDomain};

pub(crate) use polkit::action;
pub use polkit::{Authority, NoAuthority, Subject, Verdict};
#[cfg(feature = "polkit")]
pub use polkit_bus::PolkitBus;
#[cfg(feature = "sasl")]
pub(crate) use sasl::{ClientExchange, Exchange, Progress};
#[cfg(feature = "sasl")]
pub use sasl::{Mechanism, SaslServer};
#[cfg(feature = "sasl")]
pub use secrets::{PasswordFile, ScramSecret, Secrets};

/// What a client of a listener has to show.
#[derive(Clone)]
#[non_exhaustive]
pub enum Auth {
    /// Nothing: the socket's permissions, or the TLS certificate, were enough.
    None,
    /// That polkit lets its process and user in. Root is let in without a question.
    Polkit(Arc<dyn Authority>),
    /// A user's password.
    #[cfg(feature = "sasl")]
    Sasl(Arc<SaslServer>),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Polkit(_) => "Polkit",
            #[cfg(feature = "sasl")]
            Self::Sasl(_) => "Sasl",
        })
    }
}

/// A user and password to show to a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What a client is told that is not let in, whatever the reason; the log says more.
pub(crate) fn failed() -> Error {
    Error::new(ErrorCode::AuthFailed, ErrorDomain::Rpc, "authentication failed")
}
