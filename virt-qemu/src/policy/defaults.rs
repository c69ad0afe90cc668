//! What a machine has without being asked.

use virt_conf::Result;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    Controller, ControllerKind, ControllerType, Input, InputBus, InputType, Memballoon, MemballoonModel,
    Panic, PanicModel, PciController, PciModel, UsbModel,
};
use virt_types::Arch;

use crate::caps::{Cap, Capabilities};
use crate::error::xml_error;
use crate::machine;

/// What a machine brings along.
#[derive(Debug, Clone, Copy)]
struct Board {
    /// A USB controller.
    usb: bool,
    /// Its model, where it is not the usual one.
    usb_model: Option<UsbModel>,
    /// The root PCI bus.
    root: Option<PciModel>,
    /// A SATA controller.
    sata: bool,
    /// A memory balloon.
    memballoon: bool,
    /// A device that tells of panics, which the firmware has anyway.
    panic: bool,
}

impl Board {
    fn of(domain: &Domain, caps: &Capabilities) -> Self {
        let machine = domain.os.machine.as_deref().unwrap_or_default();
        let plain =
            Self { usb: true, usb_model: None, root: None, sata: false, memballoon: true, panic: false };
        let pci = Self { root: Some(PciModel::PciRoot), ..plain };
        let pcie = |wanted: bool| (wanted && caps.has(Cap::Gpex)).then_some(PciModel::PcieRoot);
        match domain.os.arch {
            Arch::I686 | Arch::X86_64 if machine == "isapc" => Self { usb: false, ..plain },
            Arch::I686 | Arch::X86_64 if machine::is_q35(domain) => {
                let models = [
                    (Cap::QemuXhci, UsbModel::QemuXhci),
                    (Cap::NecUsbXhci, UsbModel::NecXhci),
                    (Cap::Ich9UsbEhci1, UsbModel::Ich9Ehci1),
                ];
                let model = models.into_iter().find(|(cap, _)| caps.has(*cap)).map(|(_, model)| model);
                let root = Some(PciModel::PcieRoot);
                Self { usb: model.is_some(), usb_model: model, root, sata: true, ..plain }
            }
            Arch::I686 | Arch::X86_64 if machine::is_i440fx(domain) => pci,
            Arch::Armv6l => {
                let root = (machine == "versatilepb").then_some(PciModel::PciRoot);
                Self { usb: false, memballoon: false, root, ..plain }
            }
            Arch::Armv7l | Arch::Aarch64 => {
                Self { usb: false, memballoon: false, root: pcie(machine::is_arm_virt(domain)), ..plain }
            }
            Arch::Ppc64 | Arch::Ppc64le => Self { panic: machine::is_pseries(domain), ..pci },
            Arch::Alpha | Arch::Ppc | Arch::Ppcemb | Arch::Sh4 | Arch::Sh4eb | Arch::Sparc64 => pci,
            Arch::Riscv32 | Arch::Riscv64 => {
                Self { usb: false, root: pcie(machine::is_riscv_virt(domain)), ..plain }
            }
            Arch::S390 | Arch::S390x => {
                let root = caps.has(Cap::Zpci).then_some(PciModel::PciRoot);
                Self { usb: false, panic: true, root, ..plain }
            }
            Arch::Sparc => Self { usb: false, memballoon: false, ..plain },
            Arch::Mips | Arch::Mipsel | Arch::Mips64 | Arch::Mips64el if machine::is_malta(domain) => pci,
            _ => plain,
        }
    }
}

/// Adds what the machine has and the document leaves out.
pub(super) fn add(domain: &mut Domain, caps: &Capabilities) -> Result<()> {
    let board = Board::of(domain, caps);
    if domain.os.arch.is_x86() {
        add_input(domain, InputType::Mouse, InputBus::Ps2);
        add_input(domain, InputType::Keyboard, InputBus::Ps2);
    }
    // libvirt looks only at a controller with the number 0, and then writes what it does not read again.
    let disabled = domain.devices.controllers.iter().any(Controller::is_usb_none);
    if board.usb && !disabled && domain.controller(ControllerType::Usb, 0).is_none() {
        domain.add_usb_controller(0, board.usb_model);
    }
    if board.sata {
        domain.ensure_controller(ControllerKind::Sata, 0);
    }
    if let Some(root) = board.root {
        let given = domain.controller(ControllerType::Pci, 0).and_then(|c| c.pci()).map(|pci| pci.model);
        if let Some(given) = given.filter(|given| *given != Some(root)) {
            let given = given.map_or_else(String::new, |model| model.to_string());
            return Err(xml_error(format!(
                "The PCI controller with index='0' must be model='{root}' for this machine type, but model='{given}' was found instead"
            )));
        }
        domain.ensure_controller(ControllerKind::Pci(PciController::of(root)), 0);
    }
    if board.memballoon && domain.devices.memballoon.is_none() {
        domain.devices.memballoon =
            Some(Memballoon { model: MemballoonModel::Virtio, ..Memballoon::default() });
    }
    if domain.os.arch.is_ppc64() && !domain.devices.graphics.is_empty() {
        let tablet = |input: &Input| input.kind == InputType::Tablet && input.bus == InputBus::Usb;
        let tablet = domain.devices.inputs.iter().any(tablet);
        add_input(domain, InputType::Keyboard, InputBus::Usb);
        // A tablet moves the same pointer, and better.
        if !tablet {
            add_input(domain, InputType::Mouse, InputBus::Usb);
        }
    }
    if board.panic {
        let native = if domain.os.arch.is_s390() { PanicModel::S390 } else { PanicModel::Pseries };
        let known = |panic: &Panic| panic.model.is_none_or(|model| model == native);
        if !domain.devices.panics.iter().any(known) {
            domain.devices.panics.push(Panic::default());
        }
    }
    Ok(())
}

fn add_input(domain: &mut Domain, kind: InputType, bus: InputBus) {
    let inputs = &mut domain.devices.inputs;
    if !inputs.iter().any(|input| input.kind == kind && input.bus == bus) {
        inputs.push(Input::implicit(kind, bus));
    }
}
