//! Connections.

use super::PROGRAM;
use crate::table::procedures;

procedures! { PROGRAM:
    /// Opens the connection to a driver, on which the other calls depend.
    1 ConnectOpen "virConnectOpen" {
        args ConnectOpenArgs { name: Option<String>, flags: u32 }
        access [Connect.getattr]
        since "<=1.2.7"
    }

    /// Ends the connection.
    2 ConnectClose "virConnectClose" {
        since "<=1.2.7"
    }
}
