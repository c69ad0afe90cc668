//! What a driver decides where the document is silent.

use bitflags::bitflags;

use crate::domain::{DeviceMut, DeviceRef, Domain};
use crate::{ParseFlags, Result};

bitflags! {
    /// Parts of the format that a driver knows (`virDomainDefFeatures`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PolicyFeatures: u32 {
        /// SCSI buses have more than seven targets.
        const WIDE_SCSI = 1 << 0;
        /// Pins of offline vCPUs are kept.
        const OFFLINE_VCPUPIN = 1 << 2;
        /// A domain's name may contain a slash.
        const NAME_SLASH = 1 << 3;
        /// vCPUs can be plugged one by one.
        const INDIVIDUAL_VCPUS = 1 << 4;
        /// Users may choose aliases.
        const USER_ALIAS = 1 << 5;
        /// `<os><boot dev='…'/>` is not turned into an order of devices.
        const NO_BOOT_ORDER = 1 << 6;
        /// Firmware is chosen automatically.
        const FW_AUTOSELECT = 1 << 7;
        /// Interface models may be any text.
        const NET_MODEL_STRING = 1 << 8;
        /// No console is added for the first serial port.
        const NO_STUB_CONSOLE = 1 << 9;
    }
}

/// A driver's decisions about a domain. Each step runs at its place in [`Domain::fill`] or [`Domain::validate`];
/// all default to "nothing to add".
pub trait Policy {
    /// Parts of the format that the driver knows.
    fn features(&self) -> PolicyFeatures {
        PolicyFeatures::empty()
    }

    /// Before anything else: what later steps need to know, such as the emulator.
    ///
    /// # Errors
    /// For a domain that the driver can not run.
    fn begin(&self, _domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        Ok(())
    }

    /// Defaults of the domain, and the devices that its machine always has.
    ///
    /// # Errors
    /// For what can not be completed.
    fn domain(&self, _domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        Ok(())
    }

    /// Defaults of one device; `domain` lacks this one device.
    ///
    /// # Errors
    /// For what can not be completed.
    fn device(&self, _device: &mut DeviceMut<'_>, _domain: &Domain, _flags: ParseFlags) -> Result<()> {
        Ok(())
    }

    /// Places for all devices that have none.
    ///
    /// # Errors
    /// Where there is no room, or two devices want one place.
    fn assign_addresses(&self, _domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        Ok(())
    }

    /// The driver's checks of the whole.
    ///
    /// # Errors
    /// With libvirt's code and sentence.
    fn validate_domain(&self, _domain: &Domain) -> Result<()> {
        Ok(())
    }

    /// The driver's checks of one device.
    ///
    /// # Errors
    /// With libvirt's code and sentence.
    fn validate_device(&self, _device: DeviceRef<'_>, _domain: &Domain) -> Result<()> {
        Ok(())
    }
}

/// The policy of no driver: only what every driver would do.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullPolicy;

impl Policy for NullPolicy {}
