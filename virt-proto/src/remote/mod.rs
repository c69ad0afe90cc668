//! The program `remote`: connections and all their objects.

mod connect;
mod limits;
mod object;

use crate::{Program, Row, table::in_order};

pub use connect::*;
pub use limits::*;
pub use object::*;

/// The program.
pub static PROGRAM: Program = Program { name: "remote", number: 0x2000_8086, version: 1, rows: || &ROWS };

static ROWS: [&Row; 2] = in_order(&[connect::ROWS]);
