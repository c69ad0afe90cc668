//! Guests as processes: starting them, holding them by their monitor, finding them again.

mod backend;
mod event;
mod files;
mod guest;
mod launch;
mod log;
mod monitor;
mod needs;
mod ports;
mod settle;
mod silence;
mod status;

pub use backend::QemuBackend;
pub use guest::Guest;
