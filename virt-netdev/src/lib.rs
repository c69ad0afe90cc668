#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod bridge;
pub mod dellink;
mod error;
pub mod link;
pub mod macvlan;
mod readback;
pub mod tap;

pub use error::{Error, Result};
pub use virt_netlink::link::{Details, Link};
pub use virt_netlink::{InterfaceName, InvalidName, Socket};
