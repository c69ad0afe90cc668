//! One run over the devices.

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::Pci;
use virt_conf::domain::device::{Controller, ControllerType, InterfaceType, PciModel, UsbModel};
use virt_conf::domain::passes::address::pci::ZpciIds;
use virt_conf::domain::passes::address::{Connect, PciBus, PciSet};
use virt_conf::domain::passes::controllers::is_usb2;
use virt_conf::domain::{DeviceKind, DeviceRef, Domain};
use virt_types::PciAddress;

use super::super::AttachContext;
use crate::caps::Cap;
use crate::device;
use crate::error::internal;
use crate::machine;
use crate::policy::QemuPolicy;

/// Kinds of devices in the order in which they get their slots: guests of old libvirt versions depend on it.
/// Controllers of PCI buses come before all others, the remaining controllers here.
const PLACING: &[DeviceKind] = &[
    DeviceKind::Filesystem,
    DeviceKind::Interface,
    DeviceKind::Sound,
    DeviceKind::Controller,
    DeviceKind::Disk,
    DeviceKind::Hostdev,
    DeviceKind::Memballoon,
    DeviceKind::Rng,
    DeviceKind::Watchdog,
    DeviceKind::Video,
    DeviceKind::Shmem,
    DeviceKind::Input,
    DeviceKind::Serial,
    DeviceKind::Iommu,
    DeviceKind::Vsock,
    DeviceKind::MemoryDevice,
    DeviceKind::Crypto,
    DeviceKind::Panic,
];

/// A device, by kind and position.
pub(super) type At = (DeviceKind, usize);

/// One run: where it is only about how many buses are needed, places are taken but not written down.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) domain: &'a mut Domain,
    pub(super) policy: &'a QemuPolicy<'a>,
    pub(super) set: PciSet,
    zpci: Option<ZpciIds>,
    /// Controllers behind this position were added for want of a bus: they get identifiers with the next definition.
    controllers_with_zpci: usize,
}

impl<'a> Run<'a> {
    /// Takes the places that the document names. Identifiers of s390x are for the first `controllers` only.
    pub(super) fn new(
        domain: &'a mut Domain,
        policy: &'a QemuPolicy<'a>,
        buses: usize,
        controllers: usize,
        growing: bool,
    ) -> Result<Self> {
        let caps = policy.caps;
        let set = PciSet {
            growing,
            multiple_roots: machine::is_pseries(domain),
            pcie_to_pci_bridge: caps.has(Cap::PciePciBridge),
            ..PciSet::new(self::buses(domain, buses))
        };
        let zpci = caps.has(Cap::Zpci).then(ZpciIds::default);
        let mut run = Self { domain, policy, set, zpci, controllers_with_zpci: controllers };
        let visits = run.domain.placed_visits();
        for at in &visits {
            run.collect(*at)?;
        }
        for at in visits {
            run.collect_zpci(at)?;
        }
        Ok(run)
    }

    /// What a device needs of a PCI bus; `None` where it is on none.
    pub(super) fn connect(&self, (kind, position): At) -> Option<Connect> {
        let cx = AttachContext { domain: self.domain, host: self.policy.host };
        device::attachment(self.domain.devices.get(kind, position)?, &cx).pci
    }

    /// Where a device is, as far as it is known.
    pub(super) fn address(&self, (kind, position): At) -> Option<&Address> {
        Some(&self.domain.devices.get(kind, position)?.info()?.address)
    }

    /// Whether a device still waits for a place on a PCI bus.
    pub(super) fn waits(&self, at: At) -> bool {
        self.connect(at).is_some() && self.address(at).is_some_and(Address::wants_pci)
    }

    /// Writes a place down, also while buses are only counted: the board's own devices depend on it.
    pub(super) fn set_address(&mut self, (kind, position): At, pci: Pci) {
        if let Some(info) = self.domain.devices.info_mut(kind, position) {
            info.address = Address::Pci(pci);
        }
    }

    /// Takes the next free place for a device.
    pub(super) fn place(&mut self, at: At, function: Option<u32>) -> Result<()> {
        let flags = self.connect(at).unwrap_or_default();
        let group = self.isolation_group(at);
        let place = self.set.reserve_next(flags, group, function)?;
        if !self.set.growing {
            let zpci = match self.address(at) {
                Some(Address::Pci(pci)) => pci.zpci,
                _ => Default::default(),
            };
            self.set_address(at, Pci { at: place, multifunction: None, zpci });
        }
        Ok(())
    }

    /// Takes the next free place for every device that waits for one.
    pub(super) fn place_devices(&mut self) -> Result<()> {
        for at in self.domain.devices.positions(DeviceKind::Controller) {
            if self.is_pci_controller(at) && self.waits(at) {
                self.place(at, None)?;
            }
        }
        for kind in PLACING.iter().copied() {
            let own = self.domain.devices.positions(kind).filter(|at| !self.is_passed_interface(*at));
            let passed = match kind {
                DeviceKind::Hostdev => Some(self.domain.devices.positions(DeviceKind::Interface)),
                _ => None,
            };
            let passed = passed.into_iter().flatten().filter(|at| self.is_passed_interface(*at));
            for at in passed.chain(own).collect::<Vec<_>>() {
                if self.is_pci_controller(at) || !self.waits(at) {
                    continue;
                }
                match self.usb2_model(at) {
                    Some(model) => self.place_usb2(at, model)?,
                    None => self.place(at, None)?,
                }
            }
        }
        Ok(())
    }

    /// Gives the identifiers that s390x needs to every device that has none.
    pub(super) fn complete_zpci(&mut self) -> Result<()> {
        for at in self.domain.placed_visits() {
            let Some(pci) = self.zpci_device(at) else { continue };
            if pci.zpci.uid.is_some() && pci.zpci.fid.is_some() {
                continue;
            }
            let Some(ids) = &mut self.zpci else { continue };
            let zpci = ids.ensure(pci.zpci)?;
            if !self.set.growing {
                self.set_address(at, Pci { zpci, ..pci });
            }
        }
        Ok(())
    }

    /// An interface that is a device of the host gets its place among these.
    fn is_passed_interface(&self, (kind, position): At) -> bool {
        let device = self.domain.devices.get(kind, position);
        matches!(device, Some(DeviceRef::Interface(interface)) if interface.source.kind() == InterfaceType::Hostdev)
    }

    fn controller(&self, (kind, position): At) -> Option<&Controller> {
        match self.domain.devices.get(kind, position)? {
            DeviceRef::Controller(controller) => Some(controller),
            _ => None,
        }
    }

    fn is_pci_controller(&self, at: At) -> bool {
        self.controller(at).is_some_and(|controller| controller.controller_type() == ControllerType::Pci)
    }

    fn usb2_model(&self, at: At) -> Option<UsbModel> {
        self.controller(at).filter(|controller| is_usb2(controller))?.usb_model()
    }

    fn isolation_group(&self, (kind, position): At) -> u32 {
        let device = self.domain.devices.get(kind, position);
        device.and_then(DeviceRef::info).map_or(0, |info| info.isolation_group)
    }

    /// All parts of a USB 2 controller share one slot, each at its own function.
    fn place_usb2(&mut self, at: At, model: UsbModel) -> Result<()> {
        let (function, multifunction) = match model {
            UsbModel::Ich9Ehci1 => (7, None),
            UsbModel::Ich9Uhci2 => (1, None),
            UsbModel::Ich9Uhci3 => (2, None),
            _ => (0, Some(true)),
        };
        let index = self.controller(at).and_then(|controller| controller.index);
        let sibling = self.domain.controllers_of(ControllerType::Usb).find_map(|controller| {
            let place = controller.info.address.pci().filter(|_| is_usb2(controller))?;
            (controller.index == index).then_some(*place)
        });
        let Some(sibling) = sibling else {
            self.place(at, Some(function))?;
            if !self.set.growing
                && let Some(Address::Pci(pci)) = self.address(at)
            {
                self.set_address(at, Pci { multifunction, ..*pci });
            }
            return Ok(());
        };
        let mut place = PciAddress { function, ..sibling.at };
        let flags = self.connect(at).unwrap_or_default();
        self.set.reserve(&mut place, flags, self.isolation_group(at))?;
        self.set_address(at, Pci { at: place, multifunction, zpci: sibling.zpci });
        Ok(())
    }

    /// Takes the place that a device has in the document.
    fn collect(&mut self, at: At) -> Result<()> {
        let Some(mut pci) = self.address(at).and_then(Address::pci).copied() else { return Ok(()) };
        if self.is_part_of_piix3(at, pci.at) {
            let conventional =
                self.set.buses.first().is_none_or(|bus| bus.offers.contains(Connect::PCI_DEVICE));
            return if conventional {
                Ok(())
            } else {
                Err(internal("Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers"))
            };
        }
        // A device that should not be on a PCI bus was accepted there once, and is still.
        let flags = self.connect(at).filter(|flags| !flags.is_empty()).unwrap_or(Connect::PCI_DEVICE);
        let asked = pci.at;
        self.set.reserve(&mut pci.at, flags, self.isolation_group(at))?;
        if pci.at != asked {
            self.set_address(at, pci);
        }
        Ok(())
    }

    /// The IDE and USB controllers of PIIX3 have fixed places, which are taken later.
    fn is_part_of_piix3(&self, at: At, place: PciAddress) -> bool {
        let Some(controller) = self.controller(at) else { return false };
        let slot = (place.domain, place.bus, place.slot) == (0, 0, 1);
        let kind = controller.controller_type();
        slot && controller.index == Some(0)
            && ((kind == ControllerType::Ide && place.function == 1)
                || (kind == ControllerType::Usb
                    && matches!(controller.usb_model(), None | Some(UsbModel::Piix3Uhci))
                    && place.function == 2))
    }

    /// Takes the identifiers that the document names.
    fn collect_zpci(&mut self, at: At) -> Result<()> {
        let Some(pci) = self.zpci_device(at) else { return Ok(()) };
        if pci.zpci.uid.is_none() && pci.zpci.fid.is_none() {
            return Ok(());
        }
        if let Some(ids) = &mut self.zpci {
            let zpci = ids.ensure(pci.zpci)?;
            self.set_address(at, Pci { zpci, ..pci });
        }
        Ok(())
    }

    /// The address of a device that is on PCI and can have identifiers: serial devices can not.
    fn zpci_device(&self, at: At) -> Option<Pci> {
        self.zpci.as_ref()?;
        let port = matches!(
            at.0,
            DeviceKind::Serial | DeviceKind::Parallel | DeviceKind::Console | DeviceKind::Channel
        );
        if port || (at.0 == DeviceKind::Controller && at.1 >= self.controllers_with_zpci) {
            return None;
        }
        match self.address(at)? {
            Address::Pci(pci) => Some(*pci),
            _ => None,
        }
    }
}

/// The buses of a domain's PCI controllers; indexes without one get the machine's usual controller.
fn buses(domain: &Domain, count: usize) -> Vec<PciBus> {
    let usual = if machine::is_pseries(domain) {
        PciModel::PciRoot
    } else if domain
        .controllers_of(ControllerType::Pci)
        .any(|c| c.pci().and_then(|pci| pci.model) == Some(PciModel::PcieRoot))
    {
        PciModel::PcieRootPort
    } else {
        PciModel::PciBridge
    };
    let bus = |index: usize| {
        let index = u32::try_from(index).ok()?;
        let controller = domain.controller(ControllerType::Pci, index)?;
        let pci = controller.pci()?;
        let mut bus = PciBus::new(pci.model?, pci.hotplug != Some(false));
        bus.isolation_group = controller.info.isolation_group;
        // Passed-through devices of a pseries guest never share the board's own host bridge.
        bus.isolation_group_locked = index == 0 && machine::is_pseries(domain);
        Some(bus)
    };
    (0..count)
        .map(|index| {
            let fallback = if index == 0 { PciModel::PciRoot } else { usual };
            bus(index).unwrap_or_else(|| PciBus::new(fallback, true))
        })
        .collect()
}
