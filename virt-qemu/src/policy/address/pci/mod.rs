//! PCI: how many buses a guest needs, and what goes where.

mod chipset;
mod isolation;
mod options;
mod run;

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ControllerKind, ControllerType, PciController, PciModel};
use virt_conf::domain::passes::address::Connect;
use virt_conf::domain::passes::address::pci::connects_to;

use self::run::Run;
use super::AttachContext;
use crate::policy::{QemuPolicy, topology};

/// Adds the PCI controllers that are missing and gives every PCI device a place.
///
/// A first run finds out how many buses there have to be, a second one places the devices for good.
pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let highest = domain.controllers_of(ControllerType::Pci).filter_map(|controller| controller.index).max();
    isolation::assign(domain, policy);
    let controllers = domain.devices.controllers.len();
    let mut buses = highest.map_or(0, |highest| highest as usize + 1);
    if buses > 0 {
        buses = grow(domain, policy, buses)?;
    }
    let mut run = Run::new(domain, policy, buses, controllers, false)?;
    if topology::supports_pci(run.domain, policy.caps) {
        chipset::place_integrated(&mut run)?;
        run.place_devices()?;
        run.complete_zpci()?;
        mark_multifunction(domain);
        options::complete(domain, policy)?;
    }
    Ok(())
}

/// The first run: adds the controllers that are needed, and says how many buses there are then.
fn grow(domain: &mut Domain, policy: &QemuPolicy<'_>, buses: usize) -> Result<usize> {
    let controllers = domain.devices.controllers.len();
    let mut run = Run::new(domain, policy, buses, controllers, true)?;
    chipset::place_integrated(&mut run)?;
    // A conventional guest keeps one slot free, so that it can be extended.
    if topology::has_pci_root(run.domain) && run.set.buses.iter().any(|bus| !bus.is_full()) {
        run.set.reserve_next(AttachContext::CONVENTIONAL, 0, None)?;
    }
    run.place_devices()?;
    run.complete_zpci()?;
    // A new Express guest whose topology is ours gets one free port.
    if buses == 1 && run.set.buses.len() > 1 && topology::has_pcie_root(run.domain) {
        run.set.reserve_next(Connect::PCIE_DEVICE | Connect::AUTOASSIGN, 0, None)?;
    }
    let models: Vec<_> = run.set.buses.iter().map(|bus| bus.model).collect();
    for (index, model) in (0..).zip(models).skip(1) {
        if !run.domain.ensure_controller(ControllerKind::Pci(PciController::of(model)), index) {
            continue;
        }
        if !matches!(model, PciModel::PciRoot | PciModel::PcieRoot) {
            run.set.reserve_next(connects_to(model), 0, None)?;
        }
    }
    Ok(run.set.buses.len())
}

/// Says at function 0 of each slot that has more functions that it has.
fn mark_multifunction(domain: &mut Domain) {
    let place = |address: &Address| match address {
        Address::Pci(pci) => Some(pci.at),
        _ => None,
    };
    let shared: Vec<_> = domain
        .devices
        .iter()
        .filter_map(|device| place(&device.info()?.address))
        .filter(|at| at.function != 0)
        .collect();
    for (kind, position) in domain.placed_visits() {
        if let Some(info) = domain.devices.info_mut(kind, position)
            && let Address::Pci(pci) = &mut info.address
            && pci.at.function == 0
            && shared
                .iter()
                .any(|at| (at.domain, at.bus, at.slot) == (pci.at.domain, pci.at.bus, pci.at.slot))
        {
            pci.multifunction.get_or_insert(true);
        }
    }
}
