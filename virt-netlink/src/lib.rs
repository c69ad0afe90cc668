#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attribute;
mod errno;
mod error;
mod extack;
pub mod link;
#[cfg(feature = "monitor")]
pub mod monitor;
mod name;
mod refusal;
mod socket;

pub use error::{Error, Result};
pub use name::{InterfaceName, InvalidName};
pub use netlink_packet_route as packet;
pub use refusal::{Bounds, Refusal};
pub use socket::Socket;
