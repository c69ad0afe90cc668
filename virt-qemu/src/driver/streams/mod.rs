//! Calls that answer with a stream of bytes.

mod channel;
mod console;
mod memory;
mod session;

pub(super) use channel::open as open_channel;
pub(super) use console::open as open_console;
pub(super) use memory::MemoryStream;
pub(crate) use session::Sessions;
