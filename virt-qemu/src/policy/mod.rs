//! What the QEMU driver decides where a document is silent, and what it refuses.

use virt_conf::domain::{DeviceMut, DeviceRef, Domain, Policy, passes::PolicyFeatures};
use virt_conf::{ParseFlags, Result};

use crate::caps::Capabilities;
use crate::config::Config;
use crate::device::{self, QemuContext};
use crate::host::Host;

/// The QEMU driver's policy for one binary on one host.
#[derive(Debug, Clone, Copy)]
pub struct QemuPolicy<'a> {
    /// What the binary can do.
    pub caps: &'a Capabilities,
    /// The driver's settings.
    pub config: &'a Config,
    /// The host.
    pub host: &'a Host,
}

impl QemuPolicy<'_> {
    fn context<'b>(&'b self, domain: &'b Domain, flags: ParseFlags) -> QemuContext<'b> {
        QemuContext { domain, caps: self.caps, config: self.config, flags }
    }
}

impl Policy for QemuPolicy<'_> {
    fn features(&self) -> PolicyFeatures {
        PolicyFeatures::OFFLINE_VCPUPIN
            | PolicyFeatures::INDIVIDUAL_VCPUS
            | PolicyFeatures::USER_ALIAS
            | PolicyFeatures::FW_AUTOSELECT
            | PolicyFeatures::NET_MODEL_STRING
    }

    fn begin(&self, domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        domain.emulator.get_or_insert_with(|| self.caps.binary.clone());
        Ok(())
    }

    fn device(&self, device: &mut DeviceMut<'_>, domain: &Domain, flags: ParseFlags) -> Result<()> {
        device::complete(device, &self.context(domain, flags))
    }

    fn validate_device(&self, device: DeviceRef<'_>, domain: &Domain) -> Result<()> {
        device::check(device, &self.context(domain, ParseFlags::empty()))
    }
}
