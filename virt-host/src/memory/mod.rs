//! The host's memory: how much, where, in which pages, and how equal pages are merged.

mod cells;
mod pages;
mod sharing;
mod stats;

pub(crate) use cells::node_memory;
pub use cells::{cells_free, free, last_node, nodes, total};
pub(crate) use pages::pools;
pub use pages::{allocate, free_pages, page_sizes};
pub use sharing::{parameters, set_parameters};
pub use stats::stats;

pub(crate) const NODE_DIR: &str = "/sys/devices/system/node";
