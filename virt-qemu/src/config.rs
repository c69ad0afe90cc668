//! The driver's configuration: what qemu.conf says, or the defaults of a system or per-user engine.

use std::path::PathBuf;

/// The settings that plans depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether the engine runs as root for the whole system.
    pub privileged: bool,
    /// Where per-domain directories (`domain-ID-NAME`), channels and NVRAM live.
    pub lib_dir: PathBuf,
    /// Where the guests' logs are.
    pub log_dir: PathBuf,
    /// Where the run-time state is.
    pub state_dir: PathBuf,
    /// `vnc_listen`.
    pub vnc_listen: String,
    /// `spice_listen`.
    pub spice_listen: String,
    /// `spice_tls`.
    pub spice_tls: bool,
    /// `seccomp_sandbox`; absent for the built-in choice (on).
    pub seccomp_sandbox: Option<bool>,
    /// `log_timestamp`.
    pub log_timestamp: bool,
}

impl Config {
    /// libvirt's own directories and defaults of a system engine.
    #[must_use]
    pub fn system() -> Self {
        Self {
            privileged: true,
            lib_dir: "/var/lib/libvirt/qemu".into(),
            log_dir: "/var/log/libvirt/qemu".into(),
            state_dir: "/run/libvirt/qemu".into(),
            vnc_listen: "127.0.0.1".into(),
            spice_listen: "127.0.0.1".into(),
            spice_tls: false,
            seccomp_sandbox: None,
            log_timestamp: true,
        }
    }
}
