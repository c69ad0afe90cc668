//! Devices that others need.

use crate::common::Address;
use crate::common::address::Ccid;
use crate::domain::Domain;
use crate::domain::device::{
    ChannelTarget, ConsoleTarget, Controller, ControllerKind, ControllerType, DiskBus, HostdevSource, Video,
};

/// Disk buses whose disks hang on controllers, in the order in which these are added.
const DISK_BUSES: [(DiskBus, ControllerType); 4] = [
    (DiskBus::Scsi, ControllerType::Scsi),
    (DiskBus::Fdc, ControllerType::Fdc),
    (DiskBus::Ide, ControllerType::Ide),
    (DiskBus::Sata, ControllerType::Sata),
];

impl Domain {
    /// Adds the controllers that devices name and that do not exist.
    pub(super) fn add_implicit_controllers(&mut self) {
        for (bus, kind) in DISK_BUSES {
            let disks = self.devices.disks.iter().filter(|disk| disk.bus() == bus);
            if let Some(highest) = disks.filter_map(|disk| disk.drive()).map(|drive| drive.controller).max() {
                self.add_controllers_up_to(kind, highest);
            }
        }
        self.add_virtio_serial_controllers();
        self.place_smartcards();
        self.add_scsi_hostdev_controllers();
    }

    /// Adds the controllers of the host's SCSI units, of the model that such a controller has already.
    ///
    /// A unit without a place counts for the first controller.
    pub(super) fn add_scsi_hostdev_controllers(&mut self) {
        let mut last = None;
        let mut model = None;
        for hostdev in &self.devices.hostdevs {
            if !matches!(hostdev.source, HostdevSource::Scsi(_)) {
                continue;
            }
            let index = hostdev.scsi_place().map_or(0, |place| place.controller);
            if last.is_none_or(|last| index > last) {
                last = Some(index);
                let controller = self.controller(ControllerType::Scsi, index);
                model = controller.and_then(Controller::scsi_model).or(model);
            }
        }
        for index in last.map_or(0..0, |last| 0..last.saturating_add(1)) {
            self.ensure_controller(ControllerKind::Scsi { model }, index);
        }
    }

    /// Adds a display where there are graphics to show it.
    pub(super) fn add_implicit_video(&mut self) {
        if !self.devices.graphics.is_empty() && self.devices.videos.is_empty() {
            self.devices.videos.push(Video { heads: 1, ..Video::default() });
        }
    }

    fn add_controllers_up_to(&mut self, kind: ControllerType, highest: u32) {
        for index in 0..=highest {
            self.ensure_controller(ControllerKind::bare(kind), index);
        }
    }

    /// Smartcards without a place get the next slot of the first controller, which is added like any other.
    fn place_smartcards(&mut self) {
        for position in 0..self.devices.smartcards.len() {
            let controller = match self.devices.smartcards[position].info.address {
                Address::Ccid(ccid) => ccid.controller,
                Address::None => {
                    let taken = self.devices.smartcards.iter().filter_map(|card| match card.info.address {
                        Address::Ccid(Ccid { controller: 0, slot }) => Some(slot),
                        _ => None,
                    });
                    let slot = taken.max().map_or(0, |last| last + 1);
                    self.devices.smartcards[position].info.address =
                        Address::Ccid(Ccid { controller: 0, slot });
                    0
                }
                _ => 0,
            };
            self.ensure_controller(ControllerKind::Ccid, controller);
        }
    }

    fn add_virtio_serial_controllers(&mut self) {
        let channels = self.devices.channels.iter().filter_map(|channel| {
            matches!(channel.target, ChannelTarget::Virtio { .. }).then_some(&channel.info.address)
        });
        let consoles =
            self.devices.consoles.iter().filter_map(|console| {
                (console.target == ConsoleTarget::Virtio).then_some(&console.info.address)
            });
        let wanted: Vec<u32> = channels
            .chain(consoles)
            .map(|address| match address {
                Address::VirtioSerial(port) => port.controller,
                _ => 0,
            })
            .collect();
        for index in wanted {
            self.ensure_controller(ControllerKind::bare(ControllerType::VirtioSerial), index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParseFlags;
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
