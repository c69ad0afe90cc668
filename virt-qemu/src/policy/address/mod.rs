//! A place for every device that has none.

mod attachment;
mod ccw;
mod memory_slot;
pub(crate) mod pci;
mod spapr_vio;
#[cfg(test)]
mod tests;
mod usb;
mod virtio;
mod virtio_serial;

use virt_conf::Result;
use virt_conf::domain::Domain;

pub use attachment::{AttachContext, Attachment, Vio, Virtio};

use super::QemuPolicy;

/// Gives places to all devices of a completed domain; `new` says that the guest does not exist yet.
pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>, new: bool) -> Result<()> {
    virtio_serial::assign(domain)?;
    spapr_vio::assign(domain, policy)?;
    ccw::assign(domain, policy)?;
    virtio::choose_transport(domain, policy);
    pci::assign(domain, policy)?;
    usb::assign(domain, policy, new)?;
    memory_slot::assign(domain)
}
