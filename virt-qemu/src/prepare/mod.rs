//! What a start decides before it plans: a filled domain becomes the domain that will run.

mod graphics;

pub use graphics::{PortUse, Ports, PretendedPorts, graphics};

use crate::caps::Capabilities;
use crate::config::Config;
use crate::host::Host;

/// What the decisions depend on.
#[derive(Debug, Clone, Copy)]
pub struct PrepareContext<'a> {
    /// What the binary can do.
    pub caps: &'a Capabilities,
    /// The driver's settings.
    pub config: &'a Config,
    /// The host.
    pub host: &'a Host,
}
