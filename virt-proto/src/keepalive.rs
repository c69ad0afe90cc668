//! The program `keepalive`: whether the other side is still there. Either side may ask, on any connection and before
//! anything else; serial and status are 0 and there is no payload.

use crate::table::procedures;
use crate::{Program, Row, table::in_order};

/// The program.
pub static PROGRAM: Program =
    Program { name: "keepalive", number: 0x6b65_6570, version: 1, rows: || &IN_ORDER };

static IN_ORDER: [&Row; 2] = in_order(&[ROWS]);

procedures! { PROGRAM:
    /// Asks the other side whether it is still there.
    1 Ping {
        direction Both
        priority High
        since "<=1.2.7"
    }

    /// Answers a ping.
    2 Pong {
        direction Both
        priority High
        since "<=1.2.7"
    }
}
