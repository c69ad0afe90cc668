//! The places that QEMU's controllers have.

use virt_conf::common::address::Drive;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerType, DiskBus, ScsiModel};
use virt_types::Result;

use crate::caps::{Cap, Capabilities};
use crate::error::{internal, unsupported};

/// Refuses a place that no controller of the bus has.
///
/// # Errors
/// With libvirt's sentence for the number that is too large.
pub(crate) fn check_drive(bus: DiskBus, drive: &Drive, domain: &Domain, caps: &Capabilities) -> Result<()> {
    let Drive { controller, bus: channel, target, .. } = *drive;
    match bus {
        DiskBus::Scsi if channel != 0 => Err(internal("SCSI controller only supports 1 bus")),
        DiskBus::Scsi => {
            let model = domain.controller(ControllerType::Scsi, controller).and_then(|c| c.scsi_model());
            match model {
                Some(ScsiModel::Lsilogic) if target != 0 => {
                    Err(unsupported("target must be 0 for controller model 'lsilogic'"))
                }
                None | Some(ScsiModel::Lsilogic) => Ok(()),
                Some(_) if target > 7 && !caps.has(Cap::ScsiDiskChannel) => {
                    Err(unsupported("This QEMU doesn't support target greater than 7"))
                }
                Some(_) => Ok(()),
            }
        }
        DiskBus::Ide if controller != 0 => Err(internal("Only 1 IDE controller is supported")),
        DiskBus::Ide if target != 0 => Err(unsupported("target must be 0 for ide controller")),
        DiskBus::Fdc if controller != 0 => Err(internal("Only 1 fdc controller is supported")),
        DiskBus::Fdc if channel != 0 => Err(internal("Only 1 fdc bus is supported")),
        DiskBus::Fdc if target != 0 => Err(unsupported("target must be 0 for controller fdc")),
        DiskBus::Sata if channel != 0 => Err(unsupported("bus must be 0 for sata controller")),
        DiskBus::Sata if target != 0 => Err(unsupported("target must be 0 for sata controller")),
        DiskBus::Ide
        | DiskBus::Fdc
        | DiskBus::Sata
        | DiskBus::Virtio
        | DiskBus::Xen
        | DiskBus::Usb
        | DiskBus::Uml
        | DiskBus::Sd => Ok(()),
    }
}
