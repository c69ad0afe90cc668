//! The driver's implementation of the contract: thin methods over the engine and the guests.

mod agent;
mod block_jobs;
mod calls;
mod capabilities;
mod connection;
mod core_dump;
mod define;
mod devices;
mod disks;
mod domains;
mod graphics;
mod hold;
pub(crate) mod host;
mod hot_cpu;
mod hypervisor;
mod inspect;
mod jobs;
mod kept;
mod keys;
mod lifecycle;
mod list;
mod live_update;
mod memory;
mod metadata;
mod monitor;
mod peek;
mod refusal;
mod saved;
mod screenshot;
mod sides;
mod statistics;
mod streams;
mod temporary;
mod tuning;
mod vcpus;

pub use connection::{Directories, QemuConnection, QemuDriver};
pub use hypervisor::API_VERSION;
pub use virt_domain::Limits;

use statistics::interface::find as interface_named;
pub(crate) use streams::Sessions;

#[cfg(test)]
mod tests;
