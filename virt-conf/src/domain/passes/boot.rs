//! The boot order: of kinds of devices in `<os>`, or of single devices.

use std::collections::BTreeSet;

use crate::Result;
use crate::domain::{BootDevice, Domain};
use crate::error::unsupported;

impl Domain {
    /// Refuses an order that contradicts itself, and lets a domain without any boot from its disk.
    pub(super) fn fill_boot_order(&mut self) -> Result<()> {
        let mut orders = BTreeSet::new();
        for info in self.devices.iter().filter_map(|device| device.info()) {
            if let Some(order) = info.boot_order
                && !orders.insert(order)
            {
                return Err(unsupported(format!("boot order '{order}' used for more than one device")));
            }
        }
        if !self.os.boot.is_empty() && !orders.is_empty() {
            return Err(unsupported(
                "per-device boot elements cannot be used together with os/boot elements",
            ));
        }
        if self.os.boot.is_empty() && orders.is_empty() {
            self.os.boot.push(BootDevice::Hd);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::Controller;

    fn filled(kinds: &[BootDevice], orders: &[u32]) -> Result<Vec<BootDevice>> {
        let mut domain = Domain::default();
        domain.os.boot = kinds.to_vec();
        for order in orders {
            let mut controller = Controller::default();
            controller.info.boot_order = Some(*order);
            domain.devices.controllers.push(controller);
        }
        domain.fill_boot_order().map(|()| domain.os.boot)
    }

    #[test]
    fn one_way_of_ordering_is_used() {
        assert_eq!(filled(&[], &[]).unwrap(), [BootDevice::Hd]);
        assert_eq!(filled(&[BootDevice::Network], &[]).unwrap(), [BootDevice::Network]);
        assert_eq!(filled(&[], &[1, 2]).unwrap(), []);
        for (kinds, orders) in [(&[BootDevice::Hd][..], &[1][..]), (&[], &[2, 2])] {
            assert!(filled(kinds, orders).is_err());
        }
    }
}
