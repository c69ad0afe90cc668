//! The order in which devices are visited when a domain is completed.

use super::{DeviceKind, DeviceMut, Devices};
use crate::Result;
use crate::domain::{Domain, OsType};

/// libvirt's order. Where devices compete for a place or a number, the first in it wins.
const ORDER: &[&str] = &[
    "disk",
    "interface",
    "sound",
    "hostdev",
    "video",
    "controller",
    "smartcard",
    "serial",
    "parallel",
    "channel",
    "console",
    "input",
    "filesystem",
    "watchdog",
    "memballoon",
    "rng",
    "nvram",
    "hub",
    "shmem",
    "tpm",
    "panic",
    "memory",
    "redirdev",
    "iommu",
    "vsock",
    "crypto",
    "graphics",
    "audio",
    "lease",
    "redirfilter",
];

impl Devices {
    /// Kind and position of every device with this element name.
    #[must_use]
    pub fn positions(&self, element: &str) -> Vec<(DeviceKind, usize)> {
        let kind = DeviceKind::ALL.iter().copied().find(|kind| kind.element() == element);
        kind.into_iter()
            .flat_map(|kind| (0..self.count(kind)).map(move |position| (kind, position)))
            .collect()
    }

    /// Kind and position of every device, in the order in which libvirt completes them.
    #[must_use]
    pub fn visits(&self) -> Vec<(DeviceKind, usize)> {
        let mut kinds = DeviceKind::ALL.to_vec();
        kinds.sort_by_key(|kind| ORDER.iter().position(|element| *element == kind.element()));
        kinds
            .into_iter()
            .flat_map(|kind| (0..self.count(kind)).map(move |position| (kind, position)))
            .collect()
    }
}

impl Domain {
    /// Kind and position of every device that has a place of its own, in the order in which libvirt completes them:
    /// all but a first console that is another name for the first serial port.
    #[must_use]
    pub fn placed_visits(&self) -> Vec<(DeviceKind, usize)> {
        let consoles = &self.devices.consoles;
        let alias = self.os.os_type == OsType::Hvm && consoles.first().is_some_and(super::Console::is_serial);
        let mut visits = self.devices.visits();
        visits.retain(|visit| !(alias && *visit == (DeviceKind::Console, 0)));
        visits
    }

    /// Runs a step on every device in turn: `step` sees the domain without that one device.
    ///
    /// # Errors
    /// The first error of a step.
    pub fn for_each_device_mut(
        &mut self,
        mut step: impl FnMut(DeviceMut<'_>, &Self) -> Result<()>,
    ) -> Result<()> {
        for (kind, position) in self.devices.visits() {
            self.with_device_mut(kind, position, &mut step)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_in_the_order() {
        for kind in DeviceKind::ALL {
            assert!(ORDER.contains(&kind.element()), "<{}> is never visited in order", kind.element());
        }
    }
}
