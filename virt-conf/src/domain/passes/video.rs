//! The first display.

use super::fill_device;
use crate::domain::device::{Video, VideoModel};
use crate::domain::{DeviceKind, Domain, Policy};
use crate::{ParseFlags, Result};

impl Domain {
    /// Makes the first display the primary one; where the guest has none on purpose, nothing is said of it.
    pub(super) fn fill_primary_video(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        let Some(first) = self.devices.videos.first_mut() else { return Ok(()) };
        if first.model == VideoModel::None {
            *first = Video::none(first.info.alias.take());
            return Ok(());
        }
        first.primary = true;
        // It may have been added after the devices were completed.
        self.with_device_mut(DeviceKind::Video, 0, |mut device, domain| {
            fill_device(&mut device, domain, policy, flags)
        })
    }
}
