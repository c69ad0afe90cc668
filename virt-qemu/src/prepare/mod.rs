//! What a start decides before it plans: a filled domain becomes the domain that will run.

mod boot;
mod graphics;

pub use graphics::{PortUse, Ports, PretendedPorts, graphics};

use virt_conf::domain::Domain;
use virt_types::Result;

use crate::alias;
use crate::block::number_images;
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

/// Turns a filled domain into the one that will run: ids of devices and images, the order in which devices are tried, addresses
/// and ports of displays.
///
/// # Errors
/// As [`graphics()`].
pub fn prepare(domain: &mut Domain, cx: &PrepareContext<'_>, ports: &mut dyn Ports) -> Result<()> {
    alias::assign(domain);
    number_images(domain);
    boot::assign(domain);
    graphics(domain, cx, ports)
}
