//! What is done to a whole domain after it was read: fill, then validate.

pub mod address;
pub mod controllers;
mod policy;

pub use policy::{NullPolicy, Policy, PolicyFeatures};

use super::{Domain, device};
use crate::{ParseFlags, Result};

impl Domain {
    /// Completes a domain as it was read: implicit devices, defaults, addresses.
    ///
    /// Filling a filled domain changes nothing.
    ///
    /// # Errors
    /// For what can not be completed, such as a device for which no bus has room.
    pub fn fill(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        policy.begin(self, flags)?;
        self.order_controllers();
        self.index_controllers();
        policy.domain(self, flags)?;
        self.for_each_device_mut(|mut device, domain| {
            policy.device(&mut device, domain, flags)?;
            device::fill_device(device, domain)
        })?;
        policy.assign_addresses(self, flags)
    }

    /// Checks a filled domain, first as every driver would, then as the policy's driver does.
    ///
    /// # Errors
    /// The first refusal, with libvirt's code and sentence.
    pub fn validate(&self, policy: &dyn Policy) -> Result<()> {
        for device in self.devices.iter() {
            device.validate(self)?;
            policy.validate_device(device, self)?;
        }
        policy.validate_domain(self)
    }
}
