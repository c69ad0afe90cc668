//! USB ports.

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::Usb;
use virt_conf::domain::device::{Controller, ControllerKind, ControllerType, Hub, UsbModel};
use virt_conf::domain::passes::address::UsbSet;
use virt_conf::domain::passes::address::usb::HUB_PORTS;
use virt_conf::domain::{DeviceKind, Domain};

use super::AttachContext;
use crate::device;
use crate::error::unsupported;
use crate::policy::QemuPolicy;

/// Kinds of devices in the order in which they get their ports.
const PLACING: &[DeviceKind] = &[
    DeviceKind::Hostdev,
    DeviceKind::Disk,
    DeviceKind::Controller,
    DeviceKind::Input,
    DeviceKind::Serial,
    DeviceKind::Sound,
    DeviceKind::Redirdev,
];

/// Gives ports to all USB devices. The devices of a guest that exists are left alone unless all have their ports
/// already: a topology that differs from the running one would be worse than none.
pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>, new: bool) -> Result<()> {
    let hubs = domain.devices.positions(DeviceKind::Hub).collect::<Vec<_>>();
    let devices: Vec<_> = PLACING
        .iter()
        .flat_map(|kind| domain.devices.positions(*kind))
        .filter(|(kind, position)| {
            let cx = AttachContext { domain, host: policy.host };
            let device = domain.devices.get(*kind, *position);
            device.is_some_and(|device| device::attachment(device, &cx).usb)
        })
        .collect();
    let placed = |domain: &Domain, (kind, position): (DeviceKind, usize)| matches!(address(domain, kind, position), Some(Address::Usb(usb)) if usb.has_port());
    if !new && hubs.iter().chain(&devices).any(|at| !placed(domain, *at)) {
        return Ok(());
    }
    add_hubs(domain, devices.len())?;
    let hubs = domain.devices.positions(DeviceKind::Hub).collect::<Vec<_>>();
    let mut set = UsbSet::default();
    for controller in domain.controllers_of(ControllerType::Usb) {
        set.add_controller(controller.index.unwrap_or_default(), ports(controller))?;
    }
    for (kind, position) in &hubs {
        if let Some(Address::Usb(usb)) = address(domain, *kind, *position)
            && usb.has_port()
        {
            set.add_hub(*usb)?;
        }
    }
    for (kind, position) in &devices {
        if let Some(Address::Usb(usb)) = address(domain, *kind, *position)
            && usb.has_port()
        {
            set.reserve(*usb)?;
        }
    }
    for (kind, position) in hubs {
        if let Some(usb) = place(domain, &mut set, kind, position)? {
            set.release(usb);
            set.add_hub(usb)?;
        }
    }
    for (kind, position) in devices {
        place(domain, &mut set, kind, position)?;
    }
    Ok(())
}

/// Adds hubs until there are as many ports as devices; each hub needs one itself.
fn add_hubs(domain: &mut Domain, devices: usize) -> Result<()> {
    let hubs = &domain.devices.hubs;
    let needed = devices + hubs.len();
    let on_controllers: u32 = domain.controllers_of(ControllerType::Usb).map(ports).sum();
    let available = on_controllers as usize + hubs.len() * HUB_PORTS as usize;
    if needed > 0 && domain.controllers_of(ControllerType::Usb).all(Controller::is_usb_none) {
        return Err(unsupported(
            "USB is disabled for this domain, but USB devices are present in the domain XML",
        ));
    }
    if needed > available {
        let missing = (needed - available + 1).div_ceil(HUB_PORTS as usize - 1);
        domain.devices.hubs.extend(std::iter::repeat_n(Hub::default(), missing));
    }
    Ok(())
}

/// Takes a port for a device that may have one and has none.
fn place(domain: &mut Domain, set: &mut UsbSet, kind: DeviceKind, position: usize) -> Result<Option<Usb>> {
    let bus = match address(domain, kind, position) {
        Some(Address::None) => None,
        Some(Address::Usb(usb)) if !usb.has_port() => Some(usb.bus),
        _ => return Ok(None),
    };
    let usb = set.assign(bus)?;
    if let Some(info) = domain.devices.info_mut(kind, position) {
        info.address = Address::Usb(usb);
    }
    Ok(Some(usb))
}

fn address(domain: &Domain, kind: DeviceKind, position: usize) -> Option<&Address> {
    Some(&domain.devices.get(kind, position)?.info()?.address)
}

/// How many ports a controller has; the companions of a USB 2 controller serve the ports of that.
pub(crate) fn ports(controller: &Controller) -> u32 {
    let ControllerKind::Usb { model, ports } = controller.kind else { return 0 };
    match model {
        None | Some(UsbModel::Piix3Uhci | UsbModel::Piix4Uhci | UsbModel::Vt82c686bUhci) => 2,
        Some(UsbModel::Ehci | UsbModel::Ich9Ehci1) => 6,
        Some(UsbModel::Ich9Uhci1 | UsbModel::Ich9Uhci2 | UsbModel::Ich9Uhci3 | UsbModel::None) => 0,
        Some(UsbModel::PciOhci) => 3,
        Some(UsbModel::NecXhci | UsbModel::QemuXhci) => ports.unwrap_or(4),
        Some(UsbModel::Qusb1 | UsbModel::Qusb2) => ports.unwrap_or(8),
    }
}
