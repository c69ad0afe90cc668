//! What the driver decides where a domain's document is silent.

use virt_conf::domain::device::VideoModel;
use virt_conf::domain::passes::PolicyFeatures;
use virt_conf::domain::{DeviceMut, Domain, Genid, Namespace, OsType, Policy};
use virt_conf::{ParseFlags, Result};
use virt_types::{Arch, MacAddr};

use crate::random;

/// The test driver's policy: a 32-bit PC that takes anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestPolicy;

impl Policy for TestPolicy {
    fn features(&self) -> PolicyFeatures {
        PolicyFeatures::OFFLINE_VCPUPIN
            | PolicyFeatures::INDIVIDUAL_VCPUS
            | PolicyFeatures::USER_ALIAS
            | PolicyFeatures::FW_AUTOSELECT
            | PolicyFeatures::NET_MODEL_STRING
    }

    fn begin(&self, domain: &mut Domain, _flags: ParseFlags) -> Result<()> {
        if domain.os.arch == Arch::None {
            domain.os.arch = Arch::I686;
        }
        if domain.uuid.is_none() {
            domain.uuid = Some(random::uuid()?);
        }
        if domain.genid == Some(Genid::ToGenerate) {
            domain.genid = Some(Genid::Id(random::uuid()?));
        }
        // Other drivers' elements mean nothing here.
        domain.namespace = Namespace::None;
        Ok(())
    }

    fn device(&self, device: &mut DeviceMut<'_>, domain: &Domain, _flags: ParseFlags) -> Result<()> {
        match device {
            DeviceMut::Video(video) if video.model == VideoModel::default() => {
                video.model = match domain.os.os_type {
                    OsType::Xen | OsType::Linux => VideoModel::Xen,
                    _ if domain.os.arch.is_ppc64() => VideoModel::Vga,
                    _ => VideoModel::Cirrus,
                };
            }
            DeviceMut::Interface(interface) => {
                if interface.mac.is_none() {
                    interface.mac = Some(MacAddr::qemu(random::bytes()?));
                }
                if let Some(port) = &mut interface.virtualport {
                    port.identify(random::uuid)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads, completes and checks a document.
pub(crate) fn define(xml: &str, flags: ParseFlags) -> Result<Domain> {
    complete(Domain::parse(xml, flags)?, flags)
}

/// Completes a domain that was kept in a snapshot or checkpoint, and checked then.
pub(crate) fn complete_kept(domain: &mut Domain) -> Result<()> {
    domain.fill(&TestPolicy, ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE)
}

/// Completes and checks what was read.
pub(crate) fn complete(mut domain: Domain, flags: ParseFlags) -> Result<Domain> {
    domain.fill(&TestPolicy, flags)?;
    if !flags.contains(ParseFlags::SKIP_VALIDATE) {
        domain.validate(&TestPolicy)?;
    }
    Ok(domain)
}
