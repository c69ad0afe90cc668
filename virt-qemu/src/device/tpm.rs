//! `<tpm>` as `-tpmdev` and a device.

use virt_conf::common::chardev::UnixSource;
use virt_conf::common::{Chardev, ChardevSource};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Tpm, TpmBackend, TpmEmulator, TpmModel, TpmVersion};
use virt_types::{Result, TextEnum};

use super::common::address;
use super::common::chardev::{self, Setup};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::config::Config;
use crate::error::unsupported;
use crate::machine;
use crate::plan::{
    Companion, DevicePlan, FdSource, HostNeed, Part, PlanContext, Program, Props, SwtpmState, keyval,
};
use crate::policy::{AttachContext, Attachment, Vio};

/// The register that QEMU gives a TPM on a pseries guest's VIO bus.
const FIRST_VIO_REGISTER: u64 = 0x4000;
/// The chardev of the one TPM that has one.
const CHARDEV: &str = "chrtpm";

impl QemuDevice for Tpm {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        if self.model == TpmModel::Default {
            self.model = if cx.domain.os.arch.is_ppc64() { TpmModel::Spapr } else { TpmModel::Tis };
        }
        // The versions are no successors of each other, so one has to be chosen for good.
        if let TpmBackend::Emulator(emulator) = &mut self.backend
            && emulator.version == TpmVersion::Default
        {
            let new_only =
                matches!(self.model, TpmModel::Spapr | TpmModel::Crb) || machine::is_arm_virt(cx.domain);
            emulator.version = if new_only { TpmVersion::V2_0 } else { TpmVersion::V1_2 };
        }
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        check_count(cx)?;
        if let TpmBackend::Emulator(emulator) = &self.backend {
            self.check_version(emulator.version, cx)?;
        }
        let emulator = cx.domain.emulator.as_deref().unwrap_or(&cx.caps.binary);
        let backend = match &self.backend {
            TpmBackend::Passthrough { .. } => cx.caps.has(Cap::TpmPassthrough),
            TpmBackend::Emulator(_) | TpmBackend::External(_) => {
                cx.host.swtpm.is_some() && cx.caps.has(Cap::TpmEmulator)
            }
        };
        if !backend {
            let error = unsupported(format!(
                "The QEMU executable {emulator} does not support TPM backend type {}",
                self.backend.kind()
            ));
            return Err(match cx.host.swtpm {
                None => error.with_hint("install swtpm and swtpm-tools on the host"),
                Some(_) => error,
            });
        }
        if cx.domain.os.arch.is_ppc64()
            && self.model == TpmModel::SpaprProxy
            && !matches!(self.backend, TpmBackend::Passthrough { .. })
        {
            return Err(unsupported(format!(
                "TPM Proxy model {} requires 'Passthrough' backend",
                self.model
            )));
        }
        let model = match self.model {
            TpmModel::Tis => cx.caps.has(Cap::TpmTis),
            TpmModel::Crb => cx.caps.has(Cap::TpmCrb),
            TpmModel::Spapr => cx.caps.has(Cap::TpmSpapr),
            TpmModel::SpaprProxy => cx.caps.has(Cap::SpaprTpmProxy),
            TpmModel::Default => false,
        };
        if !model {
            return Err(unsupported(format!(
                "The QEMU executable {emulator} does not support TPM model {}",
                self.model
            )));
        }
        Ok(())
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        let always = self.model != TpmModel::SpaprProxy && machine::is_pseries(cx.domain);
        Attachment { vio: Some(Vio { always, first_register: FIRST_VIO_REGISTER }), ..Attachment::default() }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let alias = self.info.alias.clone().unwrap_or_default();
        if let (TpmModel::SpaprProxy, TpmBackend::Passthrough { device }) = (self.model, &self.backend) {
            let props = Props::new()
                .str("driver", self.model.text())
                .str("id", alias)
                .str("host-path", device.clone());
            plan.device(&self.info, props);
            return Ok(plan);
        }
        let tpmdev = format!("tpm-{alias}");
        let backend = match &self.backend {
            TpmBackend::Passthrough { device } => {
                let (path, device_part) = cx.fd_set(FdSource::File(device.into()), format!("{alias}-tpm"));
                let cancel = FdSource::TpmCancel { device: device.into() };
                let (cancel_path, cancel_part) = cx.fd_set(cancel, format!("{alias}-cancel"));
                plan.parts.extend([device_part, cancel_part]);
                format!("passthrough,id={tpmdev},path={},cancel-path={}", keyval(&path), keyval(&cancel_path))
            }
            TpmBackend::Emulator(emulator) => {
                let source = emulator_source(cx, &alias, emulator, &mut plan);
                plan.parts.extend(chardev::parts(cx, &source, CHARDEV, Setup::default())?);
                format!("emulator,id={tpmdev},chardev={CHARDEV}")
            }
            TpmBackend::External(source) => {
                plan.parts.extend(chardev::parts(cx, source, CHARDEV, Setup::default())?);
                format!("emulator,id={tpmdev},chardev={CHARDEV}")
            }
        };
        plan.parts.push(Part::Option("-tpmdev", backend));
        let driver = match self.model {
            TpmModel::Tis if !cx.domain.os.arch.is_x86() => "tpm-tis-device",
            model => model.text(),
        };
        let props = Props::new().str("driver", driver).str("tpmdev", tpmdev).str("id", alias);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        Ok(plan)
    }
}

/// The socket of the emulator's process. A domain that does not run has no such process to be connected to.
fn emulator_source(
    cx: &PlanContext<'_>,
    alias: &str,
    emulator: &TpmEmulator,
    plan: &mut DevicePlan,
) -> Chardev {
    if cx.domain.id.is_none() {
        return Chardev { source: ChardevSource::Null, ..Chardev::default() };
    }
    let socket = cx.swtpm_socket();
    let path = Some(socket.to_string_lossy().into_owned());
    plan.needs.push(HostNeed::Companion(Companion {
        device: alias.to_owned(),
        socket,
        program: Program::Swtpm(swtpm_state(cx.config, cx.domain, emulator)),
    }));
    Chardev {
        source: ChardevSource::Unix(UnixSource { path, ..UnixSource::default() }),
        ..Chardev::default()
    }
}

/// Where a domain's emulated TPM keeps what, in libvirt's places.
pub(crate) fn swtpm_state(config: &Config, domain: &Domain, emulator: &TpmEmulator) -> SwtpmState {
    let id = domain.uuid.unwrap_or_default();
    let version = if emulator.version == TpmVersion::V2_0 { "tpm2" } else { "tpm1.2" };
    SwtpmState {
        dir: config.swtpm_storage_dir.join(id.to_string()).join(version),
        log: config.swtpm_log_dir.join(format!("{}-swtpm.log", domain.name)),
        settings: config.swtpm_settings_dir.clone(),
        owner: format!("{}:{id}", domain.name),
        wanted: emulator.clone(),
    }
}

fn check_count(cx: &QemuContext<'_>) -> Result<()> {
    let tpms = &cx.domain.devices.tpms;
    let proxies = tpms.iter().filter(|tpm| tpm.model == TpmModel::SpaprProxy).count();
    if proxies > 1 {
        return Err(unsupported("only a single TPM Proxy device is supported"));
    }
    if tpms.len() - proxies > 1 {
        return Err(unsupported("only a single TPM non-proxy device is supported"));
    }
    Ok(())
}

trait Version {
    fn check_version(&self, version: TpmVersion, cx: &QemuContext<'_>) -> Result<()>;
}

impl Version for Tpm {
    fn check_version(&self, version: TpmVersion, cx: &QemuContext<'_>) -> Result<()> {
        let known = cx.host.swtpm.is_some_and(|swtpm| match version {
            TpmVersion::V1_2 => swtpm.tpm1,
            TpmVersion::V2_0 => swtpm.tpm2,
            TpmVersion::Default => false,
        });
        if !known {
            return Err(unsupported(format!("TPM version '{version}' is not supported")));
        }
        if version != TpmVersion::V1_2 {
            return Ok(());
        }
        match self.model {
            TpmModel::Crb => Err(unsupported(format!("Unsupported interface '{}' for TPM 1.2", self.model))),
            TpmModel::Spapr => Err(unsupported("TPM 1.2 is not supported with the SPAPR device model")),
            _ if machine::is_arm_virt(cx.domain) => Err(unsupported("TPM 1.2 is not supported on ARM")),
            TpmModel::Default | TpmModel::Tis | TpmModel::SpaprProxy => Ok(()),
        }
    }
}
