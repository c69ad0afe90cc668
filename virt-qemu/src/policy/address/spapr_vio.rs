//! The VIO bus of pseries guests.

use std::collections::BTreeSet;

use virt_conf::Result;
use virt_conf::common::Address;
use virt_conf::common::address::SpaprVio;
use virt_conf::domain::Domain;

use super::AttachContext;
use crate::device;
use crate::error::xml_error;
use crate::policy::QemuPolicy;

/// Registers are this far apart.
const STEP: u64 = 0x1000;

pub(super) fn assign(domain: &mut Domain, policy: &QemuPolicy<'_>) -> Result<()> {
    let mut open = Vec::new();
    let mut taken = BTreeSet::new();
    for (kind, position) in domain.placed_visits() {
        let cx = AttachContext { domain, host: policy.host };
        let Some(device) = domain.devices.get(kind, position) else { continue };
        let Some(vio) = device::attachment(device, &cx).vio else { continue };
        let Some(info) = domain.devices.info_mut(kind, position) else { continue };
        if vio.always && !matches!(info.address, Address::SpaprVio(_)) {
            info.address = Address::SpaprVio(SpaprVio::default());
        }
        match info.address {
            Address::SpaprVio(SpaprVio { reg: Some(reg) }) if !taken.insert(reg) => {
                return Err(xml_error(format!("spapr-vio address {reg:#x} already in use")));
            }
            Address::SpaprVio(SpaprVio { reg: None }) => open.push((kind, position, vio.first_register)),
            _ => {}
        }
    }
    for (kind, position, mut reg) in open {
        while !taken.insert(reg) {
            reg += STEP;
        }
        if let Some(info) = domain.devices.info_mut(kind, position) {
            info.address = Address::SpaprVio(SpaprVio { reg: Some(reg) });
        }
    }
    Ok(())
}
