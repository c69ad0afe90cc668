#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod address;
pub mod bandwidth;
pub mod bridge;
pub mod dellink;
pub mod dummy;
mod error;
pub mod ethtool;
pub mod ifb;
mod ioctl;
mod kind;
pub mod link;
pub mod macvlan;
pub mod macvtap;
pub mod names;
mod namespace;
pub mod neighbour;
pub mod ovs;
mod readback;
pub mod route;
pub mod sriov;
pub mod sysfs;
pub mod tap;
pub mod veth;
pub mod vlan;
pub mod vxlan;

pub use error::{Error, Result};
pub use virt_netlink::link::{Details, Link};
pub use virt_netlink::{InterfaceName, InvalidName, Socket};
