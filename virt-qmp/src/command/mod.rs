//! Commands of QEMU's, with their arguments and answers.
//!
//! Each command is a structure of its arguments, named like it, that implements [`Command`].
//! Members of answers that nobody here needs are left out and ignored when they come; take
//! [`Raw`] for the whole answer.

mod block;
mod cpu;
mod descriptor;
mod device;
mod display;
mod machine;
mod memory;
mod migration;
mod net;
mod object;
mod schema;

pub use block::*;
pub use cpu::*;
pub use descriptor::*;
pub use device::*;
pub use display::*;
pub use machine::*;
pub use memory::*;
pub use migration::*;
pub use net::*;
pub use object::*;
pub use schema::*;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A command: its arguments are what it serializes to, an object.
pub trait Command: Serialize {
    /// As it is written in `execute`.
    const NAME: &'static str;
    /// What comes back.
    type Reply: DeserializeOwned;
}

/// An answer without content, `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Empty {}

/// Arguments, or answers, whose members are decided elsewhere, in their order.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// The same command, its answer unread.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Raw<C>(pub C);

impl<C: Command> Command for Raw<C> {
    const NAME: &'static str = C::NAME;
    type Reply = Box<RawValue>;
}

#[cfg(test)]
pub(crate) mod tests;
