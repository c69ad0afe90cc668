//! Guests as processes: starting them, holding them by their monitor, finding them again.

mod agent;
mod ask;
mod backend;
mod companions;
mod connections;
mod counters;
mod event;
mod files;
mod filters;
mod group;
mod guest;
mod launch;
mod live_cpu;
mod log;
mod missing;
mod monitor;
mod needs;
mod plug;
mod ports;
mod raw_events;
mod removals;
mod saved;
mod secrets;
mod settle;
mod silence;
mod status;
mod taint;
mod volumes;

pub(crate) use agent::{Said, not_configured, refused, unresponsive};
pub(crate) use ask::balloon_path;
pub use backend::QemuBackend;
pub use guest::Guest;
pub(crate) use removals::Removal;
pub(crate) use saved::{SaveOptions, document, rewrite, send};
