//! The program `remote`: connections and all their objects.

mod auth;
mod checkpoint;
mod connect;
mod domain;
mod event;
mod interface;
mod limits;
mod migration;
mod network;
mod node;
mod node_device;
mod nwfilter;
mod object;
mod program;
mod secret;
mod snapshot;
mod storage;

pub use auth::*;
pub use checkpoint::*;
pub use connect::*;
pub use domain::*;
pub use event::*;
pub use interface::*;
pub use limits::*;
pub use migration::*;
pub use network::*;
pub use node::*;
pub use node_device::*;
pub use nwfilter::*;
pub use object::*;
pub use program::PROGRAM;
pub use secret::*;
pub use snapshot::*;
pub use storage::*;
