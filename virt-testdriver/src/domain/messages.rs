//! What is wrong with a domain, in sentences.

use virt_conf::domain::CpuMode;
use virt_conf::domain::device::{DiskDevice, HostdevSource};

use super::Guest;

/// Why a domain is tainted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Taint {
    HighPrivileges,
    ShellScripts,
    CdromPassthrough,
    CustomDtb,
    DeprecatedConfig,
}

impl Taint {
    const fn sentence(self) -> &'static str {
        match self {
            Self::HighPrivileges => "running with undesirable elevated privileges",
            Self::ShellScripts => "network configuration using opaque shell scripts",
            Self::CdromPassthrough => "use of host cdrom passthrough",
            Self::CustomDtb => "custom device tree blob used",
            Self::DeprecatedConfig => "use of deprecated configuration settings",
        }
    }
}

/// `VIR_DOMAIN_MESSAGE_DEPRECATION`
const DEPRECATION: u32 = 0x1;
/// `VIR_DOMAIN_MESSAGE_TAINTING`
const TAINTING: u32 = 0x2;

/// A CPU model that exists only to be out of date.
const OUTDATED: &str = "Deprecated-Test";

impl Guest {
    /// Notes what is wrong with the configuration.
    pub(crate) fn note_taints(&mut self) {
        let config = &self.live;
        let mut taints = Vec::new();
        for disk in &config.devices.disks {
            if disk.rawio == Some(true) {
                taints.push(Taint::HighPrivileges);
            }
            let block = matches!(
                &disk.source.location,
                virt_conf::common::storage_source::Location::Block { path: Some(_), .. }
            );
            if disk.device == DiskDevice::Cdrom && block {
                taints.push(Taint::CdromPassthrough);
            }
        }
        let raw =
            |source: &HostdevSource| matches!(source, HostdevSource::Scsi(scsi) if scsi.rawio == Some(true));
        if config.devices.hostdevs.iter().any(|hostdev| raw(&hostdev.source)) {
            taints.push(Taint::HighPrivileges);
        }
        if config.devices.interfaces.iter().any(|interface| interface.script.is_some()) {
            taints.push(Taint::ShellScripts);
        }
        let outdated = config
            .cpu
            .as_ref()
            .is_some_and(|cpu| cpu.mode == CpuMode::Custom && cpu.model.as_deref() == Some(OUTDATED));
        if outdated {
            taints.push(Taint::DeprecatedConfig);
            self.deprecations.push(format!("CPU model {OUTDATED}"));
        }
        if config.os.dtb.is_some() {
            taints.push(Taint::CustomDtb);
        }
        taints.sort();
        taints.dedup();
        self.taints = taints;
    }

    pub(super) fn messages(&self, flags: u32) -> Vec<String> {
        let asked = |flag| flags == 0 || flags & flag != 0;
        let taints = self.taints.iter().filter(|_| asked(TAINTING));
        let outdated = self.deprecations.iter().filter(|_| asked(DEPRECATION));
        taints
            .map(|taint| format!("tainted: {}", taint.sentence()))
            .chain(outdated.map(|what| format!("deprecated configuration: {what}")))
            .collect()
    }
}
