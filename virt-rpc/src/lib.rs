//! libvirt's remote protocol over real connections: framing, transports, authentication, the server and the client.
//!
//! The procedures' own types are in `virt-proto`; here they are bytes that are brought to the right place. See
//! [`server`] for how to serve them, and [`client`] for how to call them.
#![forbid(unsafe_code)]

pub mod auth;
pub mod bind;
pub mod client;
mod error;
pub mod frame;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod identity;
mod io;
pub mod keepalive;
mod outgoing;
#[cfg(any(feature = "tls", feature = "sasl"))]
mod pattern;
pub mod remote;
pub mod server;
#[cfg(feature = "tls")]
pub mod tls;

pub use auth::Auth;
pub use client::RpcClient;
pub use error::Error;
pub use identity::{Identity, Peer, TransportKind};
pub use io::{ByteChannel, Io};
