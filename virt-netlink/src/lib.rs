#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod address;
mod attribute;
mod channel;
mod errno;
mod error;
mod extack;
pub mod generic;
pub mod link;
mod listener;
#[cfg(feature = "monitor")]
pub mod monitor;
mod name;
pub mod neighbour;
mod refusal;
pub mod route;
mod socket;
pub mod tc;
pub mod uevent;

pub use channel::in_namespace;
pub use error::{Error, Result};
pub use listener::{Group, Heard, Listener};
pub use name::{InterfaceName, InvalidName};
pub use netlink_packet_route as packet;
pub use refusal::{Bounds, Refusal};
pub use socket::{Request, Socket};
