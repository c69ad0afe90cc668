//! Domains.

pub(super) mod block;
pub(super) mod cpu;
pub(super) mod define;
pub(super) mod device;
pub(super) mod guest;
pub(super) mod lifecycle;
pub(super) mod lookup;
pub(super) mod memory;
pub(super) mod save;
pub(super) mod security;
pub(super) mod statistics;
pub(super) mod tuning;

pub use block::*;
pub use cpu::*;
pub use define::*;
pub use device::*;
pub use guest::*;
pub use lifecycle::*;
pub use lookup::*;
pub use memory::*;
pub use save::*;
pub use security::*;
pub use statistics::*;
pub use tuning::*;
