#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod address;
pub mod bridge;
pub mod dellink;
mod error;
mod ioctl;
pub mod link;
pub mod macvlan;
mod namespace;
pub mod neighbour;
mod readback;
pub mod route;
pub mod tap;

pub use error::{Error, Result};
pub use virt_netlink::link::{Details, Link};
pub use virt_netlink::{InterfaceName, InvalidName, Socket};
