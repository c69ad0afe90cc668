//! Ports of virtio-serial controllers.

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ChannelTarget, ConsoleTarget, ControllerKind, ControllerType};
use virt_conf::domain::passes::address::VirtioSerialSet;

pub(super) fn assign(domain: &mut Domain) -> Result<()> {
    let mut set = VirtioSerialSet::default();
    for controller in domain.controllers_of(ControllerType::VirtioSerial) {
        set.add_controller(controller.index.unwrap_or_default(), controller.kind.ports())?;
    }
    for device in domain.devices.iter() {
        if let Some(Address::VirtioSerial(port)) = device.info().map(|info| &info.address) {
            set.reserve(*port)?;
        }
    }
    for console in domain.devices.consoles.iter().filter(|console| console.target == ConsoleTarget::Virtio) {
        // A console without a port stays without one: QEMU gives it port 0 or, where a controller is named, the next.
        if let Address::VirtioSerial(port) = console.info.address
            && port.port == 0
        {
            set.assign_on(0)?;
        }
    }
    for position in 0..domain.devices.channels.len() {
        let channel = &domain.devices.channels[position];
        if !matches!(channel.target, ChannelTarget::Virtio { .. }) {
            continue;
        }
        let place = match channel.info.address {
            Address::VirtioSerial(port) if port.port != 0 => continue,
            Address::VirtioSerial(port) => set.assign_on(port.controller)?,
            _ => match set.assign()? {
                Some(place) => place,
                None => {
                    let index = domain.unused_controller_index(ControllerType::VirtioSerial);
                    domain.ensure_controller(ControllerKind::bare(ControllerType::VirtioSerial), index);
                    set.add_controller(index, None)?;
                    set.assign_on(index)?
                }
            },
        };
        domain.devices.channels[position].info.address = Address::VirtioSerial(place);
    }
    Ok(())
}
