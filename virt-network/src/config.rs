//! Where the driver's files are.

use std::path::{Path, PathBuf};

use virt_firewall::Backend;
use virt_sys::user::Directories;

/// The driver's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Configurations.
    pub config_dir: PathBuf,
    /// Links to the configurations of networks that start with the host.
    pub autostart_dir: PathBuf,
    /// What is known of running networks.
    pub state_dir: PathBuf,
    /// The numbers of dnsmasq's processes.
    pub pid_dir: PathBuf,
    /// dnsmasq's files, and those of leases.
    pub dnsmasq_dir: PathBuf,
    /// The program that dnsmasq calls when an address is given out; absent for one beside this process's own, or installed.
    pub leases_helper: Option<PathBuf>,
    /// This process's own program is that program as well, where it is called by [its name](crate::leases_helper::NAME).
    pub helps_itself: bool,
    /// A network that a guest needs is started for it. libvirt refuses such a guest.
    pub starts_on_demand: bool,
    /// `firewall_backend`; absent for what works.
    pub firewall: Option<Backend>,
}

impl Config {
    /// libvirt's own places of a system engine, which behaves as libvirt does.
    #[must_use]
    pub fn system() -> Self {
        let (config, run, lib) = ("/etc/libvirt/qemu", "/run/libvirt", "/var/lib/libvirt");
        Self { starts_on_demand: false, ..Self::below(config.as_ref(), run.as_ref(), lib.as_ref()) }
    }

    /// The places of an engine for the whole host that keeps out of libvirt's way.
    #[must_use]
    pub fn host() -> Self {
        Self::below(Path::new("/etc/virt/qemu"), Path::new("/run/virt"), Path::new("/var/lib/virt"))
    }

    /// Those of an engine that has everything in one directory.
    #[must_use]
    pub fn in_dir(root: &Path) -> Self {
        Self::below(&root.join("config"), &root.join("run"), &root.join("lib"))
    }

    /// A user's, in the folder `folder` of the user's own directories.
    #[must_use]
    pub fn of_user(user: &Directories, folder: &str) -> Self {
        let runtime = user.runtime.join(folder);
        Self {
            state_dir: runtime.join("network/lib"),
            pid_dir: runtime.join("network/run"),
            dnsmasq_dir: runtime.join("dnsmasq/lib"),
            ..Self::below(&user.config.join(folder).join("qemu"), &runtime, &runtime)
        }
    }

    fn below(config: &Path, run: &Path, lib: &Path) -> Self {
        Self {
            config_dir: config.join("networks"),
            autostart_dir: config.join("networks/autostart"),
            state_dir: run.join("network"),
            pid_dir: run.join("network"),
            dnsmasq_dir: lib.join("dnsmasq"),
            leases_helper: None,
            helps_itself: false,
            starts_on_demand: true,
            firewall: None,
        }
    }
}
