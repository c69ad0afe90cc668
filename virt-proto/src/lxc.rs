//! The program `lxc`: what only containers have. It shares the connection with `remote`.

use crate::remote::Domain;
use crate::table::procedures;
use crate::{Program, Row, table::in_order};

/// The program.
pub static PROGRAM: Program = Program { name: "lxc", number: 0x0006_8000, version: 1, rows: || &IN_ORDER };

static IN_ORDER: [&Row; 1] = in_order(&[ROWS]);

procedures! { PROGRAM:
    /// Returns descriptors of a container's namespaces.
    1 DomainOpenNamespace "virDomainLxcOpenNamespace" {
        args DomainOpenNamespaceArgs { dom: Domain, flags: u32 }
        descriptors Reply
        access [Domain.open_namespace]
        since "<=1.2.7"
    }
}
