//! What the QEMU driver decides where a document is silent, and what it refuses.

mod address;
mod audio;
mod boot;
mod cpu;
mod defaults;
mod features;
mod memory;
mod topology;
mod validate;
mod vcpus;

use virt_conf::domain::{DeviceMut, DeviceRef, Domain, Policy, Seclabel, passes::PolicyFeatures};
use virt_conf::{ParseFlags, Result};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain};

pub use address::{AttachContext, Attachment, Vio, Virtio};
pub use boot::name_variables;

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
        QemuContext { domain, caps: self.caps, config: self.config, host: self.host, flags }
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

    fn begin(&self, domain: &mut Domain, flags: ParseFlags) -> Result<()> {
        if domain.os.arch == Arch::None {
            domain.os.arch = self.host.arch;
        }
        Seclabel::complete_model(&mut domain.seclabels, &self.config.security_model, flags)?;
        domain.emulator.get_or_insert_with(|| self.caps.binary.clone());
        Ok(())
    }

    fn domain(&self, domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        machine_type(domain, self.caps)?;
        boot::complete(domain, self.config)?;
        defaults::add(domain, self.caps)?;
        self.add_default_audio(domain)?;
        cpu::choose_model(domain, self)?;
        features::complete(domain, self.caps);
        vcpus::check(domain)?;
        cpu::complete(domain, self)?;
        features::check_tseg(domain, self.caps)?;
        vcpus::complete_numa(domain);
        Ok(())
    }

    fn device(&self, device: &mut DeviceMut<'_>, domain: &Domain, flags: ParseFlags) -> Result<()> {
        device::complete(device, &self.context(domain, flags))
    }

    fn assign_addresses(&self, domain: &mut Domain, flags: ParseFlags) -> Result<()> {
        address::assign(domain, self, flags.contains(ParseFlags::ABI_UPDATE))
    }

    fn validate_domain(&self, domain: &Domain) -> Result<()> {
        validate::domain(domain, self)
    }

    fn validate_device(&self, device: DeviceRef<'_>, domain: &Domain) -> Result<()> {
        if let Some(info) = device.info() {
            device::common::check_place(info, self.caps)?;
        }
        device::check(device, &self.context(domain, ParseFlags::empty()))
    }
}

/// Gives the domain the machine type that it names, by its versioned name, or the usual one.
fn machine_type(domain: &mut Domain, caps: &Capabilities) -> Result<()> {
    let found = match &domain.os.machine {
        Some(name) => caps.machine(domain.virt_type, name),
        None => Some(caps.default_machine(domain.virt_type).ok_or_else(|| {
            let detail =
                format!("could not get preferred machine for {} type={}", caps.binary, domain.virt_type);
            Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail)
        })?),
    };
    // A name that the binary does not know is refused when the whole is checked.
    if let Some(machine) = found {
        domain.os.machine = Some(machine.name.clone());
    }
    Ok(())
}
