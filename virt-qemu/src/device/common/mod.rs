//! Properties that many kinds of device share.

pub mod address;
pub mod chardev;
mod rom;
mod tls;
pub mod virtio;

use virt_conf::common::{Address, DeviceInfo};
use virt_types::{Result, Uuid};

pub use rom::rom_props;
pub use tls::{TlsEndpoint, tls_creds_x509};

use crate::caps::{Cap, Capabilities};
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, Part, Props};

impl DevicePlan {
    /// Appends a device; on s390 a PCI device is preceded by the one that holds its identifiers.
    pub fn device(&mut self, info: &DeviceInfo, props: Props) {
        self.parts.extend(zpci_props(info).map(Part::Device));
        self.parts.push(Part::Device(props));
    }
}

/// A new random identifier.
///
/// # Errors
/// Where the kernel gives none.
pub fn new_uuid() -> Result<Uuid> {
    let failed = || internal("Failed to generate UUID");
    let text =
        std::fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(|error| failed().caused_by(error))?;
    text.trim().parse().map_err(|_| failed())
}

/// Refuses a place that this QEMU has not.
///
/// # Errors
/// For zPCI ids where there is no zPCI.
pub fn check_place(info: &DeviceInfo, caps: &Capabilities) -> Result<()> {
    match &info.address {
        Address::Pci(pci) if (pci.zpci.uid.is_some() || pci.zpci.fid.is_some()) && !caps.has(Cap::Zpci) => {
            Err(unsupported("This QEMU binary doesn't support zPCI"))
        }
        _ => Ok(()),
    }
}

/// The companion device of a PCI device of an s390 guest.
#[must_use]
pub fn zpci_props(info: &DeviceInfo) -> Option<Props> {
    let Address::Pci(pci) = &info.address else { return None };
    let (uid, fid) = (pci.zpci.uid?, pci.zpci.fid?);
    Some(
        Props::new()
            .str("driver", "zpci")
            .u64("uid", uid)
            .u64("fid", fid)
            .opt_str("target", info.alias.clone())
            .str("id", format!("zpci{uid}")),
    )
}

/// The id of the character device through which a vhost-user device of this alias talks to its back end.
#[must_use]
pub fn vhost_user_chardev(alias: &str) -> String {
    format!("chr-vu-{alias}")
}
