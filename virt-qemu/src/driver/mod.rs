//! The driver's implementation of the contract: thin methods over the engine and the guests.

mod capabilities;
mod connection;
mod console;
mod domains;
mod host;
mod hypervisor;
mod stats;

pub use connection::{Directories, QemuConnection, QemuDriver};
pub use virt_domain::Limits;

#[cfg(test)]
mod tests;
