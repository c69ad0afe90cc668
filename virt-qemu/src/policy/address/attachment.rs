//! What kind of place a device needs.

use virt_conf::domain::Domain;
use virt_conf::domain::passes::address::Connect;
use virt_types::PciAddress;

use crate::host::Host;
use crate::policy::topology;

/// What a device's needs depend on.
#[derive(Debug, Clone, Copy)]
pub struct AttachContext<'a> {
    /// The domain, with the device.
    pub domain: &'a Domain,
    /// The host.
    pub host: &'a Host,
}

impl AttachContext<'_> {
    /// What a conventional PCI device needs.
    pub const CONVENTIONAL: Connect = Connect::PCI_DEVICE.union(Connect::AUTOASSIGN);

    /// What a PCI Express device needs; a guest without PCI Express takes it as a conventional one.
    #[must_use]
    pub fn express(&self) -> Connect {
        if topology::has_pcie_root(self.domain) {
            Connect::PCIE_DEVICE | Connect::AUTOASSIGN
        } else {
            Self::CONVENTIONAL
        }
    }
}

impl AttachContext<'_> {
    /// What a PCI device of the host needs that is handed to the guest. Nearly all are PCI Express devices, so one that
    /// is not there yet is taken for one.
    #[must_use]
    pub fn host_device(&self, source: PciAddress, placed: bool) -> Connect {
        let conventional = self.host.pci_devices.get(&source).is_some_and(|device| !device.express);
        if conventional && !placed { Self::CONVENTIONAL } else { self.express() }
    }
}

/// Whether the device is a virtio device that the machine may attach to another bus than PCI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Virtio {
    /// It is none.
    #[default]
    No,
    /// To any virtio bus.
    Any,
    /// To channel devices of s390 only.
    CcwOnly,
}

/// A device's place on the VIO bus of pseries guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vio {
    /// The device exists on this bus only.
    pub always: bool,
    /// The register that QEMU gives the first such device.
    pub first_register: u64,
}

/// What kind of place a device needs. The default is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attachment {
    /// On a PCI bus, if at all; empty flags fit nowhere and are refused.
    pub pci: Option<Connect>,
    /// As a virtio device.
    pub virtio: Virtio,
    /// On a USB bus.
    pub usb: bool,
    /// On the VIO bus.
    pub vio: Option<Vio>,
}

impl Attachment {
    /// On a PCI bus.
    #[must_use]
    pub const fn pci(connect: Connect) -> Self {
        Self { pci: Some(connect), virtio: Virtio::No, usb: false, vio: None }
    }

    /// On a USB bus.
    #[must_use]
    pub const fn usb() -> Self {
        Self { pci: None, virtio: Virtio::No, usb: true, vio: None }
    }

    /// As a virtio device, on PCI by default.
    #[must_use]
    pub const fn virtio(connect: Connect) -> Self {
        Self { pci: Some(connect), virtio: Virtio::Any, usb: false, vio: None }
    }
}
