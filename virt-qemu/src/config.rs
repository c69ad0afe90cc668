//! The driver's configuration: what qemu.conf says, or the defaults of a system or per-user engine.

use std::path::{Path, PathBuf};

use virt_sys::user::Directories;
use virt_types::Uuid;

use crate::save_image::Compression;

/// Where QEMU looks for its own helpers.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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
    /// Where definitions are.
    pub config_dir: PathBuf,
    /// Where what can be found out again is kept.
    pub cache_dir: PathBuf,
    /// Where emulated TPMs keep their states, a directory a domain.
    pub swtpm_storage_dir: PathBuf,
    /// Where emulated TPMs' logs are.
    pub swtpm_log_dir: PathBuf,
    /// Where the settings of emulated TPMs' certificates are made and looked for; absent for the usual places.
    pub swtpm_settings_dir: Option<PathBuf>,
    /// `chardev_tls`: TCP character devices are secured where their document says nothing.
    pub chardev_tls: bool,
    /// `chardev_tls_x509_cert_dir`.
    pub chardev_tls_x509_cert_dir: PathBuf,
    /// `chardev_tls_x509_verify`: clients have to show a certificate.
    pub chardev_tls_x509_verify: bool,
    /// `vnc_…`.
    pub vnc: VncConfig,
    /// `spice_…`.
    pub spice: SpiceConfig,
    /// `nogfx_allow_host_audio`: guests without a display may use the host's sound.
    pub nogfx_allow_host_audio: bool,
    /// `seccomp_sandbox`; absent for the built-in choice (on).
    pub seccomp_sandbox: Option<bool>,
    /// `log_timestamp`.
    pub log_timestamp: bool,
    /// `nbd_tls`: NBD disks that say nothing are encrypted.
    pub nbd_tls: bool,
    /// `nbd_tls_x509_cert_dir`.
    pub nbd_tls_x509_cert_dir: PathBuf,
    /// `vxhs_tls`: VxHS disks that say nothing are encrypted.
    pub vxhs_tls: bool,
    /// `vxhs_tls_x509_cert_dir`.
    pub vxhs_tls_x509_cert_dir: PathBuf,
    /// `gluster_debug_level`, 0 to 9.
    pub gluster_debug_level: u32,
    /// `security_driver`: the first one, which a label without a model is for.
    pub security_model: String,
    /// `dump_guest_core`: whether core dumps of QEMU hold the guests' memory.
    pub dump_guest_core: bool,
    /// `set_process_name`: whether processes are named after their guests.
    pub set_process_name: bool,
    /// `deprecation_behavior`: what QEMU does with interfaces that it is going to drop.
    pub deprecation_behavior: Option<String>,
    /// `memory_backing_dir`; absent for `ram` under [`Config::lib_dir`].
    pub memory_backing: Option<PathBuf>,
    /// `save_image_format`: how the states of saved guests are compressed.
    pub save_image_format: Compression,
    /// `host_uuid`: what the host is told to be; absent for what its firmware or its installation says.
    pub host_uuid: Option<Uuid>,
    /// What of the engine's own environment guests get.
    pub environment: Vec<(String, String)>,
}

/// Settings of VNC servers, `vnc_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VncConfig {
    /// `vnc_listen`.
    pub listen: String,
    /// `vnc_auto_unix_socket`: servers without an address listen on a socket instead.
    pub auto_unix_socket: bool,
    /// `vnc_password`, of servers that have none of their own.
    pub password: Option<String>,
    /// `vnc_tls`: the directory of the certificates, `vnc_tls_x509_cert_dir`, where TLS is used.
    pub tls: Option<PathBuf>,
    /// `vnc_tls_x509_verify`: clients have to show a certificate.
    pub tls_verify: bool,
    /// `vnc_sasl`: the directory of the SASL settings, `vnc_sasl_dir` (empty for SASL's own), where SASL is used.
    pub sasl: Option<PathBuf>,
    /// `vnc_allow_host_audio`: guests with a VNC server may use the host's sound.
    pub allow_host_audio: bool,
}

impl Default for VncConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1".into(),
            auto_unix_socket: false,
            password: None,
            tls: None,
            tls_verify: false,
            sasl: None,
            allow_host_audio: false,
        }
    }
}

/// Settings of SPICE servers, `spice_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiceConfig {
    /// `spice_listen`.
    pub listen: String,
    /// `spice_auto_unix_socket`: servers without an address listen on a socket instead.
    pub auto_unix_socket: bool,
    /// `spice_password`, of servers that have none of their own.
    pub password: Option<String>,
    /// `spice_tls`.
    pub tls: bool,
    /// `spice_tls_x509_cert_dir`.
    pub tls_dir: PathBuf,
    /// `spice_sasl`: the directory of the SASL settings, `spice_sasl_dir` (empty for SASL's own), where SASL is used.
    pub sasl: Option<PathBuf>,
}

impl Default for SpiceConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1".into(),
            auto_unix_socket: false,
            password: None,
            tls: false,
            tls_dir: "/etc/pki/qemu".into(),
            sasl: None,
        }
    }
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
            config_dir: "/etc/libvirt/qemu".into(),
            cache_dir: "/var/cache/libvirt/qemu".into(),
            swtpm_storage_dir: "/var/lib/libvirt/swtpm".into(),
            swtpm_log_dir: "/var/log/swtpm/libvirt/qemu".into(),
            swtpm_settings_dir: None,
            chardev_tls: false,
            chardev_tls_x509_cert_dir: "/etc/pki/qemu".into(),
            chardev_tls_x509_verify: false,
            vnc: VncConfig::default(),
            spice: SpiceConfig::default(),
            nogfx_allow_host_audio: false,
            seccomp_sandbox: None,
            log_timestamp: true,
            nbd_tls: false,
            nbd_tls_x509_cert_dir: "/etc/pki/qemu".into(),
            vxhs_tls: false,
            vxhs_tls_x509_cert_dir: "/etc/pki/qemu".into(),
            gluster_debug_level: 4,
            security_model: "none".to_owned(),
            dump_guest_core: false,
            set_process_name: false,
            deprecation_behavior: None,
            memory_backing: None,
            save_image_format: Compression::Raw,
            host_uuid: None,
            environment: vec![("PATH".to_owned(), PATH.to_owned())],
        }
    }

    /// The directories and defaults of an engine for the whole host that keeps out of libvirt's way.
    #[must_use]
    pub fn host() -> Self {
        Self {
            lib_dir: "/var/lib/virt/qemu".into(),
            log_dir: "/var/log/virt/qemu".into(),
            state_dir: "/run/virt/qemu".into(),
            config_dir: "/etc/virt/qemu".into(),
            cache_dir: "/var/cache/virt/qemu".into(),
            ..Self::system()
        }
    }

    /// Where files behind guest memory are.
    #[must_use]
    pub fn memory_backing_dir(&self) -> PathBuf {
        self.memory_backing.clone().unwrap_or_else(|| self.lib_dir.join("ram"))
    }

    /// A per-user engine's defaults, with everything in one directory.
    #[must_use]
    pub fn in_dir(root: &Path) -> Self {
        Self {
            privileged: false,
            lib_dir: root.join("lib"),
            log_dir: root.join("log"),
            state_dir: root.join("run"),
            config_dir: root.join("config"),
            cache_dir: root.join("cache"),
            swtpm_storage_dir: root.join("lib/swtpm"),
            swtpm_log_dir: root.join("log/swtpm"),
            swtpm_settings_dir: Some(root.join("config/swtpm")),
            ..Self::system()
        }
    }

    /// A per-user engine's defaults, in the user's own directories (XDG base directories).
    #[must_use]
    pub fn of_user(dirs: &Directories) -> Self {
        Self {
            privileged: false,
            lib_dir: dirs.state.join("virt/qemu/lib"),
            log_dir: dirs.cache.join("virt/qemu/log"),
            state_dir: dirs.runtime.join("virt/qemu/run"),
            config_dir: dirs.config.join("virt/qemu"),
            cache_dir: dirs.cache.join("virt/qemu"),
            swtpm_storage_dir: dirs.state.join("virt/qemu/lib/swtpm"),
            swtpm_log_dir: dirs.cache.join("virt/qemu/log/swtpm"),
            swtpm_settings_dir: Some(dirs.config.join("virt/qemu/swtpm")),
            ..Self::system()
        }
    }
}
