//! What is done to a whole domain after it was read: fill, then validate.

pub mod address;
mod boot;
mod console;
pub mod controllers;
mod duplicates;
mod implicit;
mod memory;
mod policy;
mod sections;
mod timers;
mod vcpus;
mod video;

pub use policy::{NullPolicy, Policy, PolicyFeatures};

use super::device::ControllerKind;
use super::{DeviceKind, DeviceMut, Domain, LoaderType, OsType, device};
use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

impl Domain {
    /// Completes a domain as it was read: implicit devices, defaults, addresses.
    ///
    /// Filling a filled domain changes nothing.
    ///
    /// # Errors
    /// For what can not be completed, such as a device for which no bus has room.
    pub fn fill(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        self.refuse_usb_devices()?;
        policy.begin(self, flags)?;
        self.order_controllers();
        self.add_scsi_hostdev_controllers();
        self.index_controllers();
        policy.domain(self, flags)?;
        self.number_isa_serials()?;
        self.for_each_device_mut(|mut device, domain| fill_device(&mut device, domain, policy, flags))?;
        if let Some(metadata) = &mut self.metadata {
            metadata.fill();
        }
        self.vcpus.fill()?;
        self.fill_memory(flags)?;
        self.fill_loader();
        self.fill_hugepages();
        self.refuse_duplicate_controllers()?;
        self.refuse_duplicate_panics()?;
        if self.os.os_type == OsType::Hvm && !policy.features().contains(PolicyFeatures::NO_BOOT_ORDER) {
            self.fill_boot_order()?;
        }
        self.clock.refuse_timer_settings()?;
        if !policy.features().contains(PolicyFeatures::NO_STUB_CONSOLE) {
            self.pair_console_and_serial()?;
        }
        self.add_implicit_controllers();
        self.add_implicit_video();
        self.fill_primary_video(policy, flags)?;
        self.fill_first_serial(|mut device, domain| fill_device(&mut device, domain, policy, flags))?;
        self.fill_implicit_scsi(policy, flags)?;
        policy.assign_addresses(self, flags)?;
        // What was accepted before is not refused when it is read again.
        if flags.contains(ParseFlags::SKIP_VALIDATE) {
            return Ok(());
        }
        self.refuse_unknown_features(policy.features())
    }

    /// SCSI controllers that were added for their disks get their models as well.
    fn fill_implicit_scsi(&mut self, policy: &dyn Policy, flags: ParseFlags) -> Result<()> {
        for position in 0..self.devices.controllers.len() {
            if matches!(self.devices.controllers[position].kind, ControllerKind::Scsi { model: None }) {
                self.with_device_mut(DeviceKind::Controller, position, |mut device, domain| {
                    fill_device(&mut device, domain, policy, flags)
                })?;
            }
        }
        Ok(())
    }

    /// A firmware image is a ROM unless the document says otherwise.
    fn fill_loader(&mut self) {
        if let Some(loader) = self.os.loader.as_mut().filter(|loader| loader.path.is_some()) {
            loader.kind.get_or_insert(LoaderType::Rom);
        }
    }

    fn refuse_unknown_features(&self, features: PolicyFeatures) -> Result<()> {
        if self.name.contains('/') && !features.contains(PolicyFeatures::NAME_SLASH) {
            return Err(xml_error(format!("name {} cannot contain '/'", self.name)));
        }
        if self.vcpus.individual.is_some() && !features.contains(PolicyFeatures::INDIVIDUAL_VCPUS) {
            return Err(unsupported("individual CPU state configuration is not supported"));
        }
        Ok(())
    }

    /// Checks a filled domain: the driver's checks of the whole, of each device every driver's and the
    /// driver's, then every driver's of the whole.
    ///
    /// # Errors
    /// The first refusal, with libvirt's code and sentence.
    pub fn validate(&self, policy: &dyn Policy) -> Result<()> {
        policy.validate_domain(self)?;
        for (kind, position) in self.devices.visits() {
            if let Some(device) = self.devices.get(kind, position) {
                device.validate(self)?;
                policy.validate_device(device, self)?;
            }
        }
        self.refuse_twin_disks()?;
        self.validate_sections(policy)
    }
}

/// Completes one device: first as the driver does, then as every driver would.
fn fill_device(
    device: &mut DeviceMut<'_>,
    domain: &Domain,
    policy: &dyn Policy,
    flags: ParseFlags,
) -> Result<()> {
    policy.device(device, domain, flags)?;
    device::fill_device(device, domain)
}
