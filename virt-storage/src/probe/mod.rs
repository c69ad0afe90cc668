//! What a file, directory or device is, found out by looking at it.

mod backing;
mod header;
mod place;

pub use header::{BackingName, Encrypted, Header, MAX_HEADER};
pub(crate) use place::{describe_directory, discover, refresh, wiped};
