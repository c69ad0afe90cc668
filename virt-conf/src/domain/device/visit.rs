//! The order in which devices are visited when a domain is completed.

use super::{DeviceKind, DeviceMut, Devices};
use crate::Result;
use crate::domain::{Domain, OsType};

impl DeviceKind {
    /// libvirt's order. Where devices compete for a place or a number, the first in it wins.
    const fn rank(self) -> u8 {
        match self {
            Self::Disk => 0,
            Self::Interface => 1,
            Self::Sound => 2,
            Self::Hostdev => 3,
            Self::Video => 4,
            Self::Controller => 5,
            Self::Smartcard => 6,
            Self::Serial => 7,
            Self::Parallel => 8,
            Self::Channel => 9,
            Self::Console => 10,
            Self::Input => 11,
            Self::Filesystem => 12,
            Self::Watchdog => 13,
            Self::Memballoon => 14,
            Self::Rng => 15,
            Self::Nvram => 16,
            Self::Hub => 17,
            Self::Shmem => 18,
            Self::Tpm => 19,
            Self::Panic => 20,
            Self::MemoryDevice => 21,
            Self::Redirdev => 22,
            Self::Iommu => 23,
            Self::Vsock => 24,
            Self::Crypto => 25,
            Self::Graphics => 26,
            Self::Audio => 27,
            Self::Lease => 28,
            Self::Redirfilter => 29,
        }
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
