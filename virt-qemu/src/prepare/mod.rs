//! What a start decides before it plans: a filled domain becomes the domain that will run.

mod boot;
mod chardev;
pub(crate) mod cpu;
mod graphics;
mod memory;
mod volume;

pub use boot::assign as boot_order;
pub(crate) use chardev::complete as chardevs;
pub use cpu::needs_processor;
pub use graphics::{PortUse, Ports, PretendedPorts, graphics};
pub(crate) use volume::look_up as volumes;

use virt_conf::capabilities::HostCpu;
use virt_conf::domain::Domain;
use virt_types::Result;

use crate::alias;
use crate::block::number_images;
use crate::caps::Capabilities;
use crate::config::Config;
use crate::firmware;
use crate::host::Host;
use crate::policy;

/// What the decisions depend on.
#[derive(Debug, Clone, Copy)]
pub struct PrepareContext<'a> {
    /// What the binary can do.
    pub caps: &'a Capabilities,
    /// The driver's settings.
    pub config: &'a Config,
    /// The host.
    pub host: &'a Host,
    /// The host's processor, where it is known: see [`needs_processor`].
    pub processor: Option<&'a HostCpu>,
}

/// Turns a filled domain into the one that will run: its volumes, firmware, ids of devices and images, the order in which devices are
/// tried, sockets of channels, addresses and ports of displays, the CPU.
///
/// # Errors
/// As [`graphics()`] and [`firmware::choose`], for volumes that can not be had; `VIR_ERR_CPU_INCOMPATIBLE` for a CPU that the
/// host does not have.
pub fn prepare(domain: &mut Domain, cx: &PrepareContext<'_>, ports: &mut dyn Ports) -> Result<()> {
    cpu::check(domain, cx)?;
    volume::look_up(domain, cx)?;
    firmware::choose(domain, &cx.host.firmware)?;
    policy::name_variables(domain, cx.config);
    memory::align(domain)?;
    alias::assign(domain);
    number_images(domain);
    boot::assign(domain);
    chardev::complete(domain, cx.config);
    graphics(domain, cx, ports)?;
    cpu::resolve(domain, cx)
}
