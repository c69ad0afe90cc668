//! What the chipset of an x86 board has at fixed places, and what QEMU puts at a place of its own accord.

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::Pci;
use virt_conf::domain::device::{ControllerKind, PciController, PciModel, SoundModel, UsbModel};
use virt_conf::domain::passes::address::Connect;
use virt_conf::domain::{DeviceKind, DeviceRef};
use virt_types::PciAddress;

use super::super::AttachContext;
use super::run::{At, Run};
use crate::error::internal;
use crate::machine;

/// Takes the places of the board's own devices.
pub(super) fn place_integrated(run: &mut Run<'_>) -> Result<()> {
    if machine::is_i440fx(run.domain) {
        piix3(run)?;
    }
    if machine::is_q35(run.domain) {
        ich9(run)?;
    }
    Ok(())
}

const fn root_bus(slot: u32, function: u32) -> PciAddress {
    PciAddress { domain: 0, bus: 0, slot, function }
}

/// i440FX: IDE at 1.1, USB at 1.2, an ISA bridge at 1.0 and a power manager at 1.3.
fn piix3(run: &mut Run<'_>) -> Result<()> {
    for at in run.domain.devices.positions(DeviceKind::Controller) {
        let (place, refusal) = match run.domain.devices.get(at.0, at.1) {
            Some(DeviceRef::Controller(c)) if c.index == Some(0) => match c.kind {
                ControllerKind::Ide { .. } => {
                    (root_bus(1, 1), "Primary IDE controller must have PCI address 0:0:1.1")
                }
                ControllerKind::Usb { model: None | Some(UsbModel::Piix3Uhci), .. } => {
                    (root_bus(1, 2), "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2")
                }
                _ => continue,
            },
            _ => continue,
        };
        fix(run, at, place, refusal)?;
        take(run, place, AttachContext::CONVENTIONAL)?;
    }
    take(run, root_bus(1, 0), AttachContext::CONVENTIONAL)?;
    take(run, root_bus(1, 3), AttachContext::CONVENTIONAL)?;
    // QEMU adds the first display right after the chipset.
    place_primary_video(run, root_bus(2, 0), AttachContext::CONVENTIONAL)
}

/// Q35: SATA at 1f.2, an ISA bridge at 1f.0 and the SMBus at 1f.3; the rest sits where the real hardware has it, if
/// there is room.
fn ich9(run: &mut Run<'_>) -> Result<()> {
    let flags = Connect::PCIE_DEVICE;
    for at in run.domain.devices.positions(DeviceKind::Controller) {
        let Some(DeviceRef::Controller(controller)) = run.domain.devices.get(at.0, at.1) else { continue };
        let open = controller.info.address == Address::None;
        match controller.kind {
            ControllerKind::Sata if controller.index == Some(0) => {
                fix(run, at, root_bus(0x1f, 2), "Primary SATA controller must have PCI address 0:0:1f.2")?;
            }
            ControllerKind::Usb { model: Some(UsbModel::Ich9Uhci1), .. } if open => {
                let usual = [root_bus(0x1d, 0), root_bus(0x1a, 0)];
                if let Some(place) = usual.into_iter().find(|place| !run.set.slot_in_use(*place)) {
                    take(run, place, flags)?;
                    run.set_address(at, Pci { multifunction: Some(true), ..pci(place) });
                }
            }
            ControllerKind::Pci(PciController { model: Some(PciModel::DmiToPciBridge), .. }) if open => {
                let place = root_bus(0x1e, 0);
                if !run.set.slot_in_use(place) {
                    take(run, place, flags)?;
                    run.set_address(at, pci(place));
                }
            }
            _ => {}
        }
    }
    take(run, root_bus(0x1f, 0), flags)?;
    take(run, root_bus(0x1f, 3), flags)?;
    place_primary_video(run, root_bus(1, 0), flags)?;
    let audio = root_bus(0x1b, 0);
    if !run.set.slot_in_use(audio) {
        let sound = run.domain.devices.positions(DeviceKind::Sound).find(|at| {
            let device = run.domain.devices.get(at.0, at.1);
            device.is_some_and(is_ich9_audio) && run.waits(*at)
        });
        if let Some(at) = sound {
            take(run, audio, flags)?;
            run.set_address(at, pci(audio));
        }
    }
    Ok(())
}

/// The audio controller that ICH9 integrates.
fn is_ich9_audio(device: DeviceRef<'_>) -> bool {
    matches!(device, DeviceRef::Sound(sound) if sound.model == SoundModel::Ich9)
}

/// Writes down the place of a device that has no other choice; a document that says otherwise is refused.
fn fix(run: &mut Run<'_>, at: At, place: PciAddress, refusal: &str) -> Result<()> {
    match run.address(at).and_then(Address::pci) {
        Some(given) if given.at != place => Err(internal(refusal)),
        Some(_) => Ok(()),
        None => {
            run.set_address(at, pci(place));
            Ok(())
        }
    }
}

fn take(run: &mut Run<'_>, mut place: PciAddress, flags: Connect) -> Result<()> {
    if run.set.buses.is_empty() { Ok(()) } else { run.set.reserve(&mut place, flags, 0) }
}

fn place_primary_video(run: &mut Run<'_>, place: PciAddress, flags: Connect) -> Result<()> {
    let Some(at) = run.domain.devices.positions(DeviceKind::Video).next().filter(|at| run.waits(*at)) else {
        return Ok(());
    };
    run.set.validate(place, flags, true)?;
    if run.set.slot_in_use(place) {
        return run.place(at, None);
    }
    take(run, place, flags)?;
    run.set_address(at, pci(place));
    Ok(())
}

const fn pci(at: PciAddress) -> Pci {
    Pci::new(at.bus, at.slot, at.function)
}
