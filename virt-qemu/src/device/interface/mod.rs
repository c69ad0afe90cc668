//! `<interface>` as a network back end and a card.

mod card;
mod check;
mod netdev;
#[cfg(test)]
mod tests;

use virt_conf::common::Address;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    Hostdev, HostdevSource, Interface, InterfaceHostdev, InterfaceModel, InterfaceSource, InterfaceType,
    KnownModel, PciHostdev,
};
use virt_types::{Arch, MacAddr, Result, Uuid};

use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::plan::{DevicePlan, PlanContext};
use crate::policy::{AttachContext, Attachment, Vio};
use crate::{machine, random};

/// The register that QEMU gives the first network card on a pseries guest's VIO bus.
const FIRST_VIO_REGISTER: u64 = 0x1000;

impl QemuDevice for Interface {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        self.make_up_identifiers()?;
        if self.model.is_none() {
            self.model = match self.source.kind() {
                InterfaceType::Vdpa => Some(KnownModel::Virtio.into()),
                // A device that is handed over brings its own model.
                InterfaceType::Hostdev => None,
                _ if self.actual_kind() == InterfaceType::Hostdev => None,
                _ => Some(default_model(cx).into()),
            };
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        check::check(self, cx)
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        let vlan = self.model == Some(KnownModel::SpaprVlan.into());
        let vio = Some(Vio { always: vlan, first_register: FIRST_VIO_REGISTER });
        let card = match (&self.source, &self.model) {
            (InterfaceSource::Hostdev(hostdev), _) => match hostdev.address {
                Address::Usb(_) => Attachment::usb(),
                Address::Pci(source) => {
                    Attachment::pci(cx.host_device(source.at, self.info.address.pci().is_some()))
                }
                _ => Attachment::pci(cx.express()),
            },
            (_, Some(InterfaceModel::Known(model))) => card::attachment(*model, cx),
            (_, Some(InterfaceModel::Other(_))) => Attachment::pci(AttachContext::CONVENTIONAL),
            // The network will hand over a device of the host.
            (_, None) => Attachment::pci(cx.express()),
        };
        Attachment { vio, ..card }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        check::check_actual(self)?;
        let mut plan = DevicePlan::default();
        // A device that is handed over is planned among the host devices.
        if self.actual_kind() == InterfaceType::Hostdev {
            return Ok(plan);
        }
        netdev::plan(self, cx, &mut plan)?;
        card::plan(self, cx, &mut plan)?;
        Ok(plan)
    }
}

trait MakeUp {
    fn make_up_identifiers(&mut self) -> Result<()>;
}

impl MakeUp for Interface {
    /// Gives the card an address, and the port the identifiers by which its switch knows it.
    fn make_up_identifiers(&mut self) -> Result<()> {
        if self.mac.is_none() {
            self.mac = Some(MacAddr::qemu(random::bytes()?));
        }
        if let Some(port) = &mut self.virtualport {
            port.identify(|| Ok(Uuid::from_random(random::bytes()?)))?;
        }
        Ok(())
    }
}

/// The card that guests of this machine most likely have a driver for.
fn default_model(cx: &QemuContext<'_>) -> KnownModel {
    let domain = cx.domain;
    let arch = domain.os.arch;
    if arch.is_s390() || machine::is_arm_virt(domain) || machine::is_riscv_virt(domain) {
        return KnownModel::Virtio;
    }
    if matches!(arch, Arch::Armv6l | Arch::Armv7l | Arch::Aarch64) {
        let versatile = domain.os.machine.as_deref() == Some("versatilepb");
        return if versatile { KnownModel::Smc91c111 } else { KnownModel::Lan9118 };
    }
    let common = [
        (Cap::Rtl8139, KnownModel::Rtl8139),
        (Cap::E1000, KnownModel::E1000),
        (Cap::VirtioNet, KnownModel::Virtio),
    ];
    common
        .into_iter()
        .find_map(|(cap, model)| cx.caps.has(cap).then_some(model))
        .unwrap_or(KnownModel::Rtl8139)
}

/// Turns every interface into a tap device about which nothing else is known, as libvirt does before it shows a
/// command line: the links of the host can not be named there.
///
/// Address, driver and tuning are given up, so the cards need new places. What an interface hands over of the host's
/// devices stays in the guest as a device of its own.
pub fn detach_from_host(domain: &mut Domain) {
    let mut handed_over = Vec::new();
    for interface in &mut domain.devices.interfaces {
        let old = std::mem::take(interface);
        if let InterfaceSource::Hostdev(InterfaceHostdev {
            managed,
            backend,
            address: Address::Pci(address),
        }) = old.source
        {
            let source = HostdevSource::Pci(PciHostdev { address, backend, ..PciHostdev::default() });
            handed_over.push(Hostdev { source, managed, ..Hostdev::default() });
        }
        interface.source = InterfaceSource::Ethernet;
        interface.mac = old.mac;
        interface.model = old.model;
        interface.script = old.script;
        interface.info.boot_order = old.info.boot_order;
    }
    domain.devices.hostdevs.splice(0..0, handed_over);
}

/// Whether the card is a device of its own; boards of old ARM machines have cards that are only named.
fn is_device(interface: &Interface, domain: &Domain) -> bool {
    !matches!(domain.os.arch, Arch::Armv6l | Arch::Armv7l | Arch::Aarch64)
        || matches!(interface.info.address, Address::VirtioMmio | Address::Pci(_))
}

fn model_name(interface: &Interface) -> Option<&str> {
    interface.model.as_ref().map(InterfaceModel::name)
}
