//! Controllers that nobody wrote down, but that devices are attached to.

use crate::domain::device::{ControllerKind, ControllerType, DiskBus};
use crate::domain::{DeviceMut, Domain, Policy};
use crate::{ParseFlags, Result};

impl Domain {
    /// Adds the controllers that the devices' addresses speak of, and completes those of them whose model is open.
    pub(super) fn add_implicit_controllers(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        for (bus, kind) in [
            (DiskBus::Scsi, ControllerType::Scsi),
            (DiskBus::Fdc, ControllerType::Fdc),
            (DiskBus::Ide, ControllerType::Ide),
            (DiskBus::Sata, ControllerType::Sata),
        ] {
            let disks = self.devices.disks.iter().filter(|disk| disk.bus() == bus);
            let last = disks.filter_map(|disk| disk.drive()).map(|drive| drive.controller).max();
            self.ensure_controllers_up_to(kind, last);
        }
        self.complete_scsi_controllers(policy, flags)
    }

    /// Adds the controllers of a type from the first to this index, where they are missing.
    pub(super) fn ensure_controllers_up_to(&mut self, kind: ControllerType, last: Option<u32>) {
        for index in last.map_or(0..0, |last| 0..last.saturating_add(1)) {
            self.ensure_controller(ControllerKind::bare(kind), index);
        }
    }

    fn complete_scsi_controllers(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        for i in 0..self.devices.controllers.len() {
            if !matches!(self.devices.controllers[i].kind, ControllerKind::Scsi { model: None }) {
                continue;
            }
            let mut controller = std::mem::take(&mut self.devices.controllers[i]);
            let outcome =
                super::fill_device(&mut DeviceMut::Controller(&mut controller), self, policy, flags);
            self.devices.controllers[i] = controller;
            outcome?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::passes::NullPolicy;

    #[test]
    fn disks_bring_the_controllers_up_to_their_own() {
        let xml = "<domain type='test'><name>t</name><memory>1</memory><os><type>hvm</type></os><devices>
          <disk><source file='/a'/><target dev='sdh' bus='scsi'/></disk>
          <disk device='floppy'><source file='/b'/><target dev='fda'/></disk></devices></domain>";
        let mut domain = Domain::parse(xml, ParseFlags::INACTIVE).unwrap();
        domain.fill(&NullPolicy, ParseFlags::INACTIVE).unwrap();
        let controllers: Vec<_> =
            domain.devices.controllers.iter().map(|c| (c.controller_type(), c.index.unwrap())).collect();
        assert_eq!(
            controllers,
            [(ControllerType::Scsi, 0), (ControllerType::Scsi, 1), (ControllerType::Fdc, 0)]
        );
    }
}
