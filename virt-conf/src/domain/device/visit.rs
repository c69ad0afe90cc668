//! The order in which devices are visited when a domain is completed.

use super::{DeviceKind, DeviceMut, Devices};
use crate::Result;
use crate::domain::{Domain, OsType};

/// libvirt's order. Where devices compete for a place or a number, the first in it wins; kinds that are not here come last.
const ORDER: &[DeviceKind] = &[
    DeviceKind::Disk,
    DeviceKind::Interface,
    DeviceKind::Sound,
    DeviceKind::Hostdev,
    DeviceKind::Video,
    DeviceKind::Controller,
    DeviceKind::Smartcard,
    DeviceKind::Serial,
    DeviceKind::Parallel,
    DeviceKind::Channel,
    DeviceKind::Console,
    DeviceKind::Input,
    DeviceKind::Filesystem,
    DeviceKind::Watchdog,
    DeviceKind::Memballoon,
    DeviceKind::Rng,
    DeviceKind::Nvram,
    DeviceKind::Hub,
    DeviceKind::Shmem,
    DeviceKind::Tpm,
    DeviceKind::Panic,
    DeviceKind::MemoryDevice,
    DeviceKind::Redirdev,
    DeviceKind::Iommu,
    DeviceKind::Vsock,
    DeviceKind::Crypto,
    DeviceKind::Graphics,
    DeviceKind::Audio,
    DeviceKind::Lease,
    DeviceKind::Redirfilter,
];

impl DeviceKind {
    fn rank(self) -> usize {
        ORDER.iter().position(|kind| *kind == self).unwrap_or(ORDER.len())
    }
}

impl Devices {
    /// Kind and position of every device of a kind.
    pub fn positions(&self, kind: DeviceKind) -> impl Iterator<Item = (DeviceKind, usize)> + use<> {
        (0..self.count(kind)).map(move |position| (kind, position))
    }

    /// Kind and position of every device, in the order in which libvirt completes them.
    #[must_use]
    pub fn visits(&self) -> Vec<(DeviceKind, usize)> {
        let mut kinds = DeviceKind::ALL.to_vec();
        kinds.sort_by_key(|kind| kind.rank());
        kinds.into_iter().flat_map(|kind| self.positions(kind)).collect()
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
