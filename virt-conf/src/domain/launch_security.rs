//! `<launchSecurity>`: guests whose memory the host can not read.

/// AMD's Secure Encrypted Virtualization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sev {
    /// `kernelHashes`
    pub kernel_hashes: Option<bool>,
    /// `<cbitpos>`
    pub cbitpos: Option<u32>,
    /// `<reducedPhysBits>`
    pub reduced_phys_bits: Option<u32>,
    /// `<policy>`
    pub policy: u32,
    /// `<dhCert>`
    pub dh_cert: Option<String>,
    /// `<session>`
    pub session: Option<String>,
}

/// `<launchSecurity>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchSecurity {
    /// `type='sev'`
    Sev(Sev),
    /// `type='s390-pv'`
    S390Pv,
}
