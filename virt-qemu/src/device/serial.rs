//! `<serial>` as a device on a bus, or as a port of the board.

use virt_conf::common::address::AddressType;
use virt_conf::common::{Chardev, ChardevSource};
use virt_conf::domain::device::{Serial, SerialModel, SerialTarget};
use virt_types::{Result, TextEnum};

use super::common::address;
use super::common::chardev::{self, Setup};
use super::{QemuContext, QemuDevice};
use crate::caps::{Cap, Capabilities};
use crate::error::{internal, unsupported};
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment, Vio};

/// The register that QEMU gives the first terminal on a pseries guest's VIO bus.
const FIRST_VIO_REGISTER: u64 = 0x3000_0000;

impl QemuDevice for Serial {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        // `isa-serial` is what documents of every architecture used to say when they meant the usual port.
        if matches!(self.target, SerialTarget::Isa | SerialTarget::None) {
            self.target = default_target(cx);
        }
        if self.model == SerialModel::None {
            self.model = default_model(self.target, cx);
        }
        listen_without_path(&mut self.chardev, cx);
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        chardev::check(&self.chardev, cx)?;
        self.check_address()?;
        if let Some(expected) = target_of(self.model)
            && expected != self.target
        {
            return Err(unsupported(format!(
                "Target model '{}' requires target type '{}'",
                self.model, expected
            )));
        }
        if !self.fits_board(cx) {
            return Err(unsupported(format!(
                "Serial device with target type '{}' and target model '{}' not compatible with guest architecture or machine type",
                self.target, self.model
            )));
        }
        Ok(())
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        let always = self.target == SerialTarget::SpaprVio;
        let vio = Some(Vio { always, first_register: FIRST_VIO_REGISTER });
        let port = match self.target {
            SerialTarget::Pci => Attachment::pci(AttachContext::CONVENTIONAL),
            SerialTarget::Usb => Attachment::usb(),
            SerialTarget::None
            | SerialTarget::Isa
            | SerialTarget::SpaprVio
            | SerialTarget::System
            | SerialTarget::Sclp
            | SerialTarget::IsaDebug => Attachment::default(),
        };
        Attachment { vio, ..port }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        let id = chardev::id(&alias);
        plan.parts = chardev::parts(cx, &self.chardev, &id, Setup::default())?;
        check_cap(self.model, cx.caps)?;
        if self.is_of_board(cx) {
            plan.parts.push(Part::Option("-serial", format!("chardev:{id}")));
            return Ok(plan);
        }
        if matches!(self.model, SerialModel::None | SerialModel::Pl011 | SerialModel::Uart16550a) {
            return Err(internal("Invalid target model for serial device"));
        }
        let mut props = Props::new().str("driver", self.model.text()).str("chardev", id).str("id", alias);
        if self.model == SerialModel::IsaSerial {
            props = props.opt_u64("index", self.port);
        }
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}

/// A socket without a path gets one from the engine, which implies that the guest listens.
pub(super) fn listen_without_path(chardev: &mut Chardev, cx: &QemuContext<'_>) {
    if let ChardevSource::Unix(unix) = &mut chardev.source
        && unix.path.is_none()
        && cx.flags.contains(virt_conf::ParseFlags::INACTIVE)
    {
        unix.listen = true;
    }
}

trait Rules {
    fn check_address(&self) -> Result<()>;
    fn fits_board(&self, cx: &QemuContext<'_>) -> bool;
    fn is_of_board(&self, cx: &PlanContext<'_>) -> bool;
}

impl Rules for Serial {
    fn check_address(&self) -> Result<()> {
        let kind = self.info.address.kind();
        let expected = match self.target {
            SerialTarget::Isa | SerialTarget::IsaDebug => AddressType::Isa,
            SerialTarget::Usb => AddressType::Usb,
            SerialTarget::Pci => AddressType::Pci,
            SerialTarget::SpaprVio => AddressType::SpaprVio,
            SerialTarget::System | SerialTarget::Sclp => {
                if kind == AddressType::None {
                    return Ok(());
                }
                return Err(unsupported(format!(
                    "Target type '{}' cannot have an associated address",
                    self.target
                )));
            }
            SerialTarget::None => return Ok(()),
        };
        if kind == AddressType::None || kind == expected {
            return Ok(());
        }
        Err(unsupported(format!("Target type '{}' requires address type '{expected}'", self.target)))
    }

    fn fits_board(&self, cx: &QemuContext<'_>) -> bool {
        let domain = cx.domain;
        let system = self.target == SerialTarget::System;
        let vio = self.target == SerialTarget::SpaprVio || self.model == SerialModel::SpaprVty;
        let sclp = self.target == SerialTarget::Sclp
            || matches!(self.model, SerialModel::SclpConsole | SerialModel::SclpLmConsole);
        !(system && self.model == SerialModel::Pl011 && !machine::is_arm_virt(domain)
            || system && self.model == SerialModel::Uart16550a && !machine::is_riscv_virt(domain)
            || vio && !machine::is_pseries(domain)
            || sclp && !domain.os.arch.is_s390())
    }

    /// Whether the board has the port, so that only its host end is to be named.
    fn is_of_board(&self, cx: &PlanContext<'_>) -> bool {
        let arch = cx.domain.os.arch;
        match (self.target, self.model) {
            (SerialTarget::System, SerialModel::Pl011) => arch.is_arm(),
            (SerialTarget::System, SerialModel::Uart16550a) => arch.is_riscv(),
            // A board about which nothing is known has ports of its own.
            (SerialTarget::None, _) => true,
            _ => false,
        }
    }
}

fn default_target(cx: &QemuContext<'_>) -> SerialTarget {
    let domain = cx.domain;
    if domain.os.arch.is_x86() {
        SerialTarget::Isa
    } else if machine::is_pseries(domain) {
        SerialTarget::SpaprVio
    } else if machine::is_arm_virt(domain) || machine::is_riscv_virt(domain) {
        SerialTarget::System
    } else if domain.os.arch.is_s390() {
        SerialTarget::Sclp
    } else {
        SerialTarget::None
    }
}

fn default_model(target: SerialTarget, cx: &QemuContext<'_>) -> SerialModel {
    match target {
        SerialTarget::Isa => SerialModel::IsaSerial,
        SerialTarget::Usb => SerialModel::UsbSerial,
        SerialTarget::Pci => SerialModel::PciSerial,
        SerialTarget::SpaprVio => SerialModel::SpaprVty,
        SerialTarget::System if machine::is_arm_virt(cx.domain) => SerialModel::Pl011,
        SerialTarget::System if machine::is_riscv_virt(cx.domain) => SerialModel::Uart16550a,
        SerialTarget::Sclp => SerialModel::SclpConsole,
        SerialTarget::IsaDebug => SerialModel::IsaDebugcon,
        SerialTarget::System | SerialTarget::None => SerialModel::None,
    }
}

const fn target_of(model: SerialModel) -> Option<SerialTarget> {
    match model {
        SerialModel::None => None,
        SerialModel::IsaSerial => Some(SerialTarget::Isa),
        SerialModel::UsbSerial => Some(SerialTarget::Usb),
        SerialModel::PciSerial => Some(SerialTarget::Pci),
        SerialModel::SpaprVty => Some(SerialTarget::SpaprVio),
        SerialModel::Pl011 | SerialModel::Uart16550a => Some(SerialTarget::System),
        SerialModel::SclpConsole | SerialModel::SclpLmConsole => Some(SerialTarget::Sclp),
        SerialModel::IsaDebugcon => Some(SerialTarget::IsaDebug),
    }
}

fn check_cap(model: SerialModel, caps: &Capabilities) -> Result<()> {
    let cap = match model {
        SerialModel::IsaSerial => Cap::IsaSerial,
        SerialModel::UsbSerial => Cap::UsbSerial,
        SerialModel::PciSerial => Cap::PciSerial,
        SerialModel::SpaprVty => Cap::SpaprVty,
        SerialModel::Pl011 => Cap::Pl011,
        SerialModel::SclpConsole => Cap::SclpConsole,
        SerialModel::SclpLmConsole => Cap::SclpLmConsole,
        SerialModel::None | SerialModel::Uart16550a | SerialModel::IsaDebugcon => return Ok(()),
    };
    if caps.has(cap) {
        return Ok(());
    }
    Err(unsupported(format!("'{model}' is not supported in this QEMU binary")))
}
